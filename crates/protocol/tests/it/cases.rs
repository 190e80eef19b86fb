//! The examples, and what their conversions give.

use std::path::PathBuf;

use waymark_protocol::neutral::{Event, Loss, Prompt};
use waymark_protocol::sse::{Splitter, framing};
use waymark_protocol::{Dialogue, dialogue, embed_dialogue, fim_dialogue};
use waymark_types::Dialect;

/// 2026-11-23T16:00:00Z, for answers that are written.
pub(crate) const CREATED: i64 = 1_795_449_600;
/// The model that requests are written for, and that answers without a name come from.
pub(crate) const MODEL: &str = "target-model";

/// One example.
pub(crate) struct Case {
    pub(crate) source: Dialect,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A request in another dialect.
pub(crate) struct Converted {
    /// The codes of what the reader found no place for.
    pub(crate) unread: Vec<String>,
    /// The codes of what the writer could not say.
    pub(crate) unsaid: Vec<String>,
    /// The body, or why there is none.
    pub(crate) body: Result<Vec<u8>, String>,
}

impl Converted {
    /// All codes, each once.
    pub(crate) fn losses(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.unread.iter().chain(&self.unsaid).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The dialects that have conversations.
pub(crate) fn dialects() -> impl Iterator<Item = Dialect> {
    Dialect::ALL.iter().copied().filter(|&dialect| dialogue(dialect).is_some())
}

/// Those, and the ones that have completions or embeddings.
pub(crate) fn every_dialect() -> impl Iterator<Item = Dialect> {
    let others = Dialect::ALL.iter().copied();
    dialects().chain(others.filter(|dialect| dialect.is_completion() || dialect.is_embedding()))
}

/// Those that an example can be converted into.
pub(crate) fn targets(source: Dialect) -> impl Iterator<Item = Dialect> {
    let kind = |dialect: Dialect| (dialect.is_completion(), dialect.is_embedding());
    every_dialect().filter(move |&target| target != source && kind(target) == kind(source))
}

pub(crate) fn talk(dialect: Dialect) -> &'static dyn Dialogue {
    dialogue(dialect).unwrap()
}

/// A dialect's name among files.
pub(crate) fn file_name(dialect: Dialect) -> String {
    dialect.as_str().replace('-', "_")
}

pub(crate) fn tests_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The examples of conversations whose file names end so.
pub(crate) fn cases(ending: &str) -> Vec<Case> {
    cases_of(dialects(), ending)
}

/// The examples whose file names end so, in order. What is asked of a token counter is no conversation.
pub(crate) fn cases_of(dialects: impl Iterator<Item = Dialect>, ending: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for source in dialects {
        let Ok(entries) = std::fs::read_dir(tests_folder().join("cases").join(file_name(source))) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if let Some(name) = name.strip_suffix(ending).filter(|name| *name != "count_tokens") {
                cases.push(Case { source, name: name.to_owned(), bytes: std::fs::read(&path).unwrap() });
            }
        }
    }
    cases.sort_by(|one, other| (one.source, &one.name).cmp(&(other.source, &other.name)));
    cases
}

/// An example request, read.
pub(crate) fn prompt(case: &Case) -> Prompt {
    let prompt = talk(case.source).read_prompt(&case.bytes);
    prompt.unwrap_or_else(|error| panic!("{}/{}: {error}", case.source, case.name))
}

/// An example request in another dialect.
pub(crate) fn convert(case: &Case, target: Dialect) -> Converted {
    let mut unsaid = Vec::new();
    let (unread, body) = if let (Some(ours), Some(theirs)) = (fim_dialogue(case.source), fim_dialogue(target))
    {
        let prompt = ours.read_fim(&case.bytes).unwrap();
        let body = theirs.write_fim(&prompt, MODEL, &mut unsaid);
        (prompt.losses, body)
    } else if let (Some(ours), Some(theirs)) = (embed_dialogue(case.source), embed_dialogue(target)) {
        let inputs = ours.read_inputs(&case.bytes).unwrap();
        let body = inputs.sayable_in(target).map(|()| theirs.write_inputs(&inputs, MODEL));
        (inputs.losses, body)
    } else {
        let prompt = prompt(case);
        let sayable = prompt.sayable_in(target);
        let body = sayable.and_then(|()| talk(target).write_prompt(&prompt, MODEL, &mut unsaid));
        (prompt.losses, body)
    };
    let codes = |losses: Vec<Loss>| losses.into_iter().map(|loss| loss.code).collect();
    Converted {
        unread: codes(unread),
        unsaid: codes(unsaid),
        body: body.map_err(|refused| refused.to_string()),
    }
}

/// What a stream says that comes in these pieces.
pub(crate) fn read_stream(dialect: Dialect, pieces: &[&[u8]]) -> Vec<Event> {
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
    if !rest.is_empty() {
        events.extend(reader.read(&framing.read(&rest)));
    }
    events.extend(reader.finish());
    events
}

/// The bytes of a stream that says this.
pub(crate) fn write_stream(dialect: Dialect, events: &[Event]) -> Vec<u8> {
    let asked = Prompt { stream: true, stream_usage: true, ..Prompt::default() };
    let mut writer = talk(dialect).event_writer(&asked, MODEL, CREATED);
    events.iter().flat_map(|event| writer.write(event)).collect()
}
