//! Output gates: an answer is held back until it passed, and one that does not makes way for the next rung's.
//!
//! A gated stream is gathered whole before its first byte leaves. What a thrown away answer took is billed all the same:
//! the record has it, and a gate whose budget for the day is spent lets everything through and says so.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use waymark_ledger::Discarded;
use waymark_protocol::neutral::{OutputFormat, Prompt, Said};
use waymark_protocol::{EventReader, Request, dialogue};
use waymark_routing::gate::{Answered, Wanted, passes};
use waymark_types::{GateKind, MicroUsd, Timestamp};

use super::attempt::Reached;
use crate::config::GateConfig;
use crate::relay::Upstreamed;
use crate::state::State;
use crate::upstream::CallError;

/// The longest stream that is held back, in bytes. A longer one passes, and the record says so.
const LONGEST: usize = 8 << 20;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// What gates have thrown away today, by their names: the day and the money.
#[derive(Debug, Default)]
pub(crate) struct Spent(Mutex<HashMap<String, (i64, u64)>>);

impl Spent {
    /// Counts what was thrown away at a gate.
    fn add(&self, gate: &str, cost: Option<MicroUsd>, now: Timestamp) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let today = now.as_micros() / DAY;
        let entry = spent.entry(gate.to_owned()).or_insert((today, 0));
        if entry.0 != today {
            *entry = (today, 0);
        }
        entry.1 = entry.1.saturating_add(cost.map_or(0, |cost| cost.0));
    }

    /// Whether a gate may throw away more today.
    fn leaves(&self, name: &str, gate: &GateConfig, now: Timestamp) -> bool {
        let spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let today = now.as_micros() / DAY;
        let spent = spent.get(name).filter(|(day, _)| *day == today).map_or(0, |(_, spent)| *spent);
        gate.budget_day.is_none_or(|budget| spent < budget.0)
    }
}

/// What the gates make of an answer.
#[derive(Debug)]
pub(super) enum Ruling {
    /// It passes.
    Passed,
    /// It passes since the gates could not be asked, for this reason.
    Unasked(String),
    /// This gate does not let it through. What it took is told.
    Stopped(String, Discarded),
}

/// One answer before the gates of its route.
pub(super) struct Gates<'a> {
    pub(super) state: &'a State,
    pub(super) request: &'a Request,
    /// The gates by name, as the route has them.
    pub(super) names: &'a [String],
    /// The configured name of the model that answered, whose price counts.
    pub(super) model: &'a str,
}

