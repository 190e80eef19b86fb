//! Every example of a request to embed, and of its answer, in every other dialect of embeddings.

use std::fmt::Write;

use serde_json::{Value, json};
use waymark_protocol::{EmbedDialogue, Inputs, VectorForm, embed_dialogue};
use waymark_types::Dialect;

use crate::cases::{Case, MODEL, cases_of, convert, file_name, targets};
use crate::golden::Golden;

fn talk(dialect: Dialect) -> &'static dyn EmbedDialogue {
    embed_dialogue(dialect).unwrap()
}

fn cases(ending: &str) -> Vec<Case> {
    cases_of(Dialect::ALL.iter().copied().filter(|dialect| dialect.is_embedding()), ending)
}

fn path(case: &Case, target: Dialect, ending: &str) -> String {
    format!("{}/{}.{}{ending}", file_name(case.source), case.name, file_name(target))
}

#[test]
fn requests() {
    let mut golden = Golden::new("embeddings/requests");
    for case in cases(".request.json") {
        let source = talk(case.source).read_inputs(&case.bytes).unwrap();
        for target in targets(case.source) {
            let converted = convert(&case, target);
            let losses = converted.losses();
            let content = match &converted.body {
                Err(refused) => json!({"refused": refused}),
                Ok(bytes) => {
                    let arrived = talk(target).read_inputs(bytes).unwrap();
                    assert_eq!((&arrived.texts, arrived.dimensions), (&source.texts, source.dimensions));
                    json!({"losses": losses, "body": serde_json::from_slice::<Value>(bytes).unwrap()})
                }
            };
            golden.check(&path(&case, target, ".json"), &format!("{content:#}\n"));
        }
    }
    golden.finish();
}

/// The files hold the very bytes, because a number's digits are lost once it is read.
#[test]
fn replies() {
    let mut golden = Golden::new("embeddings/replies");
    for case in cases(".reply.json") {
        let source = talk(case.source).read_vectors(&case.bytes).unwrap();
        for target in targets(case.source) {
            let mut all = String::new();
            for form in [VectorForm::List, VectorForm::Base64, VectorForm::Single] {
                let asked = Inputs { form, ..Inputs::default() };
                let bytes = talk(target).write_vectors(&asked, &source, MODEL);
                let again = talk(target).read_vectors(&bytes).unwrap();
                let count = if form == VectorForm::Single && target != Dialect::OpenAiEmbeddings {
                    1
                } else {
                    source.vectors.len()
                };
                assert_eq!(again.vectors.len(), count);
                writeln!(all, "{form:?}\n{}", String::from_utf8(bytes).unwrap()).unwrap();
            }
            golden.check(&path(&case, target, ".txt"), &all);
        }
    }
    golden.finish();
}
