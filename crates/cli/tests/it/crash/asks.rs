//! What clients ask while things break, and what they get.

use serde_json::{Value, json};
use waymark_testkit::{Captured, Gate, Http, Random, Reply, Tally, Upstream};

use crate::rig::{ANTHROPIC, OPENAI, chat, completion, message};

/// Events of a streamed answer.
pub(super) const EVENTS: usize = 24;
/// Text in a request whose stream the upstream never finishes.
const HELD: &str = "hold this one;";

/// What one client asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    number: usize,
    kind: Kind,
    stream: bool,
    /// Whether the upstream stops half way, so that no end of the answer exists anywhere.
    held: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Chat,
    Message,
    Completion,
}

/// What one client got.
#[derive(Debug)]
pub(super) struct Got {
    ask: Ask,
    /// The record named by the head; `None` when no byte came, or when the answer says that there is none.
    pub(super) record: Option<String>,
    pub(super) status: u16,
    body: String,
    /// Whether the body ended as its framing says.
    is_framed_whole: bool,
}

impl Ask {
    pub(super) fn draw(number: usize, may_hold: bool, random: &mut Random) -> Self {
        let kind = [Kind::Chat, Kind::Chat, Kind::Message, Kind::Message, Kind::Completion][random.below(5)];
        let stream = random.below(10) < 7;
        let held = stream && kind != Kind::Completion && random.below(4) == 0;
        Self { number, kind, stream, held: held && may_hold }
    }

    fn body(self) -> Value {
        let text = format!("request {}; {}", self.number, if self.held { HELD } else { "" });
        let (stream, text) = (self.stream, json!([{"role": "user", "content": text}]));
        match self.kind {
            Kind::Chat => {
                let mut body = chat("small", stream);
                body["messages"] = text;
                body
            }
            Kind::Message => {
                let mut body = message("large", stream);
                body["messages"] = text;
                body
            }
            Kind::Completion => completion(stream),
        }
    }

    fn send(self, http: Http, progress: &Tally) -> Got {
        let (path, headers) = match self.kind {
            Kind::Chat => ("/v1/chat/completions", OPENAI),
            Kind::Message => ("/v1/messages", ANTHROPIC),
            Kind::Completion => ("/v1/completions", OPENAI),
        };
        let mut got = Got { ask: self, record: None, status: 0, body: String::new(), is_framed_whole: false };
        let body = self.body().to_string();
        let Ok(mut exchange) = http.open("POST", path, headers, body.as_bytes()) else { return got };
        got.status = exchange.status;
        let record = exchange.headers.get("x-waymark-record").map(str::to_owned);
        let record = record.unwrap_or_else(|| panic!("an answer that names no record: {exchange:?}"));
        got.record = (record != "none").then_some(record);
        progress.bump();
        while let Ok(piece) = exchange.piece() {
            progress.bump();
            match piece {
                Some(piece) => got.body.push_str(&String::from_utf8_lossy(&piece)),
                None => {
                    got.is_framed_whole = true;
                    break;
                }
            }
        }
        got
    }
}

impl Got {
    /// Whether an answer came, and everything that makes it whole.
    pub(super) fn is_whole(&self) -> bool {
        let text = &self.body;
        self.status == 200
            && match (self.ask.stream, self.ask.kind) {
                (false, _) => self.is_framed_whole,
                (true, Kind::Message) => text.contains("event: message_stop\n") && text.ends_with("\n\n"),
                (true, _) => text.ends_with("data: [DONE]\n\n"),
            }
    }

    /// Whether its end never existed.
    pub(super) fn is_held(&self) -> bool {
        self.ask.held
    }

    /// Whether a record with this outcome says that the answer came whole.
    pub(super) fn is_well(&self, outcome: Option<&str>) -> bool {
        outcome == Some("succeeded") || (self.ask.kind == Kind::Completion && outcome == Some("declined"))
    }
}

/// An upstream that counts what it is asked, and holds what is to be held.
pub(super) fn upstream(progress: &Tally) -> Upstream {
    let progress = progress.clone();
    Upstream::with(move |request: &Captured| {
        progress.bump();
        let reply = Reply::events(EVENTS);
        let is_held = String::from_utf8_lossy(&request.body).contains(HELD);
        if is_held { reply.hold_after(EVENTS / 2, &Gate::new()) } else { reply }
    })
}

/// One thread per client, each of which asks one thing after the other; `meanwhile` runs beside them and is told how
/// many have done.
pub(super) fn ask_at_once(
    clients: &[Vec<Ask>],
    gateways: &[Http],
    progress: &Tally,
    meanwhile: impl FnOnce(&Tally),
) -> Vec<Got> {
    let done = Tally::new();
    std::thread::scope(|scope| {
        let clients: Vec<_> = clients
            .iter()
            .enumerate()
            .map(|(client, asks)| {
                let (done, http) = (&done, gateways[client % gateways.len()]);
                scope.spawn(move || {
                    let got: Vec<Got> = asks.iter().map(|ask| ask.send(http, progress)).collect();
                    done.bump();
                    got
                })
            })
            .collect();
        meanwhile(&done);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}
