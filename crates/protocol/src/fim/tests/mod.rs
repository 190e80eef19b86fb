//! Completions of every dialect, each by its examples.

mod answers;
mod anything;
mod prompts;

use bytes::Bytes;
use serde_json::Value;
use waymark_types::{Dialect, RecordId, Usage};

use super::*;
use crate::neutral::{Event, Stop};
use crate::sse::{Splitter, framing};
use crate::testing::{CREATED, case, cases};
use crate::{Addressed, Answer, Progress, Request, parse};

const DIALECTS: [Dialect; 4] =
    [Dialect::OpenAiCompletions, Dialect::MistralFim, Dialect::LlamaInfill, Dialect::OllamaGenerate];

fn talk(dialect: Dialect) -> &'static dyn FimDialogue {
    fim_dialogue(dialect).unwrap()
}

fn read(dialect: Dialect, name: &str) -> FimPrompt {
    talk(dialect).read_fim(&case(dialect, &format!("{name}.request.json"))).unwrap()
}

fn request(dialect: Dialect, name: &str) -> Request {
    let body = Bytes::from(case(dialect, &format!("{name}.request.json")));
    parse(dialect, &body, &Addressed::default()).unwrap()
}

fn events(dialect: Dialect, pieces: &[&[u8]]) -> Vec<Event> {
    let (framing, mut reader) = (framing(dialect), talk(dialect).event_reader());
    let (mut splitter, mut events) = (Splitter::new(framing), Vec::new());
    for piece in pieces {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().unwrap() {
            events.extend(reader.read(&framing.read(&event)));
        }
    }
    events.extend(reader.finish());
    events
}

fn stream(dialect: Dialect, name: &str) -> Vec<Event> {
    events(dialect, &[&case(dialect, &format!("{name}.stream.txt"))])
}

fn said(events: &[Event]) -> String {
    let text = |event: &Event| match event {
        Event::TextDelta { text, .. } => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// What a looker-on learns from a stream, and whether it was seen to end.
fn watched(dialect: Dialect, stream: &[u8]) -> (Answer, Progress) {
    let (framing, mut answer) = (framing(dialect), Answer::default());
    let (mut splitter, mut progress) = (Splitter::new(framing), Progress::Ongoing);
    splitter.push(stream);
    while let Some(event) = splitter.next_event().unwrap() {
        progress = answer.read_event(dialect, &framing.read(&event));
    }
    (answer, progress)
}

fn suggestion(text: Option<&str>) -> Suggestion<Value> {
    let created = Timestamp::from_micros(CREATED * 1_000_000);
    let citation = json!({"path": "src/file.rs", "lines": [3, 7]});
    Suggestion {
        record: RecordId::new(created, [7; 10]),
        created,
        model: "waymark-flash-1".to_owned(),
        text: text.map(str::to_owned),
        confidence: 0.93,
        citations: [citation],
        usage: Usage { input: Some(12), output: Some(3), ..Usage::default() },
    }
    .into_json()
}

#[test]
fn own_words_come_back() {
    for dialect in DIALECTS {
        for name in cases(dialect, ".request.json") {
            let prompt = talk(dialect).read_fim(&case(dialect, &name)).unwrap();
            if prompt.sayable_in(dialect).is_err() {
                continue;
            }
            let mut losses = Vec::new();
            let written = talk(dialect).write_fim(&prompt, "m", &mut losses).unwrap();
            let mut again = talk(dialect).read_fim(&written).unwrap();
            // What only the answer's writer needs, or was lost before, no request says.
            (again.losses, again.form) = (prompt.losses.clone(), prompt.form.clone());
            again.fim.path = prompt.fim.path.clone();
            again.sampling.top_k = again.sampling.top_k.or(prompt.sampling.top_k);
            assert_eq!(again, prompt, "{dialect} {name}: {losses:?}");
        }
        for name in cases(dialect, ".reply.json") {
            let mut reply = talk(dialect).read_reply(&case(dialect, &name)).unwrap();
            let written = talk(dialect).write_reply(&FimPrompt::default(), &reply, "m", CREATED);
            let again = talk(dialect).read_reply(&written).unwrap();
            reply.model = reply.model.or(Some("m".to_owned()));
            // What an editor did not ask for is not known, and is written as the end of an answer all the same.
            reply.stop = reply.stop.or(Some(Stop::End));
            reply.usage.input = reply.usage.input.or(again.usage.input);
            reply.usage.cached_input = reply.usage.cached_input.or(again.usage.cached_input);
            assert_eq!(again, reply, "{dialect} {name}");
        }
        for name in cases(dialect, ".stream.txt") {
            let events = events(dialect, &[&case(dialect, &name)]);
            let prompt = FimPrompt {
                stream: true,
                form: ReplyForm { stream_usage: true, ..ReplyForm::default() },
                ..FimPrompt::default()
            };
            let mut writer = talk(dialect).event_writer(&prompt, "m", CREATED);
            let written: Vec<u8> = events.iter().flat_map(|event| writer.write(event)).collect();
            let again = self::events(dialect, &[&written]);
            assert_eq!(said(&again), said(&events), "{dialect} {name}");
            let ends = |events: &[Event]| {
                let is_end =
                    |event: &&Event| matches!(event, Event::Stop { .. } | Event::End | Event::Error { .. });
                events.iter().filter(is_end).map(std::mem::discriminant).collect::<Vec<_>>()
            };
            assert_eq!(ends(&again), ends(&events), "{dialect} {name}");
        }
    }
}
