//! What dialects without ids of their own, or without some feature, need when a conversation crosses into them.

use std::collections::HashMap;

use crate::neutral::{Block, CacheMark, Event, Loss, Prompt, Reply, Stop};

/// The most losses that are told apart: a request may have any number of fields that nobody knows, a record may not.
const MOST: usize = 100;

/// Notes a loss once. What goes beyond the most that are told apart is `more`.
pub(crate) fn lose(losses: &mut Vec<Loss>, code: impl Into<String>) {
    let loss = Loss::new(code);
    if losses.contains(&loss) {
        return;
    }
    match losses.len() {
        ..MOST => losses.push(loss),
        MOST => losses.push(Loss::new("more")),
        _ => {}
    }
}

/// Notes fields that were not read: by their names where `known` to be one of the dialect's, else as `field:<name>`.
pub(crate) fn lose_rest(losses: &mut Vec<Loss>, rest: impl Iterator<Item = String>, known: &[&str]) {
    for name in rest {
        let is_known = known.contains(&name.as_str());
        lose(losses, if is_known { name } else { format!("field:{name}") });
    }
}

/// The tool calls of a conversation so far, so that results find theirs.
#[derive(Default)]
pub(crate) struct Calls(Vec<Call>);

struct Call {
    id: String,
    name: String,
    answered: bool,
}

impl Calls {
    /// Takes a call and gives it the id `call_<position>` where it has none.
    pub(crate) fn call(&mut self, id: Option<String>, name: &str) -> String {
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{}", self.0.len()));
        self.0.push(Call { id: id.clone(), name: name.to_owned(), answered: false });
        id
    }

    /// The id and name of the call that a result answers: by id, else the first open one by name, else the first open
    /// one. A result nobody asked for gets an id of its own.
    pub(crate) fn result(&mut self, id: Option<String>, name: Option<String>) -> (String, Option<String>) {
        let id = id.filter(|id| !id.is_empty());
        let name = name.filter(|name| !name.is_empty());
        let by_id = |call: &Call| id.as_ref().is_some_and(|id| call.id == *id);
        let by_name = |call: &Call| !call.answered && name.as_ref().is_some_and(|name| call.name == *name);
        let found = match (&id, &name) {
            (Some(_), _) => self.0.iter().rposition(by_id),
            (None, Some(_)) => self.0.iter().position(by_name),
            (None, None) => self.0.iter().position(|call| !call.answered),
        };
        match found.and_then(|at| self.0.get_mut(at)) {
            Some(call) => {
                call.answered = true;
                (call.id.clone(), name.or_else(|| Some(call.name.clone())))
            }
            None => (id.unwrap_or_else(|| format!("result_{}", self.0.len())), name),
        }
    }
}

/// What kind of block of a stream is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Thinking,
}

/// The blocks of a stream whose dialect does not say where they begin and end.
#[derive(Default)]
pub(crate) struct Blocks {
    open: Option<Kind>,
    next: usize,
}

impl Blocks {
    /// The number of the open block of this kind; opens one where another kind or none is open.
    pub(crate) fn open(&mut self, kind: Kind, events: &mut Vec<Event>) -> usize {
        if self.open == Some(kind) {
            return self.next - 1;
        }
        let index = self.single(events);
        self.open = Some(kind);
        events.push(match kind {
            Kind::Text => Event::TextStart { index },
            Kind::Thinking => Event::ThinkingStart { index, id: None },
        });
        index
    }

    /// The number of a block that comes whole; closes the open one.
    pub(crate) fn single(&mut self, events: &mut Vec<Event>) -> usize {
        self.close(events);
        self.next += 1;
        self.next - 1
    }

    /// Closes the open block.
    pub(crate) fn close(&mut self, events: &mut Vec<Event>) {
        if self.open.take().is_some() {
            events.push(Event::BlockEnd { index: self.next - 1 });
        }
    }
}

