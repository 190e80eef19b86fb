use serde_json::Value;
use waymark_types::{Dialect, Usage};

use super::{DIALECTS, events, read, said, stream, suggestion, talk, watched};
use crate::fim::{FimPrompt, completion_body};
use crate::neutral::{Block, Event, Reply, Stop};
use crate::testing::{CREATED, case, cases};
use crate::{Answer, ErrorKind, Fault, Progress};

#[test]
fn answers_are_read_alike() {
    for dialect in DIALECTS {
        let reply = talk(dialect).read_reply(&case(dialect, "text.reply.json")).unwrap();
        assert_eq!(
            (reply.blocks.as_slice(), reply.stop.as_ref()),
            (&[Block::text("read_line(&mut line)")][..], Some(&Stop::End))
        );
        assert_eq!((reply.usage.input, reply.usage.output), (Some(42), Some(6)), "{dialect}");
        let cut = talk(dialect).read_reply(&case(dialect, "max_tokens.reply.json")).unwrap();
        assert_eq!(
            (cut.blocks, cut.stop),
            (vec![Block::text("read_line(")], Some(Stop::MaxTokens)),
            "{dialect}"
        );

        let mut answer = Answer::default();
        answer.read_body(dialect, &case(dialect, "text.reply.json"));
        assert_eq!(answer.served_model, reply.model, "{dialect}");
        assert_eq!((answer.usage, answer.error), (reply.usage, None), "{dialect}");
    }
    let word = talk(Dialect::LlamaInfill).read_reply(&case(Dialect::LlamaInfill, "word.reply.json")).unwrap();
    assert_eq!(word.stop, Some(Stop::Sequence(Some("\n\n".to_owned()))));
    let mut answer = Answer::default();
    answer.read_body(Dialect::LlamaInfill, &case(Dialect::LlamaInfill, "several.reply.json"));
    assert_eq!((answer.usage.input, answer.usage.output), (Some(42), Some(9)));
    let mut answer = Answer::default();
    answer.read_body(Dialect::LlamaInfill, &case(Dialect::LlamaInfill, "fields.reply.json"));
    assert_eq!((answer.usage.input, answer.usage.output, answer.served_model), (None, Some(6), None));
}

#[test]
fn a_stream_of_a_few_fields_ends_where_it_says_nothing_of_going_on() {
    let fields = case(Dialect::LlamaInfill, "fields.stream.txt");
    let (answer, progress) = watched(Dialect::LlamaInfill, &fields);
    assert_eq!((progress, answer.usage.input, answer.usage.output), (Progress::Last, Some(42), Some(2)));
    assert!(matches!(stream(Dialect::LlamaInfill, "fields").last(), Some(Event::End)));
}

#[test]
fn streams_are_read_alike_wherever_they_are_cut() {
    for dialect in DIALECTS {
        let events = stream(dialect, "text");
        assert_eq!(said(&events), "read_line(&mut größe)", "{dialect}");
        let Some(Event::Start { model, .. }) = events.first() else { panic!("{dialect}") };
        // llama.cpp names its model at the very end.
        assert_eq!(model.is_some(), dialect != Dialect::LlamaInfill, "{dialect}");
        let usage = Usage { input: Some(42), output: Some(6), ..Usage::default() };
        let [.., Event::Usage { usage: counted }, Event::Stop { stop: Stop::End }, Event::End] = &events[..]
        else {
            panic!("{dialect}: {events:?}");
        };
        assert_eq!((counted.input, counted.output), (usage.input, usage.output), "{dialect}");
        let (answer, progress) = watched(dialect, &case(dialect, "text.stream.txt"));
        assert_eq!((progress, answer.usage.output), (Progress::Last, Some(6)), "{dialect}");

        let broken = stream(dialect, "error_mid_stream");
        assert!(matches!(broken.last(), Some(Event::Error { .. })), "{dialect}");
        let (answer, progress) = watched(dialect, &case(dialect, "error_mid_stream.stream.txt"));
        assert!(progress == Progress::Failed && answer.error.is_some(), "{dialect}");
        let short = stream(dialect, "cut_short");
        assert!(!short.iter().any(|event| matches!(event, Event::End | Event::Error { .. })), "{dialect}");

        for name in cases(dialect, ".stream.txt") {
            let bytes = case(dialect, &name);
            let whole = super::events(dialect, &[&bytes]);
            for at in 0..=bytes.len() {
                let (left, right) = bytes.split_at(at);
                assert_eq!(super::events(dialect, &[left, right]), whole, "{dialect} {name} cut at {at}");
            }
            let letters: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(super::events(dialect, &letters), whole, "{dialect} {name}");
        }
    }
    assert!(matches!(stream(Dialect::OpenAiCompletions, "silent_end").last(), Some(Event::End)));
}

