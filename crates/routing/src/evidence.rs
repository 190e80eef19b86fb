//! Evidence: where a conversation's events meet the rules, and what that counts for.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::Serialize;
use waymark_types::Signal;

use crate::conversation::{Conversation, Event};
use crate::rules::{Compiled, CompiledRule, WHOLE};

/// How much of a text is looked at from either end, in bytes: what went wrong stands at one of them.
const LOOKED_AT: usize = 8 << 10;

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// The rule.
    pub rule: String,
    /// Its version.
    pub version: u32,
    /// How often what it looks for was there.
    pub count: u32,
    /// What that counts for, in thousandths.
    pub weight: u32,
}

/// What an event is to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// What the rule looks for.
    Hit,
    /// A call that went well.
    Clear,
    /// A failure of this severity.
    Level(usize),
    /// A call, by what tells it from others; and whether it changes files.
    Same(u64, bool),
}

/// Where a conversation meets the rules: each event is looked at once, however often the question is asked.
pub(crate) struct Marks<'a> {
    rules: &'a [CompiledRule],
    /// For each rule, the events that mean something to it.
    marks: Vec<Vec<(usize, Mark)>>,
}

impl<'a> Marks<'a> {
    /// Marks for whoever asks at the conversation's end about what came since an event; without one, for whoever asks at any
    /// moment.
    pub(crate) fn of(conversation: &Conversation, compiled: &'a Compiled, since: Option<usize>) -> Self {
        let end = conversation.events.len();
        let from = |rule: &CompiledRule| since.map_or(0, |since| first(rule, since, end));
        let from = compiled.rules.iter().map(from).collect();
        let reader = Reader { compiled, calls: HashMap::new(), from };
        Self { rules: &compiled.rules, marks: reader.read(conversation) }
    }

    /// The rules that fire on the events from `since` up to but not including `end`.
    pub(crate) fn observe(&self, since: usize, end: usize) -> Vec<Observation> {
        let fired = self.rules.iter().zip(&self.marks).filter_map(|(compiled, marks)| {
            let rule = &compiled.rule;
            let first = first(compiled, since, end);
            let from = marks.partition_point(|(at, _)| *at < first);
            let to = marks.partition_point(|(at, _)| *at < end);
            let count = count(rule.signal, rule.in_a_row, marks.get(from..to).unwrap_or_default());
            weighed(compiled, count)
        });
        fired.collect()
    }
}

/// What a record tells of a conversation, in place of the conversation itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// How many events it has.
    pub events: u32,
    /// How many turns the model has had in it.
    pub turns: u32,
    /// Whether the user speaks after the model had come to an end.
    pub new_turn: bool,
    /// For each rule that fired since the rung was taken, how often what it looks for was there.
    pub counts: BTreeMap<String, u32>,
}

/// Where evidence is looked for.
pub(crate) enum Sight<'a> {
    /// In the conversation itself.
    Conversation(Marks<'a>),
    /// On record, weighed by these rules.
    Record(&'a Seen, &'a Compiled),
}

impl Sight<'_> {
    /// The rules that fire on the events from `since` up to but not including `end`; on record there is one such span.
    pub(crate) fn observe(&self, since: usize, end: usize) -> Vec<Observation> {
        match self {
            Self::Conversation(marks) => marks.observe(since, end),
            Self::Record(seen, compiled) => {
                let rules = compiled.rules.iter();
                rules.filter_map(|rule| weighed(rule, *seen.counts.get(&rule.name)?)).collect()
            }
        }
    }
}

/// The first event that a rule looks at, of those from `since` up to but not including `end`.
fn first(compiled: &CompiledRule, since: usize, end: usize) -> usize {
    match compiled.rule.within as usize {
        0 => since,
        within => since.max(end.saturating_sub(within)),
    }
}

/// What a rule counts for when what it looks for was there so often; `None` where that is not often enough.
fn weighed(compiled: &CompiledRule, count: u32) -> Option<Observation> {
    let rule = &compiled.rule;
    let beyond = count.checked_sub(rule.at_least.max(1))?;
    let weight = rule.weight.saturating_mul(beyond.saturating_add(1)).min(WHOLE);
    Some(Observation { rule: compiled.name.clone(), version: rule.version, count, weight })
}

