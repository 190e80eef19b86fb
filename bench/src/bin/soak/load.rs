//! The load: clients that ask at a steady rate, each one thing after the other.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use waymark_testkit::{Agent, Asked, Exchange, Http, Random, Script};

use crate::books::{Books, Ending, Kind};
use crate::house::{BROKEN, CUT, DOWN, HELD, House, SILENT};

/// How long a client waits for bytes before it leaves.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same where nothing will come.
const LITTLE_PATIENCE: Duration = Duration::from_millis(700);
/// The route under load.
const AUTO: &str = "auto";
const LOOK: Duration = Duration::from_secs(1);
const OPENAI: &[(&str, &str)] = &[("authorization", "Bearer client-key"), ("user-agent", "soak/1")];

/// Of a hundred requests so many are of this kind.
const SHARES: &[(Kind, usize)] = &[
    (Kind::Session, 45),
    (Kind::Whole, 12),
    (Kind::Completion, 20),
    (Kind::Leaves, 8),
    (Kind::Silent, 2),
    (Kind::Broken, 6),
    (Kind::Down, 2),
    (Kind::Cut, 5),
];

/// Who asks, and how often.
pub(crate) struct Load {
    clients: usize,
    /// Between two requests of one client, on average.
    pause: Duration,
    seed: u64,
}

/// One client.
struct Client {
    http: Http,
    random: Random,
    /// What its session asks next.
    session: VecDeque<Asked>,
    /// The number of its next session; no other client has it.
    number: usize,
    step: usize,
}

impl Load {
    /// So many clients that ask `rate` times a second together.
    pub(crate) fn new(clients: usize, rate: f64, seed: u64) -> Self {
        Self { clients, pause: Duration::from_secs_f64(clients as f64 / rate), seed }
    }

    /// Asks for so long; `look` is called every second, with the time since the start and the requests that have ended.
    pub(crate) fn run(
        &self,
        house: &House,
        lasting: Duration,
        mut look: impl FnMut(Duration, usize),
    ) -> Books {
        let (is_over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|number| {
                    let (is_over, done) = (&is_over, &done);
                    let client = Client::new(house.http(), self.seed, number, self.clients);
                    scope.spawn(move || client.run(self.pause, is_over, done))
                })
                .collect();
            let began = Instant::now();
            let mut next = Duration::ZERO;
            while began.elapsed() < lasting {
                look(began.elapsed(), done.load(Ordering::SeqCst));
                next += LOOK;
                std::thread::sleep(next.saturating_sub(began.elapsed()));
            }
            is_over.store(true, Ordering::SeqCst);
            let mut books = Books::default();
            for client in clients {
                match client.join() {
                    Ok(of_client) => books.take_in(of_client),
                    Err(panicked) => std::panic::resume_unwind(panicked),
                }
            }
            books
        })
    }
}

impl Client {
    fn new(http: Http, seed: u64, number: usize, step: usize) -> Self {
        let random = Random::seeded(seed.wrapping_add(number as u64));
        Self { http: http.waiting(PATIENCE), random, session: VecDeque::new(), number, step }
    }

    fn run(mut self, pause: Duration, is_over: &AtomicBool, done: &AtomicUsize) -> Books {
        let mut books = Books::default();
        while !is_over.load(Ordering::SeqCst) {
            let kind = self.draw();
            let (record, ending) = self.ask(kind, &mut books);
            books.enter(kind, ending, record);
            done.fetch_add(1, Ordering::SeqCst);
            // Half to one and a half times the pause.
            std::thread::sleep(pause / 2 + pause * self.random.below(1_000) as u32 / 1_000);
        }
        books
    }

    fn draw(&mut self) -> Kind {
        let mut left = self.random.below(SHARES.iter().map(|(_, share)| share).sum());
        for (kind, share) in SHARES {
            match left.checked_sub(*share) {
                Some(rest) => left = rest,
                None => return *kind,
            }
        }
        Kind::Session
    }

