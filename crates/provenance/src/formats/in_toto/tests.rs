use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::*;
use crate::formats::attributed::samples::{self, CONTENT};

fn ours() -> Statement {
    samples::commit(|commit| {
        Statement::new(&commit, vec!["waymark/test\n3\nroot\n\n— waymark/test sig\n".into()])
    })
}

fn schema() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    serde_json::to_string_pretty(&generator.into_root_schema_for::<Statement>()).unwrap() + "\n"
}

#[test]
fn the_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/commit.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, schema()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let again = "run `UPDATE=1 cargo test -p waymark-provenance schema`";
    assert!(written == schema(), "docs/schema/commit.schema.json is out of date: {again}");
}

#[test]
fn our_statement_is_one_by_the_schema() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let statement = serde_json::to_value(ours()).unwrap();
    let faults: Vec<String> = validator.iter_errors(&statement).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, [""; 0]);
    for wrong in
        ["/_type", "/predicateType", "/predicate/files/0/ranges/0/class", "/predicate/answers/0/record"]
    {
        let mut statement = statement.clone();
        *statement.pointer_mut(wrong).unwrap() = "other".into();
        assert!(!validator.is_valid(&statement), "{wrong}");
    }
}

#[test]
fn our_statement_about_a_commit() {
    let text = serde_json::to_string_pretty(&ours()).unwrap() + "\n";
    assert_eq!(text, include_str!("ours.json"));
    assert_eq!(serde_json::from_str::<Statement>(&text).unwrap(), ours());
}

#[test]
fn it_is_signed_as_the_log_s_other_statements_are() {
    let signer = Signer::new("waymark/test", &[1; 32]).unwrap();
    let envelope = ours().sign(&signer).unwrap();
    assert_eq!(envelope.payload_type, "application/vnd.in-toto+json");
    assert_eq!(envelope.open(&signer.verifier()).unwrap(), ours().to_bytes().unwrap());
}

#[test]
fn a_commit_of_which_nothing_is_known_says_so() {
    let statement =
        samples::commit(|commit| Statement::new(&Commit { files: &[], patch_id: None, ..commit }, vec![]));
    assert_eq!(statement.subject.len(), 1);
    assert_eq!(statement.predicate().lines.total(), 0);
    assert_eq!((statement.predicate().files.len(), statement.predicate().answers.len()), (0, 0));
}

#[test]
fn a_file_is_known_by_its_bytes() {
    let statement = ours();
    assert_eq!(statement.predicate().files[0].sha256, hex(&Sha256::digest(CONTENT)));
    assert_eq!(statement.predicate().lines, Counts { ai: 9, ai_modified: 1, human: 1, unknown: 1 });
}