/// How often something was there.
fn count(signal: Signal, in_a_row: bool, marks: &[(usize, Mark)]) -> u32 {
    match signal {
        Signal::Repeated => repeated(marks),
        Signal::Rising => rising(marks),
        _ => marks.iter().fold(0, |count, (_, mark)| match mark {
            Mark::Hit => count + 1,
            Mark::Clear if in_a_row => 0,
            _ => count,
        }),
    }
}

/// The most often that one call was made. What changes files makes every other call a new one.
fn repeated(marks: &[(usize, Mark)]) -> u32 {
    let (mut most, mut edits, mut calls) = (0, HashMap::new(), HashMap::new());
    for (_, mark) in marks {
        let Mark::Same(call, is_edit) = mark else { continue };
        if *is_edit {
            calls.clear();
        }
        let times: &mut u32 = if *is_edit { &mut edits } else { &mut calls }.entry(*call).or_default();
        *times += 1;
        most = most.max(*times);
    }
    most
}

/// How often a failure was more severe than all before it.
fn rising(marks: &[(usize, Mark)]) -> u32 {
    let (mut worst, mut rises) = (None, 0);
    for (_, mark) in marks {
        let Mark::Level(level) = mark else { continue };
        if worst.is_some_and(|worst| *level > worst) {
            rises += 1;
        }
        worst = worst.max(Some(*level));
    }
    rises
}

/// A call that was made: which event it is, and whether it changes files.
struct Made<'a> {
    tool: &'a str,
    arguments: &'a str,
    is_edit: bool,
    /// Whether its arguments can be read at all; where they cannot, what comes back says so once more.
    is_taken: bool,
}

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// What was wanted, or something that nobody calls an error.
    Well,
    /// An error.
    Failed,
    /// Nothing: a person did not allow it, or stopped it.
    Stopped,
}

