//! What happens in a session, as no agent in particular tells it.

/// A session told step by step, in the order in which it happens.
///
/// What the model says goes with the calls that follow it. Anything said of a call is said of the newest.
#[derive(Debug, Clone, Default)]
pub struct Script {
    events: Vec<Event>,
    /// The next call is made together with the newest.
    is_joined: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Event {
    User(String),
    Answer(Answer),
    /// The person stopped an answer that was nothing but text.
    Interrupted,
    /// The conversation is summed up so, and starts over from there.
    Compacted(String),
}

/// What the model answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) text: Option<String>,
    pub(super) calls: Vec<Call>,
    /// It ran into the limit of its length.
    pub(super) is_cut: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) deed: Deed,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone)]
pub(super) enum Deed {
    Run {
        command: String,
    },
    Edit {
        path: String,
        old: String,
        new: String,
    },
    Write {
        path: String,
        text: String,
    },
    Read {
        path: String,
    },
    /// A tool that nobody offered.
    Unknown {
        tool: String,
    },
    /// A command whose arguments are no JSON: they break off.
    Garbled {
        command: String,
    },
    /// An edit without the text to put in.
    Incomplete {
        path: String,
    },
}

/// What a call came to.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// The deed is done; a command ended with this code.
    Done { printed: String, code: i32 },
    /// It took too long.
    TimedOut,
    /// The text to replace is not in the file.
    NotFound,
    /// The text to replace is there more than once.
    Ambiguous,
    /// There is no such file.
    Missing,
    /// The person did not allow it, and may have said why.
    Rejected(Option<String>),
    /// The person stopped it.
    Interrupted,
}

impl Answer {
    /// Whether the agent asks again without a word of the person's.
    pub(super) fn goes_on(&self) -> bool {
        let stops = |call: &Call| matches!(call.outcome, Outcome::Interrupted | Outcome::Rejected(None));
        !self.calls.is_empty() && !self.calls.iter().any(stops)
    }
}

impl Script {
    /// A session in which nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// The person says this.
    #[must_use]
    pub fn user(mut self, text: &str) -> Self {
        self.events.push(Event::User(text.to_owned()));
        self
    }

    /// The model says this, before the calls that follow or as the end of its turn.
    #[must_use]
    pub fn says(mut self, text: &str) -> Self {
        self.events.push(Event::Answer(Answer { text: Some(text.to_owned()), ..Answer::default() }));
        self
    }

    /// The model declines, in the words that models decline with. What a provider marks as a refusal is another thing:
    /// Codex and opencode leave it out of what they send next.
    #[must_use]
    pub fn refuses(self) -> Self {
        self.says("I'm sorry, but I can't assist with that request.")
    }

    /// The model says this and runs into the limit of its answer's length in the middle of it.
    #[must_use]
    pub fn is_cut_off_saying(mut self, text: &str) -> Self {
        self.events.push(Event::Answer(Answer {
            text: Some(text.to_owned()),
            is_cut: true,
            calls: Vec::new(),
        }));
        self
    }

    /// The model runs a command, which prints nothing and ends well unless told otherwise.
    #[must_use]
    pub fn runs(self, command: &str) -> Self {
        self.calls(Deed::Run { command: command.to_owned() })
    }

    /// The model edits a file: what is `old` there becomes `new`.
    #[must_use]
    pub fn edits(self, path: &str, old: &str, new: &str) -> Self {
        let (path, old, new) = (path.to_owned(), old.to_owned(), new.to_owned());
        self.calls(Deed::Edit { path, old, new })
    }

    /// The model writes a new file.
    #[must_use]
    pub fn writes(self, path: &str, text: &str) -> Self {
        self.calls(Deed::Write { path: path.to_owned(), text: text.to_owned() })
    }

    /// The model reads a file, in which is what is said to be [printed](Self::prints).
    #[must_use]
    pub fn reads(self, path: &str) -> Self {
        self.calls(Deed::Read { path: path.to_owned() })
    }

