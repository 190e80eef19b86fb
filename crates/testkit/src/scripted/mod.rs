//! Sessions of coding agents by script: what happens is told once, and each agent writes it down in its own words.
//!
//! The shapes and the words are those that the agents were seen to send when a scripted model had them do these things,
//! on 2026-11-27: Claude Code 2.1.197, Codex 0.169.0, opencode 1.18.33. Where a person is needed, to refuse a call for
//! one, the words are from the program itself. System prompts and lists of tools are shortened.

mod claude_code;
mod codex;
mod opencode;
mod script;
#[cfg(test)]
mod tests;

use std::io;

use serde_json::Value;

pub use script::Script;
use script::{Answer, Call, Event};

use crate::{Exchange, Http, Response};

/// Where the agents work.
const FOLDER: &str = "/project";
/// The key that every agent sends.
const KEY: &str = "client-key";

/// A coding agent whose requests are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code: Anthropic's messages.
    ClaudeCode,
    /// Codex: OpenAI's Responses.
    Codex,
    /// opencode: OpenAI's chat.
    OpenCode,
}

/// An agent's session.
#[derive(Debug, Clone)]
pub struct Session {
    agent: Agent,
    id: String,
    is_named: bool,
    model: String,
    script: Script,
}

/// A request of an agent.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where it goes.
    pub path: &'static str,
    /// The agent's headers.
    pub headers: Vec<(String, String)>,
    /// The body, which asks for a stream.
    pub body: Value,
}

/// How an agent writes down what happened.
trait Transcript {
    /// What a person says.
    fn user(&mut self, text: &str);
    /// What the model answered, and what its calls came to.
    fn answer(&mut self, answer: &Answer);
    /// The person stopped the model in the middle of its answer.
    fn interrupted(&mut self);
    /// The request whose answer sums up what happened, and the agent's way of starting over from that summary.
    fn compact(&mut self, summary: &str) -> Value;
    /// The next request.
    fn body(&self) -> Value;
}

impl Agent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ClaudeCode, Self::Codex, Self::OpenCode];

    /// The name that records carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::OpenCode => "opencode",
        }
    }

    /// A session of this agent's; its id comes of `number`.
    pub fn session(self, number: u32, script: Script) -> Session {
        let id = match self {
            Self::ClaudeCode => format!("9bcebbbc-e45b-47f9-9e1c-{number:012x}"),
            Self::Codex => format!("01a21d0f-6801-7bf1-9fda-{number:012x}"),
            Self::OpenCode => format!("ses_de2f07b18ffe{number:014}"),
        };
        Session { agent: self, id, is_named: true, model: "auto".to_owned(), script }
    }

    fn path(self) -> &'static str {
        match self {
            Self::ClaudeCode => "/v1/messages?beta=true",
            Self::Codex => "/v1/responses",
            Self::OpenCode => "/v1/chat/completions",
        }
    }
}

impl Session {
    /// The same from a client that names no session.
    #[must_use]
    pub fn unnamed(mut self) -> Self {
        self.is_named = false;
        self
    }

    /// The same by another name of a model or a route than `auto`.
    #[must_use]
    pub fn asking_for(mut self, model: &str) -> Self {
        model.clone_into(&mut self.model);
        self
    }

    /// The session's key, as the agent sends it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Every request of the session, in order: one before each of the model's answers, and the one whose answer the
    /// script does not tell, where it ends with something that the model has to answer.
    pub fn requests(&self) -> Vec<Asked> {
        let mut transcript = self.transcript();
        let mut asked = Vec::new();
        let mut is_due = false;
        for event in self.script.events() {
            match event {
                Event::User(text) => {
                    transcript.user(text);
                    is_due = true;
                }
                Event::Answer(answer) => {
                    asked.push(self.asked(transcript.body()));
                    transcript.answer(answer);
                    is_due = answer.goes_on() || (answer.is_cut && self.agent == Agent::ClaudeCode);
                }
                Event::Interrupted => {
                    transcript.interrupted();
                    is_due = false;
                }
                Event::Compacted(summary) => {
                    asked.push(self.asked(transcript.compact(summary)));
                    is_due = true;
                }
            }
        }
        if is_due {
            asked.push(self.asked(transcript.body()));
        }
        asked
    }

    /// The last of them.
    pub fn last(&self) -> Asked {
        self.requests().pop().expect("a script in which something is asked")
    }

    fn transcript(&self) -> Box<dyn Transcript> {
        match self.agent {
            Agent::ClaudeCode => Box::new(claude_code::Messages::new(&self.model, self.key())),
            Agent::Codex => Box::new(codex::Items::new(&self.model, self.key())),
            Agent::OpenCode => Box::new(opencode::Chat::new(&self.model)),
        }
    }

    /// The session's id where the client tells it.
    fn key(&self) -> Option<&str> {
        self.is_named.then_some(self.id.as_str())
    }

    fn asked(&self, body: Value) -> Asked {
        let mut headers: Vec<(String, String)> = match self.agent {
            Agent::ClaudeCode => claude_code::headers(self.key()),
            Agent::Codex => codex::headers(self.key()),
            Agent::OpenCode => opencode::headers(self.key()),
        };
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        Asked { path: self.agent.path(), headers, body }
    }
}

impl Asked {
    /// The body as it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        self.body.to_string().into_bytes()
    }

    /// Sends it and reads the answer whole.
    pub fn send(&self, http: &Http) -> Response {
        self.open(http).expect("an answer").finish()
    }

    /// Sends it and reads the answer's head.
    pub fn open(&self, http: &Http) -> io::Result<Exchange> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        http.open("POST", self.path, &headers, &self.bytes())
    }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The file's path from the root.
fn absolute(path: &str) -> String {
    format!("{FOLDER}/{path}")
}

/// How a call that is cut off in the middle of its arguments ends.
fn garbled(name: &str, value: &str) -> String {
    format!("{{\"{name}\": \"{value}")
}