    /// Asks once; the record that the answer names, and how the answer ended.
    fn ask(&mut self, kind: Kind, books: &mut Books) -> (Option<String>, Ending) {
        let opened = match kind {
            Kind::Session => self.next_of_session().open(&self.http),
            Kind::Completion => self.completion(),
            Kind::Whole => self.chat(AUTO, "", false),
            Kind::Leaves => self.chat(AUTO, HELD, true),
            Kind::Silent => {
                let patient = self.http;
                self.http = patient.waiting(LITTLE_PATIENCE);
                let opened = self.chat(AUTO, SILENT, true);
                self.http = patient;
                opened
            }
            Kind::Broken => self.chat(AUTO, BROKEN, true),
            Kind::Down => self.chat(DOWN, "", true),
            Kind::Cut => self.chat(AUTO, CUT, true),
        };
        let Ok(mut exchange) = opened else { return (None, Ending::Unanswered) };
        let record = exchange.headers.get("x-waymark-record").filter(|record| *record != "none");
        let record = record.map(str::to_owned);
        if kind == Kind::Leaves {
            // Gone in the middle of the stream.
            let _ = exchange.piece();
            return (record, Ending::Left);
        }
        let status = exchange.status;
        if status != 200 {
            books.refused(kind, status, exchange.headers.get("x-waymark-route").unwrap_or("no reason"));
        }
        let ending = match exchange.finish().whole {
            true if status == 200 => Ending::Whole,
            true => Ending::Refused,
            false => Ending::CutOff,
        };
        (record, ending)
    }

    fn chat(&mut self, model: &str, marker: &str, stream: bool) -> io::Result<Exchange> {
        let text = format!("{marker} What does the word number {} mean?", self.random.below(1 << 20));
        let body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": text}]});
        self.http.open("POST", "/v1/chat/completions", OPENAI, body.to_string().as_bytes())
    }

    fn completion(&mut self) -> io::Result<Exchange> {
        let body = json!({"model": "auto", "stream": self.random.below(2) == 0, "max_tokens": 32,
            "prompt": format!("use std::collections::BTreeMap;\n\npub struct Shelf{0} {{\n    items: BTreeMap<String, \
                u64>,\n}}\n\nimpl Shelf{0} {{\n    pub fn insert(&mut self, ", self.random.below(30)),
            "suffix": "\n}\n"});
        self.http.open("POST", "/v1/completions", OPENAI, body.to_string().as_bytes())
    }

    fn next_of_session(&mut self) -> Asked {
        loop {
            if let Some(asked) = self.session.pop_front() {
                return asked;
            }
            let number = self.number;
            self.number += self.step;
            let agent = Agent::ALL[self.random.below(Agent::ALL.len())];
            let script = if self.random.below(3) == 0 { stuck() } else { goes_well() };
            self.session = agent.session(number as u32, script).requests().into();
        }
    }
}

/// A session in which the model does what it was asked.
fn goes_well() -> Script {
    let file = "def total(items):\n    return max(items)\n\n".repeat(100);
    Script::new()
        .user("Make the tests pass.")
        .says("I look at the file first.")
        .reads("app.py")
        .prints(&file)
        .edits("app.py", "max(items)", "sum(items)")
        .runs("pytest")
        .prints(&"test_app.py::test_total PASSED\n".repeat(50))
        .says("All tests pass.")
        .user("Thanks. Now describe it in the README.")
        .reads("README.md")
        .prints("# The project\n")
        .writes("docs/total.md", "What the total is.\n")
        .says("Done.")
}

/// A session in which it does not get on.
fn stuck() -> Script {
    let failed = "FAILED test_app.py::test_total - assert 3 == 6\n1 failed in 0.03s\n";
    Script::new()
        .user("Make the tests pass.")
        .runs("pytest")
        .prints(failed)
        .fails(1)
        .times(3, |script| {
            script
                .edits("app.py", "max(item)", "sum(items)")
                .fails_to_apply()
                .runs("pytest")
                .prints(failed)
                .fails(1)
        })
        .garbles("pytest -x")
        .says("It should work now.")
        .user("No, that's wrong. It still fails. Undo it.")
        .runs("git checkout app.py")
        .runs("pytest")
        .prints(failed)
        .fails(1)
        .says("The tests still fail.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_drawn_by_their_shares() {
        let mut client = Client::new(Http::new(([127, 0, 0, 1], 9).into()), 7, 0, 1);
        let mut count = |wanted| (0..1_000).filter(|_| client.draw() == wanted).count();
        assert!((400..500).contains(&count(Kind::Session)));
        assert!((5..50).contains(&count(Kind::Silent)));
        assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<usize>(), 100);
    }

    #[test]
    fn no_two_clients_have_the_same_session() {
        let client = |number| Client::new(Http::new(([127, 0, 0, 1], 9).into()), 7, number, 2);
        let (mut first, mut second) = (client(0), client(1));
        (0..100).for_each(|_| drop((first.next_of_session(), second.next_of_session())));
        assert!(first.number % 2 == 0 && second.number % 2 == 1 && first.number > 0);
    }
}