/// Why an answer stopped, where it may also have declined in words: that is no common end.
pub(crate) fn stop_of(stop: Option<&Stop>, declines: bool) -> Option<&Stop> {
    match stop {
        None | Some(Stop::End) if declines => Some(&Stop::Refusal),
        stop => stop,
    }
}

/// Whether an answer declines.
pub(crate) fn declines(reply: &Reply) -> bool {
    reply.blocks.iter().any(|block| matches!(block, Block::Refusal { .. }))
}

/// An id for a tool call of an answer whose dialect gives none: unlike those of other answers, as `answer` is.
pub(crate) fn call_id(answer: Option<&str>, position: usize) -> String {
    let plain: String =
        answer.unwrap_or_default().chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    // OpenAI takes ids of at most 40 letters; it is the end of a time that changes.
    match plain.get(plain.len().saturating_sub(24)..).unwrap_or_default() {
        "" => format!("call_{position}"),
        answer => format!("call_{answer}_{position}"),
    }
}

/// A number for an id made of another one: FNV-1a is small, and the same on every machine.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The tools' names by the ids of their calls, for results that do not name theirs.
pub(crate) fn tool_names(prompt: &Prompt) -> HashMap<&str, &str> {
    let calls = prompt.turns.iter().flat_map(|turn| &turn.blocks).filter_map(|block| match block {
        Block::ToolCall { id, name, .. } => Some((id.as_str(), name.as_str())),
        _ => None,
    });
    calls.collect()
}

/// Whether the client marked a place up to which to cache.
pub(crate) fn has_cache_marks(prompt: &Prompt) -> bool {
    prompt.tools.iter().any(|tool| tool.cache.is_some())
        || prompt.system.iter().any(is_marked)
        || prompt.turns.iter().any(|turn| turn.blocks.iter().any(is_marked))
}

fn is_marked(block: &Block) -> bool {
    let mark: &Option<CacheMark> = match block {
        Block::Text { cache, .. }
        | Block::Image { cache, .. }
        | Block::Document { cache, .. }
        | Block::ToolCall { cache, .. } => cache,
        Block::ToolResult { cache, content, .. } => return cache.is_some() || content.iter().any(is_marked),
        _ => return false,
    };
    mark.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_unknown_fields_is_a_short_list_of_losses() {
        let mut losses = Vec::new();
        lose_rest(&mut losses, (0..100_000).map(|number| format!("field_{number}")), &[]);
        lose(&mut losses, "top_k");
        assert_eq!(losses.len(), MOST + 1);
        assert_eq!((losses[0].code.as_str(), losses[MOST].code.as_str()), ("field:field_0", "more"));
    }

    #[test]
    fn results_find_their_calls() {
        let mut calls = Calls::default();
        assert_eq!(calls.call(None, "read"), "call_0");
        assert_eq!(calls.call(None, "read"), "call_1");
        assert_eq!(calls.call(Some("own".into()), "write"), "own");
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(calls.result(None, name("write")), ("own".into(), name("write")));
        assert_eq!(calls.result(None, name("read")), ("call_0".into(), name("read")));
        assert_eq!(calls.result(None, None), ("call_1".into(), name("read")));
        assert_eq!(calls.result(Some("own".into()), None), ("own".into(), name("write")));
        assert_eq!(calls.result(Some("strange".into()), None), ("strange".into(), None));
        assert_eq!(calls.result(None, None), ("result_3".into(), None));
    }

    #[test]
    fn ids_of_answers_differ_and_stay_short() {
        assert_eq!(call_id(None, 2), "call_2");
        assert_eq!(call_id(Some("8WYV-abj_kGa"), 0), "call_8WYVabjkGa_0");
        let ids = ["2026-11-23T16:00:00.123456788Z", "2026-11-23T16:00:00.123456789Z"]
            .map(|created| call_id(Some(created), 1));
        assert_ne!(ids[0], ids[1]);
        assert!(ids.iter().all(|id| id.len() <= 40));
    }
}
