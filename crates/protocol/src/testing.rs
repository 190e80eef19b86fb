//! What tests of every dialect's conversations do with its example cases.

use std::path::PathBuf;

use waymark_types::Dialect;

use crate::dialogue::{Dialogue, dialogue};
use crate::neutral::{Event, Loss, Prompt, Reply};
use crate::sse::{Splitter, framing};

/// A point in time for answers that are written: 2026-11-23T16:00:00Z.
pub(crate) const CREATED: i64 = 1_795_449_600;

fn folder(dialect: Dialect) -> PathBuf {
    let folder = dialect.as_str().replace('-', "_");
    [env!("CARGO_MANIFEST_DIR"), "tests", "cases", &folder].iter().collect()
}

fn talk(dialect: Dialect) -> &'static dyn Dialogue {
    dialogue(dialect).unwrap()
}

/// An example in a dialect.
pub(crate) fn case(dialect: Dialect, name: &str) -> Vec<u8> {
    std::fs::read(folder(dialect).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of a dialect's examples that end so.
pub(crate) fn cases(dialect: Dialect, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder(dialect)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// An example request, read.
pub(crate) fn prompt(dialect: Dialect, name: &str) -> Prompt {
    talk(dialect).read_prompt(&case(dialect, &format!("{name}.request.json"))).unwrap()
}

/// An example answer, read.
pub(crate) fn reply(dialect: Dialect, name: &str) -> Reply {
    talk(dialect).read_reply(&case(dialect, &format!("{name}.reply.json"))).unwrap()
}

/// An example stream, read.
pub(crate) fn stream(dialect: Dialect, name: &str) -> Vec<Event> {
    events(dialect, &[&case(dialect, &format!("{name}.stream.txt"))])
}

/// What a stream says that comes in these pieces.
pub(crate) fn events(dialect: Dialect, pieces: &[&[u8]]) -> Vec<Event> {
    let framing = framing(dialect);
    let (mut splitter, mut reader) = (Splitter::new(framing), talk(dialect).event_reader());
    let mut events = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().unwrap() {
            events.extend(reader.read(&framing.read(&event)));
        }
    }
    let rest = splitter.rest();
    if !rest.trim_ascii().is_empty() {
        events.extend(reader.read(&framing.read(&rest)));
    }
    events.extend(reader.finish());
    events
}

/// The codes of losses, in order.
pub(crate) fn codes(losses: &[Loss]) -> Vec<&str> {
    losses.iter().map(|loss| loss.code.as_str()).collect()
}

/// Every example survives being written in its own dialect and read again; streams also survive every cut.
pub(crate) fn own_words_come_back(dialect: Dialect, model: &str) {
    for name in cases(dialect, ".request.json") {
        let first = talk(dialect).read_prompt(&case(dialect, &name)).unwrap();
        let Ok(written) = talk(dialect).write_prompt(&first, model, &mut Vec::new()) else {
            assert!(!first.unsayable.is_empty(), "{name}");
            continue;
        };
        let mut again = talk(dialect).read_prompt(&written).unwrap();
        // Losses happen once; and some addresses, not bodies, say whether to stream.
        (again.losses, again.stream) = (first.losses.clone(), first.stream);
        assert_eq!(again, first, "{name}\n{}", String::from_utf8_lossy(&written));
    }
    for name in cases(dialect, ".reply.json") {
        let first = talk(dialect).read_reply(&case(dialect, &name)).unwrap();
        let written = talk(dialect).write_reply(&first, "else", CREATED);
        let again = talk(dialect).read_reply(&written).unwrap();
        assert_eq!(again, first, "{name}\n{}", String::from_utf8_lossy(&written));
    }
    for name in cases(dialect, ".stream.txt") {
        let bytes = case(dialect, &name);
        let first = events(dialect, &[&bytes]);
        is_in_order(&first);
        for at in 0..=bytes.len() {
            assert_eq!(events(dialect, &[&bytes[..at], &bytes[at..]]), first, "{name} cut at {at}");
        }
        assert_eq!(events(dialect, &bytes.chunks(1).collect::<Vec<_>>()), first, "{name} byte by byte");
        let mut writer = talk(dialect).event_writer(&Prompt::default(), "else", CREATED);
        let written: Vec<u8> = first.iter().flat_map(|event| writer.write(event)).collect();
        let again = events(dialect, &[&written]);
        assert_eq!(again, first, "{name}\n{}", String::from_utf8_lossy(&written));
    }
}

/// A stream keeps to the order that its readers promise.
pub(crate) fn is_in_order(events: &[Event]) {
    let (mut open, mut next, mut stage) = (None, 0, 0);
    let said = events.iter().filter(|event| **event != Event::Ping);
    for (at, event) in said.enumerate() {
        let (new_stage, opens, within) = match event {
            Event::Ping => continue,
            Event::Start { .. } => (0, None, None),
            Event::TextStart { index }
            | Event::ThinkingStart { index, .. }
            | Event::ToolCallStart { index, .. }
            | Event::RefusalStart { index } => (1, Some(*index), None),
            Event::RedactedThinking { index, .. } => {
                assert_eq!((open, *index), (None, next), "{events:?}");
                next += 1;
                (1, None, None)
            }
            Event::TextDelta { index, .. }
            | Event::ThinkingDelta { index, .. }
            | Event::ThinkingSignature { index, .. }
            | Event::ToolCallDelta { index, .. }
            | Event::RefusalDelta { index, .. }
            | Event::BlockEnd { index } => (1, None, Some(*index)),
            Event::Usage { .. } => (2, None, None),
            Event::Stop { .. } => (3, None, None),
            Event::End => (4, None, None),
            Event::Error { .. } => (5, None, None),
        };
        assert!(new_stage >= stage, "{events:?}");
        assert_eq!(new_stage == 0, at == 0, "{events:?}");
        stage = new_stage;
        if let Some(index) = opens {
            assert_eq!((open, index), (None, next), "{events:?}");
            (open, next) = (Some(index), next + 1);
        }
        if let Some(index) = within {
            assert_eq!(open, Some(index), "{events:?}");
        }
        if matches!(event, Event::BlockEnd { .. }) {
            open = None;
        }
        if matches!(event, Event::Usage { .. } | Event::Stop { .. } | Event::End) {
            assert_eq!(open, None, "{events:?}");
        }
    }
}

/// No bytes make any reader fail otherwise than by saying so.
pub(crate) fn read_anything(dialect: Dialect, bytes: &[u8]) {
    let talk = talk(dialect);
    let _ = talk.read_prompt(bytes);
    let _ = talk.read_reply(bytes);
    let _ = talk.read_error(bytes);
    let _ = crate::parse(dialect, &bytes::Bytes::copy_from_slice(bytes), &crate::Addressed::default());
    let mut answer = crate::Answer::default();
    answer.read_body(dialect, bytes);
    let mut reader = talk.event_reader();
    let frame = framing(dialect).read(bytes);
    reader.read(&frame);
    answer.read_event(dialect, &frame);
    reader.finish();
}