/// Reads a conversation, event by event.
struct Reader<'a> {
    compiled: &'a Compiled,
    /// Calls by their id.
    calls: HashMap<&'a str, Made<'a>>,
    /// For each rule, the first event that it looks at.
    from: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn read<'c: 'a>(mut self, conversation: &'c Conversation) -> Vec<Vec<(usize, Mark)>> {
        let mut marks = vec![Vec::new(); self.compiled.rules.len()];
        let earliest = self.from.iter().min().copied().unwrap_or(0);
        let (mut spoken, marked) = (false, conversation.marks_errors);
        for (at, event) in conversation.events.iter().enumerate() {
            if let Event::Call { id, tool, arguments, freeform } = event {
                let (is_edit, is_taken) =
                    (self.changes_files(tool, arguments), *freeform || is_whole(arguments));
                self.calls.insert(id, Made { tool, arguments, is_edit, is_taken });
            }
            if at >= earliest {
                let text = ends(event.text());
                let looked = Looked { event, text: &text, came: self.came(event, &text, marked), spoken };
                for ((rule, marks), from) in self.compiled.rules.iter().zip(&mut marks).zip(&self.from) {
                    let mark = if at >= *from { self.mark(rule, &looked) } else { None };
                    marks.extend(mark.map(|mark| (at, mark)));
                }
            }
            spoken |= event.is_the_models();
        }
        marks
    }

    /// What a call came to, by its result. `marked` tells whether errors are marked as such.
    fn came(&self, event: &Event, text: &str, marked: bool) -> Came {
        match event {
            Event::Result { .. } if self.compiled.stopped.is_match(text) => Came::Stopped,
            Event::Result { is_error, .. } if *is_error || !marked && self.compiled.errors.is_match(text) => {
                Came::Failed
            }
            _ => Came::Well,
        }
    }

    /// What an event is to a rule.
    fn mark(&self, rule: &CompiledRule, looked: &Looked<'_>) -> Option<Mark> {
        let Looked { event, text, came, spoken } = *looked;
        match (rule.rule.signal, event) {
            // Says nothing of how good the model is at it.
            (Signal::Failure, Event::Result { .. }) if came == Came::Stopped => None,
            (Signal::Failure, Event::Result { id, .. }) => self.concerns(rule, id).then(|| {
                let hit = came == Came::Failed || rule.patterns.is_match(text);
                if hit { Mark::Hit } else { Mark::Clear }
            }),
            (Signal::Rising, Event::Result { id, .. }) => {
                let failed = came == Came::Failed && self.concerns(rule, id);
                failed.then(|| Mark::Level(severity(rule, text)))
            }
            (Signal::Repeated, Event::Call { id, tool, arguments, .. }) => {
                let made = self.calls.get(id.as_str())?;
                self.concerns(rule, id).then(|| Mark::Same(fingerprint(tool, arguments), made.is_edit))
            }
            (Signal::Malformed, Event::Call { id, .. }) => {
                let is_cut = self.calls.get(id.as_str()).is_some_and(|made| !made.is_taken);
                (is_cut && self.concerns(rule, id)).then_some(Mark::Hit)
            }
            (Signal::Malformed, Event::Result { id, .. }) => {
                let is_new = self.calls.get(id.as_str()).is_none_or(|made| made.is_taken);
                (is_new && self.concerns(rule, id) && rule.patterns.is_match(text)).then_some(Mark::Hit)
            }
            (Signal::UserSays, Event::User { .. }) => {
                (spoken && rule.patterns.is_match(text)).then_some(Mark::Hit)
            }
            (Signal::ResultSays, Event::Result { id, .. }) => {
                (self.concerns(rule, id) && rule.patterns.is_match(text)).then_some(Mark::Hit)
            }
            (Signal::Refusal, Event::Refusal) => Some(Mark::Hit),
            // Most clients drop what a provider marks as a refusal, and keep what the model said.
            (Signal::Refusal, Event::Assistant { .. }) => rule.patterns.is_match(text).then_some(Mark::Hit),
            _ => None,
        }
    }

    /// Whether a rule looks at this call.
    fn concerns(&self, rule: &CompiledRule, id: &str) -> bool {
        if rule.tools.is_none() && rule.commands.is_none() && !rule.only_edits {
            return true;
        }
        let Some(made) = self.calls.get(id) else { return false };
        let edits = rule.only_edits && made.is_edit;
        let tools = rule.tools.as_ref().map_or(!rule.only_edits, |tools| tools.is_match(made.tool));
        let commands = rule.commands.as_ref().is_none_or(|commands| commands.is_match(&ends(made.arguments)));
        (edits || tools) && commands
    }

    fn changes_files(&self, tool: &str, arguments: &str) -> bool {
        self.compiled.edits.is_match(tool) || arguments.contains("*** Begin Patch")
    }
}

/// An event as rules look at it.
struct Looked<'e> {
    event: &'e Event,
    /// Its text, a long one without its middle.
    text: &'e str,
    /// What the call came to whose result it is.
    came: Came,
    /// Whether the model had said anything before.
    spoken: bool,
}

fn severity(rule: &CompiledRule, text: &str) -> usize {
    rule.levels.iter().rposition(|level| level.is_match(text)).map_or(0, |level| level + 1)
}

/// A long text without its middle.
fn ends(text: &str) -> Cow<'_, str> {
    if text.len() <= 2 * LOOKED_AT {
        return Cow::Borrowed(text);
    }
    let (head, tail) = (text.floor_char_boundary(LOOKED_AT), text.ceil_char_boundary(text.len() - LOOKED_AT));
    Cow::Owned(format!("{}\n{}", &text[..head], &text[tail..]))
}

/// Whether arguments are a whole JSON object; no arguments at all are.
fn is_whole(arguments: &str) -> bool {
    let arguments = arguments.trim();
    let object = || serde_json::from_str::<HashMap<&str, serde::de::IgnoredAny>>(arguments).is_ok();
    let owned = || serde_json::from_str::<HashMap<String, serde::de::IgnoredAny>>(arguments).is_ok();
    arguments.is_empty() || arguments.starts_with('{') && (object() || owned())
}

fn fingerprint(tool: &str, arguments: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (tool, arguments).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
