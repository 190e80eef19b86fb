//! Promise 1 under SIGKILL: whoever got a byte of an answer finds its record, and no partial one passes for whole.

use std::time::Duration;

use serde_json::{Value, json};
use waymark_testkit::{Captured, Gate, Http, Random, Reply, Tally, Upstream};

use crate::rig::{ANTHROPIC, OPENAI, Rig, chat, completion, message, outcome};

const KILLS: usize = 20;
const CLIENTS: usize = 10;
const EVENTS: usize = 24;
/// Text in a request whose stream the upstream never finishes.
const HELD: &str = "hold this one;";

/// What one client asks.
#[derive(Debug, Clone, Copy)]
struct Ask {
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
struct Got {
    ask: Ask,
    /// The record named by the head; `None` when no byte came.
    record: Option<String>,
    status: u16,
    body: Vec<u8>,
    /// Whether the body ended as its framing says.
    is_framed_whole: bool,
    /// How the record stood while the server was dead; `None` when it was still open, or not named.
    durable: Option<String>,
}

impl Ask {
    fn draw(number: usize, random: &mut Random) -> Self {
        let kind = [Kind::Chat, Kind::Chat, Kind::Message, Kind::Message, Kind::Completion][random.below(5)];
        let stream = random.below(10) < 7;
        Self { number, kind, stream, held: stream && kind != Kind::Completion && random.below(4) == 0 }
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
        let mut got = Got {
            ask: self,
            record: None,
            status: 0,
            body: Vec::new(),
            is_framed_whole: false,
            durable: None,
        };
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
    // The seed repeats what is asked and after how many steps the kill comes; threads still race as they like.
    eprintln!("seed: {}={seed}", Random::SEED_VARIABLE);
    let mut random = Random::seeded(seed);
    let progress = Tally::new();
    let mut rig = Rig::stopped(upstream(&progress), upstream(&progress));
    let mut all = Vec::new();
    for round in 0..KILLS {
        let asks = draw(round, &mut random);
        let moment = random.below(CLIENTS * EVENTS);
        all.extend(killed_round(&mut rig, &asks, moment, &progress));
    }
    let http = rig.waymark.start();
    let spared: Vec<Ask> =
        draw(KILLS, &mut random).into_iter().map(|ask| Ask { held: false, ..ask }).collect();
    let spared = ask_at_once(&spared, http, &progress, |_| {});
    assert!(spared.iter().all(Got::is_whole), "with nobody killed every answer is whole: {spared:?}");
    assert_eq!(rig.waymark.stop().code, Some(0));

    let cut = all.iter().filter(|got| got.record.is_some() && !got.is_whole()).count();
    let whole = all.iter().filter(|got| got.is_whole()).count();
    eprintln!("{} requests: {cut} cut off, {whole} whole, the others killed before a byte", all.len());
    assert!(cut > 0, "the kills missed: nothing was cut off");
    for got in all.iter().chain(&spared) {
        check(&rig, got);
    }
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

fn upstream(progress: &Tally) -> Upstream {
    let progress = progress.clone();
    Upstream::with(move |request: &Captured| {
        progress.bump();
        let reply = Reply::events(EVENTS);
        let is_held = String::from_utf8_lossy(&request.body).contains(HELD);
        if is_held { reply.hold_after(EVENTS / 2, &Gate::new()) } else { reply }
    })
}

fn draw(round: usize, random: &mut Random) -> Vec<Ask> {
    (0..CLIENTS).map(|client| Ask::draw(round * CLIENTS + client, random)).collect()
}

/// Starts the server, lets every client ask at once, kills it once `moment` more things have happened, and
/// looks at what is on record before anything can mend it.
fn killed_round(rig: &mut Rig, asks: &[Ask], moment: usize, progress: &Tally) -> Vec<Got> {
    let http = rig.waymark.start();
    let (moment, ends) = (progress.count() + moment, asks.iter().filter(|ask| !ask.held).count());
    let mut all = ask_at_once(asks, http, progress, |done| {
        while !progress.wait(moment, Duration::from_millis(20)) && done.count() < ends {}
        rig.waymark.kill();
    });
    for got in &mut all {
        let why = got.record.as_ref().map(|record| rig.waymark.why(record));
        got.durable = why.and_then(|why| why["outcome"].as_str().map(str::to_owned));
    }
    all
}

/// One thread per client; `meanwhile` runs beside them and is told how many have done.
fn ask_at_once(asks: &[Ask], http: Http, progress: &Tally, meanwhile: impl FnOnce(&Tally)) -> Vec<Got> {
    let done = Tally::new();
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
        meanwhile(&done);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

fn check(rig: &Rig, got: &Got) {
    let Some(record) = &got.record else { return };
    assert_eq!(got.status, 200, "{got:?}");
    let why = rig.waymark.why(record);
    assert_eq!(why["record"], record.as_str());
    assert_eq!(why["proof"]["verified"], true, "{why}");
    let outcome = outcome(&why);
    let is_well = outcome == "succeeded" || (got.ask.kind == Kind::Completion && outcome == "declined");
    if got.is_whole() {
        assert!(is_well, "{:?} came whole and its record says {outcome}: {why}", got.ask);
    } else {
        // Whole on record though cut off on the wire is right only when it was on record before the kill.
        let expected = got.durable.as_deref().unwrap_or("interrupted");
        assert_eq!(outcome, expected, "{:?} was cut off: {why}", got.ask);
    }
    assert!(!(got.ask.held && is_well), "{:?} never ended upstream: {why}", got.ask);
}
