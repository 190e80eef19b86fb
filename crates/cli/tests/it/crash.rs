//! Promise 1 under SIGKILL: whoever got a byte of an answer finds its record, and no partial one passes for whole.

use std::time::Duration;

use serde_json::{Value, json};
use waymark_testkit::{Captured, Fate, Http, Random, Reply, Tally, Upstream};

use crate::rig::{ANTHROPIC, OPENAI, Rig, chat, completion, message, outcome};

const KILLS: usize = 20;
const CLIENTS: usize = 10;
const EVENTS: usize = 24;

/// What one client asks.
#[derive(Debug, Clone, Copy)]
struct Ask {
    number: usize,
    kind: Kind,
    stream: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Chat,
    Message,
    Completion,
}

/// What one client got.
#[derive(Debug)]
struct Got {
    ask: Ask,
    /// The record named by the head; `None` when no byte came.
    record: Option<String>,
    status: u16,
    body: Vec<u8>,
    /// Whether the body ended as its framing says.
    is_framed_whole: bool,
}

impl Ask {
    fn draw(number: usize, random: &mut Random) -> Self {
        let kind = [Kind::Chat, Kind::Chat, Kind::Message, Kind::Message, Kind::Completion][random.below(5)];
        Self { number, kind, stream: random.below(10) < 7 }
    }

    fn body(self) -> Value {
        let (stream, text) = (self.stream, json!([{"role": "user", "content": self.mark()}]));
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

    /// Text that finds this request again among what the upstream received.
    fn mark(self) -> String {
        format!("request {};", self.number)
    }

    fn send(self, http: Http, progress: &Tally) -> Got {
        let (path, headers) = match self.kind {
            Kind::Chat => ("/v1/chat/completions", OPENAI),
            Kind::Message => ("/v1/messages", ANTHROPIC),
            Kind::Completion => ("/v1/completions", OPENAI),
        };
        let mut got = Got { ask: self, record: None, status: 0, body: Vec::new(), is_framed_whole: false };
        let body = self.body().to_string();
        let Ok(mut exchange) = http.open("POST", path, headers, body.as_bytes()) else { return got };
        got.status = exchange.status;
        got.record = exchange.headers.get("x-waymark-record").map(str::to_owned);
        assert!(got.record.is_some(), "an answer without a record: {exchange:?}");
        progress.bump();
        while let Ok(piece) = exchange.piece() {
            progress.bump();
            match piece {
                Some(piece) => got.body.extend_from_slice(&piece),
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
    /// Whether everything that makes the answer whole has arrived.
    fn is_whole(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body);
        match (self.ask.stream, self.ask.kind) {
            (false, _) => self.is_framed_whole,
            (true, Kind::Message) => text.contains("event: message_stop\n") && text.ends_with("\n\n"),
            (true, _) => text.ends_with("data: [DONE]\n\n"),
        }
    }
}

#[test]
fn every_answer_a_client_saw_has_its_record_after_twenty_kills() {
    let seed = Random::seed();
    eprintln!("seed: {}={seed}", Random::SEED_VARIABLE);
    let mut random = Random::seeded(seed);
    let progress = Tally::new();
    let upstream = || {
        let progress = progress.clone();
        Upstream::with(move |_| {
            progress.bump();
            Reply::events(EVENTS)
        })
    };
    let mut rig = Rig::stopped(upstream(), upstream());
    let mut all = Vec::new();
    for round in 0..KILLS {
        let asks: Vec<Ask> =
            (0..CLIENTS).map(|client| Ask::draw(round * CLIENTS + client, &mut random)).collect();
        let moment = random.below(CLIENTS * EVENTS * 3 / 4);
        all.extend(killed_round(&mut rig, &asks, moment, &progress));
    }
    rig.waymark.start();
    assert_eq!(rig.waymark.stop().code, Some(0));

    let answered = all.iter().filter(|got| got.record.is_some()).count();
    let whole = all.iter().filter(|got| got.is_whole()).count();
    eprintln!("{} requests, {answered} answered, {whole} whole", all.len());
    assert!(whole > 0 && whole < all.len(), "the kills missed: nothing was cut, or everything");
    let upstream: Vec<Captured> = [rig.openai.requests(), rig.anthropic.requests()].concat();
    for got in &all {
        check(&rig, got, &upstream);
    }
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

/// Starts the server, lets every client ask at once, and kills it once `moment` more things have happened.
fn killed_round(rig: &mut Rig, asks: &[Ask], moment: usize, progress: &Tally) -> Vec<Got> {
    let http = rig.waymark.start();
    let (done, moment) = (Tally::new(), progress.count() + moment);
    std::thread::scope(|scope| {
        let clients: Vec<_> = asks
            .iter()
            .map(|ask| {
                let done = &done;
                scope.spawn(move || {
                    let got = ask.send(http, progress);
                    done.bump();
                    got
                })
            })
            .collect();
        while !progress.wait(moment, Duration::from_millis(20)) && done.count() < asks.len() {}
        rig.waymark.kill();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

fn check(rig: &Rig, got: &Got, upstream: &[Captured]) {
    let Some(record) = &got.record else { return };
    assert_eq!(got.status, 200, "{got:?}");
    let why = rig.waymark.why(record);
    assert_eq!(why["record"], record.as_str());
    assert_eq!(why["proof"]["verified"], true, "{why}");
    let outcome = outcome(&why);
    let is_well = outcome == "succeeded" || (got.ask.kind == Kind::Completion && outcome == "declined");
    if got.is_whole() {
        assert!(is_well, "{:?} came whole and its record says {outcome}: {why}", got.ask);
    } else if is_well && got.ask.kind != Kind::Completion {
        let mark = got.ask.mark();
        let asked = upstream.iter().find(|seen| String::from_utf8_lossy(&seen.body).contains(&mark));
        let fate = asked.map(|seen| seen.fate);
        assert_eq!(fate, Some(Fate::Answered), "{:?} never came whole from upstream: {why}", got.ask);
    }
}
