//! The matrix: every example × every other dialect.

use serde_json::{Value, json};
use waymark_protocol::neutral::{Event, Reply, Stop};
use waymark_types::Dialect;

use crate::cases::{
    CREATED, Case, MODEL, cases, convert, file_name, prompt, read_stream, talk, targets, write_stream,
};
use crate::codes::excuses;
use crate::facts::{self, Facts, Kind};
use crate::golden::Golden;
use crate::order::{Said, gather};

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn label(case: &Case, target: Dialect) -> String {
    format!("{}/{} in {target}", case.source, case.name)
}

fn path(case: &Case, target: Dialect, ending: &str) -> String {
    format!("{}/{}.{}{ending}", file_name(case.source), case.name, file_name(target))
}

#[test]
fn requests() {
    let (mut golden, mut missing) = (Golden::new("requests"), Vec::new());
    for case in cases(".request.json") {
        for target in targets(case.source) {
            let converted = convert(&case, target);
            let losses = converted.losses();
            let content = match &converted.body {
                Err(refused) => json!({"refused": refused}),
                Ok(bytes) => {
                    let body: Value = serde_json::from_slice(bytes).unwrap();
                    missing.extend(missing_facts(&case, target, &losses, bytes));
                    missing.extend(missing_sentences(&case, target, &losses, &body));
                    json!({"losses": losses, "body": body})
                }
            };
            golden.check(&path(&case, target, ".json"), &pretty(&content));
        }
    }
    assert!(missing.is_empty(), "missing without a loss that says so:\n{}", missing.join("\n"));
    golden.finish();
}

/// What the source says and the target does not, each as its own reader reads it.
fn missing_facts(case: &Case, target: Dialect, losses: &[&str], body: &[u8]) -> Vec<String> {
    let source = facts::of_prompt(&prompt(case));
    let read = talk(target).read_prompt(body);
    let read = read.unwrap_or_else(|error| panic!("{}: {error}", label(case, target)));
    let target_facts = facts::of_prompt(&read);
    let excused: Vec<Kind> = losses.iter().flat_map(|code| excuses(code)).copied().collect();
    let missing =
        facts::missing(&source, &target_facts).into_iter().filter(|(kind, _)| !excused.contains(kind));
    missing
        .map(|(kind, what)| format!("{}: {kind:?} {what:?}; losses: {losses:?}", label(case, target)))
        .collect()
}

/// The sentences of the source's text that the target's does not hold, whatever the readers make of them.
fn missing_sentences(case: &Case, target: Dialect, losses: &[&str], body: &Value) -> Vec<String> {
    // Any loss that may take text along excuses; which text it took, the golden file shows.
    if losses.iter().any(|code| !excuses(code).is_empty()) {
        return Vec::new();
    }
    let source = facts::sentences_of_request(serde_json::from_slice(&case.bytes).unwrap());
    let written = facts::sentences_of_request(body.clone());
    let written = written.into_iter().collect::<Vec<_>>().join("\n");
    let missing = source.into_iter().filter(|sentence| !written.contains(sentence.as_str()));
    missing.map(|sentence| format!("{}: {sentence:?}; losses: {losses:?}", label(case, target))).collect()
}

#[test]
fn replies() {
    let mut golden = Golden::new("replies");
    for case in cases(".reply.json") {
        let reply = talk(case.source).read_reply(&case.bytes);
        let reply = reply.unwrap_or_else(|error| panic!("{}/{}: {error}", case.source, case.name));
        for target in targets(case.source) {
            let body = talk(target).write_reply(&reply, MODEL, CREATED);
            let whose = label(&case, target);
            let again = talk(target).read_reply(&body).unwrap_or_else(|error| panic!("{whose}: {error}"));
            same_answer(&reply, &again, target, &whose);
            golden.check(&path(&case, target, ".json"), &pretty(&serde_json::from_slice(&body).unwrap()));
        }
    }
    golden.finish();
}

/// What an answer says arrives. Answers have no losses: nobody could act on them.
fn same_answer(source: &Reply, target: &Reply, dialect: Dialect, whose: &str) {
    let (said, heard) = (facts::of_blocks(&source.blocks), facts::of_blocks(&target.blocks));
    let missing = missing_of_answer(&said, &heard, dialect);
    assert!(missing.is_empty(), "{whose}: missing are {missing:?}");
    // Every dialect knows these; for other reasons to stop some have none of their own.
    if let Some(Stop::End | Stop::MaxTokens | Stop::ToolCalls) = source.stop {
        assert_eq!(target.stop, source.stop, "{whose}");
    }
    for (name, stated, arrived) in [
        ("input", source.usage.input, target.usage.input),
        ("output", source.usage.output, target.usage.output),
    ] {
        assert!(
            arrived == stated || stated.is_none(),
            "{whose}: {name} tokens are {arrived:?}, not {stated:?}"
        );
    }
}

fn missing_of_answer<'a>(said: &'a Facts, heard: &Facts, dialect: Dialect) -> Vec<&'a (Kind, String)> {
    // Ollama's calls have no ids.
    let has_ids = dialect != Dialect::OllamaChat;
    let mut missing = facts::missing(said, heard);
    missing.retain(|(kind, _)| has_ids || *kind != Kind::CallId);
    missing
}

#[test]
fn streams() {
    let mut golden = Golden::new("streams");
    for case in cases(".stream.txt") {
        let whose = format!("{}/{}", case.source, case.name);
        let events = read_stream(case.source, &[&case.bytes]);
        let source = gather(&events, &whose);
        for target in targets(case.source) {
            let whose = label(&case, target);
            let bytes = write_stream(target, &events);
            same_stream(&source, &gather(&read_stream(target, &[&bytes]), &whose), target, &whose);
            golden.check(&path(&case, target, ".txt"), std::str::from_utf8(&bytes).unwrap());
        }
    }
    golden.finish();
}

fn same_stream(source: &Said, target: &Said, dialect: Dialect, whose: &str) {
    let answer = |said: &Said| Reply {
        blocks: said.blocks.clone(),
        stop: said.stop.clone(),
        usage: said.usage,
        ..Reply::default()
    };
    assert_eq!(target.ended, source.ended, "{whose}: whether the stream is whole");
    assert_eq!(target.error.is_some(), source.error.is_some(), "{whose}: whether the stream failed");
    // A stream that broke off says nothing about tokens in some dialects.
    let mut stated = answer(source);
    if !source.ended {
        stated.usage = waymark_types::Usage::default();
    }
    same_answer(&stated, &answer(target), dialect, whose);
}

/// Wherever a source stream is cut, its events are the same; and a writer sees nothing but events, so that every
/// conversion of it is the same, too. The latter is tried with each byte by itself.
#[test]
fn streams_may_be_cut_anywhere() {
    std::thread::scope(|scope| {
        for case in cases(".stream.txt") {
            scope.spawn(move || cut_everywhere(&case));
        }
    });
}

fn cut_everywhere(case: &Case) {
    let whole: Vec<Event> = read_stream(case.source, &[&case.bytes]);
    for at in 1..case.bytes.len() {
        let cut = read_stream(case.source, &[&case.bytes[..at], &case.bytes[at..]]);
        assert_eq!(cut, whole, "{}/{} cut at {at}", case.source, case.name);
    }
    let bytes: Vec<&[u8]> = case.bytes.chunks(1).collect();
    let events = read_stream(case.source, &bytes);
    for target in targets(case.source) {
        assert_eq!(write_stream(target, &events), write_stream(target, &whole), "{}", label(case, target));
    }
}