    /// The model calls a tool that nobody offered.
    #[must_use]
    pub fn calls_unknown(self, tool: &str) -> Self {
        self.calls(Deed::Unknown { tool: tool.to_owned() })
    }

    /// The model runs a command in a call that breaks off in the middle of its arguments.
    #[must_use]
    pub fn garbles(self, command: &str) -> Self {
        self.calls(Deed::Garbled { command: command.to_owned() })
    }

    /// The model edits a file in a call that lacks an argument.
    #[must_use]
    pub fn edits_without_text(self, path: &str) -> Self {
        self.calls(Deed::Incomplete { path: path.to_owned() })
    }

    /// The next call is made in the same answer.
    #[must_use]
    pub fn and(mut self) -> Self {
        self.is_joined = true;
        self
    }

    /// What the command printed, or what the file holds.
    #[must_use]
    pub fn prints(mut self, text: &str) -> Self {
        match &mut self.newest().outcome {
            Outcome::Done { printed, .. } => text.clone_into(printed),
            other => panic!("nothing is printed by what came to {other:?}"),
        }
        self
    }

    /// The command ended with this code.
    #[must_use]
    pub fn fails(mut self, ended: i32) -> Self {
        match &mut self.newest().outcome {
            Outcome::Done { code, .. } => *code = ended,
            other => panic!("no exit code of what came to {other:?}"),
        }
        self
    }

    /// The command took too long.
    #[must_use]
    pub fn times_out(self) -> Self {
        self.came_to(Outcome::TimedOut)
    }

    /// The edit did not apply: what it wants to replace is not there.
    #[must_use]
    pub fn fails_to_apply(self) -> Self {
        self.came_to(Outcome::NotFound)
    }

    /// The edit did not apply: what it wants to replace is there more than once.
    #[must_use]
    pub fn is_ambiguous(self) -> Self {
        self.came_to(Outcome::Ambiguous)
    }

    /// There is no such file.
    #[must_use]
    pub fn finds_no_file(self) -> Self {
        self.came_to(Outcome::Missing)
    }

    /// The person did not allow it; the agent waits for what they say next.
    #[must_use]
    pub fn rejected(self) -> Self {
        self.came_to(Outcome::Rejected(None))
    }

    /// The person did not allow it and said why; the agent goes on from there, but for Codex, which has no place for
    /// that: there it is what the person says next.
    #[must_use]
    pub fn rejected_saying(self, why: &str) -> Self {
        self.came_to(Outcome::Rejected(Some(why.to_owned())))
    }

    /// The person stopped the call, or the answer if there was none.
    #[must_use]
    pub fn interrupted(mut self) -> Self {
        match self.events.last() {
            Some(Event::Answer(answer)) if !answer.calls.is_empty() => self.came_to(Outcome::Interrupted),
            _ => {
                self.events.push(Event::Interrupted);
                self
            }
        }
    }

    /// The conversation was summed up so, and starts over from there.
    #[must_use]
    pub fn compacted(mut self, summary: &str) -> Self {
        self.events.push(Event::Compacted(summary.to_owned()));
        self
    }

    /// The same step so many times.
    #[must_use]
    pub fn times(self, count: usize, step: impl Fn(Self) -> Self) -> Self {
        (0..count).fold(self, |script, _| step(script))
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    fn calls(mut self, deed: Deed) -> Self {
        let call = Call { deed, outcome: Outcome::Done { printed: String::new(), code: 0 } };
        let is_joined = std::mem::take(&mut self.is_joined);
        match self.events.last_mut() {
            Some(Event::Answer(answer)) if is_joined || (answer.calls.is_empty() && !answer.is_cut) => {
                answer.calls.push(call);
            }
            _ => self.events.push(Event::Answer(Answer { calls: vec![call], ..Answer::default() })),
        }
        self
    }

    fn came_to(mut self, outcome: Outcome) -> Self {
        self.newest().outcome = outcome;
        self
    }

    fn newest(&mut self) -> &mut Call {
        let answer = match self.events.last_mut() {
            Some(Event::Answer(answer)) => answer.calls.last_mut(),
            _ => None,
        };
        answer.expect("a call of which this is said")
    }
}
