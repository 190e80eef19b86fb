//! Requests: what routing reads of them, and the splice of another model's name.
#![no_main]

use bytes::Bytes;
use memchr::memmem;
use serde::de::IgnoredAny;
use waymark_fuzz::crossing::addressed;
use waymark_fuzz::{Input, is_json};
use waymark_protocol::{Addressed, Request, background_call, parse, without_foreign};
use waymark_types::Dialect;

waymark_fuzz::target!(check);

const OTHER: &str = "other-model-9";

fn check(input: Input<'_>) {
    let dialect = *input.of(Dialect::ALL);
    cleaned(dialect, &Bytes::copy_from_slice(input.body));
    let (asked, body) = addressed_or_form(dialect, input);
    let raw = Bytes::copy_from_slice(body);
    let Ok(request) = parse(dialect, &raw, &asked) else { return };
    background_call(&request);
    assert_eq!(request.raw(), &raw);
    assert_eq!(request.body_for(&request.model), raw);
    let spliced = request.body_for(OTHER);
    only_names_changed(&raw, &spliced);
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

/// What is said beside the body, and the body. Only some dialects' addresses name a model; where they do, the body may,
/// too. Of pictures and sounds the content type says where a form's parts end; sometimes the first line is one.
fn addressed_or_form(dialect: Dialect, input: Input<'_>) -> (Addressed, &[u8]) {
    let asked = addressed(dialect, "named", input.seed % 2 == 1);
    let form =
        |content_type: &str| Addressed { content_type: Some(content_type.to_owned()), ..asked.clone() };
    let first_line = input.body.iter().position(|&byte| byte == b'\n').map(|end| input.body.split_at(end));
    match (input.seed % 4, first_line) {
        (0, _) => (form("multipart/form-data; boundary=b"), input.body),
        (1, Some((line, body))) => (form(&String::from_utf8_lossy(line)), &body[1..]),
        _ => (asked, input.body),
    }
}

/// The bytes around every name are as they were, and what was in its place was a name.
fn only_names_changed(raw: &[u8], spliced: &[u8]) {
    if spliced == raw {
        return;
    }
    let shown = String::from_utf8_lossy(spliced);
    let quoted = [format!("\"models/{OTHER}\""), format!("\"{OTHER}\""), OTHER.to_owned()];
    let name = quoted.iter().find(|name| memmem::find(spliced, name.as_bytes()).is_some());
    let name = name.unwrap_or_else(|| panic!("the name is not there: {shown}"));
    let (mut copied, mut place) = (0, 0);
    for at in memmem::find_iter(spliced, name.as_bytes()) {
        let before = &spliced[copied..at];
        assert!(raw[place..].starts_with(before), "{shown}");
        let hole = &raw[place + before.len()..];
        place += before.len() + named(hole, raw, &spliced[at + name.len()..]);
        copied = at + name.len();
    }
    assert_eq!(&raw[place..], &spliced[copied..], "{shown}");
}

/// How long the name at the start of `raw` is; in a form, which is no JSON, it ends where `behind` begins.
fn named(raw: &[u8], whole: &[u8], behind: &[u8]) -> usize {
    if serde_json::from_slice::<IgnoredAny>(whole).is_err() {
        return raw.len() - behind.len();
    }
    let mut values = serde_json::Deserializer::from_slice(raw).into_iter::<Option<String>>();
    match values.next() {
        Some(Ok(_)) => values.byte_offset(),
        // What Gemini's body calls the model is not read where the address does.
        _ => {
            let mut values = serde_json::Deserializer::from_slice(raw).into_iter::<IgnoredAny>();
            assert!(values.next().is_some_and(|value| value.is_ok()));
            values.byte_offset()
        }
    }
}

/// What this gateway put into a conversation is taken out wholly, and nothing else breaks.
fn cleaned(dialect: Dialect, raw: &Bytes) {
    let Some(cleaned) = without_foreign(dialect, raw) else { return };
    is_json(&cleaned, raw);
    assert!(cleaned.trim_ascii_start().starts_with(b"{"));
    assert_eq!(without_foreign(dialect, &cleaned), None, "{}", String::from_utf8_lossy(&cleaned));
}
