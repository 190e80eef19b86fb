//! Requests: what routing reads of them, and the splice of another model's name.
#![no_main]

use bytes::Bytes;
use memchr::memmem;
use waymark_fuzz::crossing::addressed;
use waymark_fuzz::{Input, is_in_proportion};
use waymark_protocol::{Request, parse, without_foreign};
use waymark_types::Dialect;

waymark_fuzz::target!(check);

const OTHER: &str = "other/model-9";

fn check(input: Input<'_>) {
    let (dialect, raw) = (*input.of(Dialect::ALL), Bytes::copy_from_slice(input.body));
    cleaned(dialect, &raw);
    // Only some dialects' addresses name a model; where they do, the body may, too.
    let asked = addressed(dialect, "named", input.seed % 2 == 1);
    let Ok(request) = parse(dialect, &raw, &asked) else { return };
    assert_eq!(request.raw(), &raw);
    assert_eq!(request.body_for(&request.model), raw);
    let spliced = request.body_for(OTHER);
    only_the_name_changed(&raw, &spliced, &request);
    let again = parse(dialect, &spliced, &asked).expect("a request with another model's name is one");
    let facts = |request: &Request| {
        let Request { stream, tools, messages, inputs, warm_up, fim, .. } = request.clone();
        (stream, tools, messages, inputs, warm_up, fim)
    };
    assert_eq!(facts(&again), facts(&request));
    if asked.model.is_none() && spliced != raw {
        assert_eq!(again.model, OTHER);
    }
    assert_eq!(again.body_for("third"), request.body_for("third"));
}

fn only_the_name_changed(raw: &[u8], spliced: &[u8], request: &Request) {
    if spliced == raw {
        return;
    }
    let in_form = request.dialect == Dialect::OpenAiTranscriptions;
    // The name stands in some place such that what is around it is as it was.
    let fits = memmem::find_iter(spliced, OTHER).any(|at| {
        let end = at + OTHER.len();
        [0, 1, 1 + "models/".len()].iter().any(|before| {
            let after = usize::from(!in_form);
            at >= *before
                && raw.starts_with(&spliced[..at - before])
                && raw.ends_with(&spliced[end + after..])
                && is_name(&raw[at - before..raw.len() - (spliced.len() - end - after)], request, in_form)
        })
    });
    assert!(fits, "more than the model's name changed: {}", String::from_utf8_lossy(spliced));
}

/// Whether the bytes taken out are the name that was there; where an address names the model, any other may have been.
fn is_name(bytes: &[u8], request: &Request, in_form: bool) -> bool {
    if in_form {
        return String::from_utf8_lossy(bytes) == request.model;
    }
    match serde_json::from_slice::<Option<String>>(bytes) {
        Ok(name) => {
            request.dialect == Dialect::Gemini
                || ["", &request.model].contains(&name.as_deref().unwrap_or(""))
                || request.model == "auto"
        }
        // What Gemini's body calls the model is not read where the address does.
        Err(_) => request.dialect == Dialect::Gemini,
    }
}

/// What this gateway put into a conversation is taken out wholly, and nothing else breaks.
fn cleaned(dialect: Dialect, raw: &Bytes) {
    let Some(cleaned) = without_foreign(dialect, raw) else { return };
    is_in_proportion(&cleaned, raw);
    let value: serde_json::Value = serde_json::from_slice(&cleaned).expect("JSON stays JSON");
    assert!(value.is_object());
    assert_eq!(without_foreign(dialect, &cleaned), None, "{}", String::from_utf8_lossy(&cleaned));
}