#[test]
fn the_embedded_model_answers_in_every_dialect() {
    for dialect in DIALECTS {
        for text in [Some("read_line(&mut line)"), None] {
            let mut prompt = read(dialect, "text");
            let streamed = talk(dialect).write_suggestion(&prompt, &suggestion(text));
            let events = events(dialect, &[&streamed]);
            assert_eq!(said(&events), text.unwrap_or_default(), "{dialect}");
            assert!(matches!(events[..], [.., Event::Stop { stop: Stop::End }, Event::End]), "{dialect}");
            let written = String::from_utf8(streamed.clone()).unwrap();
            assert!(written.contains(&format!("\"declined\":{}", text.is_none())), "{dialect}");
            let (answer, progress) = watched(dialect, &streamed);
            assert_eq!((answer.served_model.as_deref(), progress), (Some("waymark-flash-1"), Progress::Last));

            prompt.stream = false;
            let body = talk(dialect).write_suggestion(&prompt, &suggestion(text));
            let reply = talk(dialect).read_reply(&body).unwrap();
            assert_eq!((text_of(&reply), reply.stop), (text.unwrap_or_default().to_owned(), Some(Stop::End)));
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["waymark"]["citations"][0]["path"], "src/file.rs", "{dialect}");
        }
    }
    // The first form of an answer stays what it was.
    let prompt = FimPrompt::default();
    let body = talk(Dialect::OpenAiCompletions).write_suggestion(&prompt, &suggestion(Some("x")));
    assert_eq!(body, completion_body(&suggestion(Some("x"))));
}

fn text_of(reply: &Reply) -> String {
    reply
        .blocks
        .iter()
        .map(|block| if let Block::Text { text, .. } = block { text.as_str() } else { "" })
        .collect()
}

#[test]
fn an_editor_gets_only_the_fields_it_asked_for() {
    let prompt = read(Dialect::LlamaInfill, "vim");
    let body = talk(Dialect::LlamaInfill).write_suggestion(&prompt, &suggestion(Some("read")));
    let body: Value = serde_json::from_slice(&body).unwrap();
    let fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted =
        ["content", "timings/predicted_n", "timings/prompt_n", "tokens_cached", "truncated", "waymark"];
    assert_eq!(fields, wanted);
    // Without a choice of fields there is what another editor looks into unasked.
    let whole = talk(Dialect::LlamaInfill).write_suggestion(&FimPrompt::default(), &suggestion(None));
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    assert!(whole["generation_settings"].is_object());
}

#[test]
fn an_echo_comes_first_and_once() {
    let mut prompt = read(Dialect::OpenAiCompletions, "sampling");
    let echo = prompt.form.echo.clone().unwrap();
    let reply = talk(Dialect::MistralFim).read_reply(&case(Dialect::MistralFim, "text.reply.json")).unwrap();
    let body = talk(Dialect::OpenAiCompletions).write_reply(&prompt, &reply, "m", CREATED);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["choices"][0]["text"], format!("{echo}read_line(&mut line)"));
    prompt.stream = true;
    for (name, text) in [("text", "read_line(&mut größe)"), ("empty", "")] {
        let events = if text.is_empty() { vec![Event::End] } else { stream(Dialect::MistralFim, name) };
        let mut writer = talk(Dialect::OpenAiCompletions).event_writer(&prompt, "m", CREATED);
        let written: Vec<u8> = events.iter().flat_map(|event| writer.write(event)).collect();
        assert_eq!(said(&super::events(Dialect::OpenAiCompletions, &[&written])), format!("{echo}{text}"));
    }
}

#[test]
fn errors_have_each_dialects_shape() {
    let fault =
        Fault { kind: ErrorKind::Unavailable, code: "no_completion_model", message: "no model".to_owned() };
    for (dialect, place) in [
        (Dialect::OpenAiCompletions, "/error/message"),
        (Dialect::MistralFim, "/message"),
        (Dialect::LlamaInfill, "/error/message"),
        (Dialect::OllamaGenerate, "/error"),
    ] {
        let body = crate::error_body(dialect, &fault);
        let value: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value.pointer(place), Some(&"no model".into()), "{dialect}");
        assert_eq!(talk(dialect).read_error(&body).1, "no model", "{dialect}");
        assert!(talk(dialect).read_reply(&body).is_err(), "{dialect}");
        let mut answer = Answer::default();
        answer.read_body(dialect, &body);
        assert_eq!(answer.error.as_deref(), Some("no model"), "{dialect}");
        let event = crate::error_event(dialect, &fault);
        assert!(
            matches!(&events(dialect, &[&event])[..], [Event::Error { message, .. }] if message == "no model")
        );
        assert_eq!(watched(dialect, &event).1, Progress::Failed, "{dialect}");
        assert_eq!(
            talk(dialect).read_error(b"<html>bad gateway</html>"),
            (None, "<html>bad gateway</html>".to_owned())
        );
    }
    let llama: Value = serde_json::from_slice(&crate::error_body(Dialect::LlamaInfill, &fault)).unwrap();
    assert_eq!(
        (&llama["error"]["code"], &llama["error"]["type"]),
        (&503.into(), &"unavailable_error".into())
    );
    let details =
        br#"{"detail":[{"type":"missing","loc":["body","prompt"],"msg":"Field required","input":{}}]}"#;
    assert_eq!(talk(Dialect::MistralFim).read_error(details).1, "`prompt`: Field required");
    let bare = br#"{"message":"Unauthorized","request_id":"1"}"#;
    assert_eq!(talk(Dialect::MistralFim).read_error(bare).1, "Unauthorized");
}