impl Gates<'_> {
    /// Holds an answer back until it is whole, and lets the gates look at it.
    pub(super) async fn rule(&self, reached: &mut Reached) -> Result<Ruling, CallError> {
        let Some(prompt) = dialogue(self.request.dialect)
            .and_then(|ours| ours.read_prompt(self.request.raw()).ok())
            .filter(|_| !self.names.is_empty())
        else {
            return Ok(Ruling::Passed);
        };
        let said = match reached {
            Reached::Whole(whole) => {
                let read = dialogue(self.request.dialect).and_then(|ours| ours.read_reply(&whole.body).ok());
                let usage = whole.answer.usage;
                read.map(|reply| Said { usage, ..Said::of(&reply) })
            }
            Reached::Stream(upstreamed) => match self.gather(upstreamed).await? {
                Some(said) => Some(said),
                None => return Ok(Ruling::Unasked("gate_too_long".to_owned())),
            },
            Reached::Suggestion(_) | Reached::WarmedUp | Reached::Nothing(_) => None,
        };
        match said {
            Some(said) => Ok(self.look(&prompt, &said).await),
            None => Ok(Ruling::Passed),
        }
    }

    /// Gathers a stream; `None` where it is too long to be held back.
    async fn gather(&self, upstreamed: &mut Upstreamed) -> Result<Option<Said>, CallError> {
        let Some(theirs) = dialogue(upstreamed.spoken_to_in()) else { return Ok(None) };
        let (mut said, mut reader, mut bytes, mut read) = (Said::default(), theirs.event_reader(), 0, 0);
        loop {
            for event in upstreamed.pending.iter().skip(read) {
                bytes += event.len();
                add(&mut said, reader.as_mut(), upstreamed, event);
            }
            read = upstreamed.pending.len();
            if bytes > LONGEST {
                return Ok(None);
            }
            let more = upstreamed.pull().await?;
            upstreamed.split()?;
            if !more && upstreamed.pending.len() == read {
                reader.finish().iter().for_each(|event| said.add(event));
                return Ok(Some(said));
            }
        }
    }

    async fn look(&self, prompt: &Prompt, said: &Said) -> Ruling {
        let (wanted, now) = (wanted(prompt), self.state.clock.now());
        let answered = Answered { text: &said.text, calls: &said.calls };
        let mut unasked = None;
        for name in self.names {
            let Some(gate) = self.state.config.gates.get(name) else { continue };
            if !self.state.gates.leaves(name, gate, now) {
                unasked = Some(format!("gate_budget_spent:{name}"));
                continue;
            }
            let passed = match gate.kind {
                GateKind::Command => match self.command(gate, said).await {
                    Some(passed) => passed,
                    None => {
                        unasked = Some(format!("gate_broken:{name}"));
                        continue;
                    }
                },
                kind => passes(kind, &wanted, answered),
            };
            if !passed {
                return Ruling::Stopped(name.clone(), self.discard(said));
            }
        }
        unasked.map_or(Ruling::Passed, Ruling::Unasked)
    }

    fn discard(&self, said: &Said) -> Discarded {
        let price = self.state.snapshot.policy.models.get(self.model).and_then(|model| model.price);
        let usage = said.usage.bounded();
        Discarded { usage, cost_micro_usd: price.and_then(|price| price.cost(&usage)) }
    }

    /// Whether the gate's command ends well with the answer on its standard input; `None` where it cannot be run or takes
    /// too long. It runs in the repository, and is killed with this future.
    async fn command(&self, gate: &GateConfig, said: &Said) -> Option<bool> {
        let (program, arguments) = gate.command.split_first()?;
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(repository) = &self.state.config.repository {
            command.current_dir(repository);
        }
        let mut child = match command.kill_on_drop(true).spawn() {
            Ok(child) => child,
            Err(error) => {
                tracing::warn!(program, %error, "could not run a gate's command");
                return None;
            }
        };
        let input = serde_json::json!({
            "text": said.text,
            "calls": said.calls.iter().map(|(name, arguments)| serde_json::json!({"name": name, "arguments": arguments})).collect::<Vec<_>>(),
        });
        let stdin = child.stdin.take();
        let run = async {
            if let Some(mut stdin) = stdin {
                // A command need not read what it is given.
                let _ = stdin.write_all(input.to_string().as_bytes()).await;
            }
            child.wait().await
        };
        let limit = gate.timeout.unwrap_or(TIMEOUT);
        tokio::time::timeout(limit, run).await.ok()?.ok().map(|status| status.success())
    }
}

/// How long a command may take, where the configuration says nothing else.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Counts what a gate has thrown away.
pub(super) fn count(state: &State, gate: &str, discarded: &Discarded) {
    state.gates.add(gate, discarded.cost_micro_usd, state.clock.now());
}

fn add(said: &mut Said, reader: &mut dyn EventReader, upstreamed: &Upstreamed, event: &[u8]) {
    reader.read(&upstreamed.framing().read(event)).iter().for_each(|event| said.add(event));
}

fn wanted(prompt: &Prompt) -> Wanted<'_> {
    let (json, schema) = match &prompt.output {
        Some(OutputFormat::JsonSchema { schema, .. }) => (true, Some(schema)),
        Some(OutputFormat::JsonObject) => (true, None),
        None => (false, None),
    };
    let tools = prompt.tools.iter().map(|tool| (tool.name.as_str(), &tool.parameters)).collect();
    Wanted { json, schema, tools }
}
