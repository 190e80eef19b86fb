//! Emissions: the code of an answer goes on record with it, as keyed fingerprints.

use waymark_ledger::Intent;
use waymark_ledger::emission::{Emissions, Emitted};
use waymark_protocol::neutral::Said;
use waymark_protocol::sse::Frame;
use waymark_protocol::{EventReader, dialogue, fim_dialogue, instruction_dialogue};
use waymark_provenance::{Written, extract};
use waymark_types::{Dialect, RecordId, Task, Timestamp};

use super::Call;
use crate::recorder::Payload;
use crate::state::State;

/// Of one answer so much is listened to, in bytes.
const LONGEST: usize = 8 << 20;

/// Hears what a stream says while it passes; nothing, by default.
#[derive(Default)]
pub(crate) struct Listener {
    reader: Option<Box<dyn EventReader + Send>>,
    said: Said,
    heard: usize,
}

impl Listener {
    /// One that understands the provider's dialect; where that has no words, it hears nothing.
    pub(crate) fn of(dialect: Dialect) -> Self {
        let conversation = dialogue(dialect).map(|theirs| theirs.event_reader());
        let reader = conversation.or_else(|| fim_dialogue(dialect).map(|theirs| theirs.event_reader()));
        Self { reader, said: Said::default(), heard: 0 }
    }

    /// Hears the next event.
    pub(crate) fn hear(&mut self, frame: &Frame<'_>) {
        self.heard += frame.data.len();
        if let Some(reader) = self.reader.as_mut().filter(|_| self.heard <= LONGEST) {
            reader.read(frame).iter().for_each(|event| self.said.add(event));
        }
    }

    /// What it heard.
    pub(crate) fn said(mut self) -> Said {
        if let Some(reader) = &mut self.reader {
            reader.finish().iter().for_each(|event| self.said.add(event));
        }
        self.said
    }
}

/// What a whole answer in the client's dialect says.
pub(super) fn said(dialect: Dialect, body: &[u8]) -> Option<Said> {
    if body.len() > LONGEST {
        return None;
    }
    let ours = dialogue(dialect).or_else(|| instruction_dialogue(dialect));
    let reply = ours.and_then(|ours| ours.read_reply(body).ok());
    let reply = reply.or_else(|| fim_dialogue(dialect)?.read_reply(body).ok())?;
    Some(Said::of(&reply))
}

/// Whether the answers to such a request may put out code.
pub(super) fn may_be_code(task: Option<Task>) -> bool {
    !matches!(task, None | Some(Task::Utility | Task::Embedding | Task::Image | Task::Transcription))
}

/// What the completion says of the code that an answer put out, and what is kept of it.
pub(super) fn emitted(
    state: &State,
    call: &Call,
    intent: &Intent,
    said: &Said,
    ended: Timestamp,
) -> Option<(Emitted, Payload)> {
    let written =
        may_be_code(intent.task).then(|| written(call, said)).filter(|written| !written.is_empty())?;
    let emissions = state.fingerprints.key().emissions(&written, ended, intent.repository.as_deref());
    let is_code = !emissions.emissions.is_empty();
    is_code.then(|| keep(call.record, &emissions))
}

/// What an entry says of the emissions that belong to it, and the emissions as they are kept.
pub(crate) fn keep(record: RecordId, emissions: &Emissions) -> (Emitted, Payload) {
    let (emitted, bytes, marks) = emissions.seal();
    (emitted, Payload::Emissions { record, bytes, marks })
}

/// The code of an answer, without what the model had only read.
fn written(call: &Call, said: &Said) -> Vec<Written> {
    if let Some(prompt) = fim_dialogue(call.dialect).and_then(|ours| ours.read_fim(call.kept()).ok()) {
        let fim = &prompt.fim;
        let completion = extract::completion(fim.path.as_deref(), &fim.prefix, &said.text, &fim.suffix);
        return completion.into_iter().collect();
    }
    let mut written = extract::written(&said.text, &said.calls);
    let ours = dialogue(call.dialect).or_else(|| instruction_dialogue(call.dialect));
    if !written.is_empty()
        && let Some(prompt) = ours.and_then(|ours| ours.read_prompt(call.kept()).ok())
    {
        extract::set_apart(&mut written, &prompt);
    }
    written
}
