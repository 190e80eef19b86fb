//! Requests, answers and errors of completions, read and written in every dialect of them.
#![no_main]

use bytes::Bytes;
use waymark_fuzz::crossing::COMPLETERS;
use waymark_fuzz::{CREATED, Input, MODEL, are_codes, is_in_proportion, is_json, streams};
use waymark_protocol::{Fim, FimPrompt, Suggestion, parse};
use waymark_types::{RecordId, Timestamp, Usage};

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    requests(input);
    answers(input);
}

fn requests(input: Input<'_>) {
    let client = input.of(&COMPLETERS);
    let body = Bytes::copy_from_slice(input.body);
    let (parsed, read) =
        (parse(client.dialect, &body, &Default::default()), client.talk.read_fim(input.body));
    let Ok(prompt) = read else { return };
    let suggested = client.talk.write_suggestion(&prompt, &suggestion());
    is_in_proportion(&suggested, input.body);
    is_in_proportion(&client.talk.write_warm_up(&prompt, MODEL, CREATED), input.body);
    let Ok(parsed) = parsed else { return };
    let Some(fim) = parsed.fim else { return };
    assert_eq!((&fim.prefix, &fim.suffix), (&prompt.fim.prefix, &prompt.fim.suffix));
    assert_eq!(parsed.warm_up, prompt.warm_up);
    are_codes(&prompt.losses);
    // Where a dialect has fields of its own for both sides, markers are text; elsewhere they are markers again.
    // A warm-up has no text to speak of.
    let (prefix, suffix) = (prompt.fim.prefix.clone(), prompt.fim.suffix.clone());
    if prompt.warm_up || Fim::new(prefix.clone(), suffix, None, None).prefix != prefix {
        return;
    }
    crosses(&prompt, input.other(&COMPLETERS), input.body);
}

/// What is written is a request for a completion at the same cursor.
fn crosses(prompt: &FimPrompt, provider: &waymark_fuzz::crossing::Completer, body: &[u8]) {
    let mut losses = Vec::new();
    let Ok(written) = provider.talk.write_fim(prompt, MODEL, &mut losses) else { return };
    are_codes(&losses);
    is_json(&written, body);
    let whose = format!("{}: {}", provider.dialect, String::from_utf8_lossy(&written));
    let again = provider.talk.read_fim(&written).unwrap_or_else(|error| panic!("{error}: {whose}"));
    assert_eq!(again.stream, prompt.stream, "{whose}");
    assert_eq!((&again.fim.prefix, &again.fim.suffix), (&prompt.fim.prefix, &prompt.fim.suffix), "{whose}");
    assert_eq!(again.losses, [], "{whose}");
    assert!(again.unsayable.is_empty(), "{whose}");
    let whole = Bytes::copy_from_slice(&written);
    let request = parse(provider.dialect, &whole, &Default::default());
    assert_eq!(request.unwrap_or_else(|error| panic!("{error}: {whose}")).model, MODEL, "{whose}");
}

fn answers(input: Input<'_>) {
    let provider = input.of(&COMPLETERS);
    provider.talk.read_error(input.body);
    let Ok(reply) = provider.talk.read_reply(input.body) else { return };
    let client = input.other(&COMPLETERS);
    let written = client.talk.write_reply(&FimPrompt::default(), &reply, MODEL, CREATED);
    is_json(&written, input.body);
    let whose = format!("{}: {}", client.dialect, String::from_utf8_lossy(&written));
    let again = client.talk.read_reply(&written).unwrap_or_else(|error| panic!("{error}: {whose}"));
    assert_eq!(streams::text(&again.blocks), streams::text(&reply.blocks), "{whose}");
}

fn suggestion() -> Suggestion<serde_json::Value> {
    let created = Timestamp::from_micros(CREATED * 1_000_000);
    Suggestion {
        record: RecordId::new(created, [7; 10]),
        created,
        model: "embedded".to_owned(),
        text: Some("let x = 1;".to_owned()),
        confidence: 0.9,
        citations: serde_json::Value::Null,
        usage: Usage { input: Some(9), output: Some(5), ..Usage::default() },
    }
}
