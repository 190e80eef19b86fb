//! Records of the size, shape and spread that gateways write.

use anyhow::Result;
use waymark_ledger::commitment::{self, Salt};
use waymark_ledger::note::Signer;
use waymark_ledger::subject::Subject;
use waymark_ledger::{Attempt, Commitment, Completion, Decision, Entry, Intent, Leaf, PlannedAttempt};
use waymark_store::{Effect, LedgerStore};
use waymark_testkit::Random;
use waymark_types::{Dialect, MicroUsd, Next, Outcome, RecordId, Task, Timestamp, Usage};

/// When the first record began: 2026-01-01T00:00Z.
const BEGINNING: i64 = 1_767_225_600_000_000;
const YEAR: i64 = 365 * 24 * 60 * 60 * 1_000_000;

/// Conversations that go on at a time.
const AT_ONCE: usize = 40;
/// Records of one conversation.
const IN_SESSION: u32 = 50;

/// How many there are of each. Few of them do most of the work.
pub(crate) const PEOPLE: usize = 300;
pub(crate) const REPOSITORIES: usize = 200;
pub(crate) const MODELS: usize = 12;
pub(crate) const CLIENTS: usize = 24;
pub(crate) const ROUTES: [&str; 3] = ["auto", "careful", "batch"];

/// The key every measured ledger is signed with.
pub(crate) fn signer() -> Result<Signer> {
    Ok(Signer::new("waymark/0123456789abcdef", &[7; 32])?)
}

/// The name of somebody who asks.
pub(crate) fn person(n: usize) -> String {
    format!("developer-{n}@example.com")
}

/// A repository's name.
pub(crate) fn repository(n: usize) -> String {
    format!("git.example.com/team-{}/service-{n}", n % 17)
}

/// A model's name, as its provider says it.
pub(crate) fn model(n: usize) -> String {
    format!("large-{}-2026-01-01", n + 1)
}

/// A client's name and version.
pub(crate) fn client(n: usize) -> String {
    format!("claude-cli/2.0.{n} (external, cli)")
}

/// Makes sure that everybody who asks is known to the store.
pub(crate) async fn introduce(store: &LedgerStore) -> Result<()> {
    for n in 0..PEOPLE {
        store.subject(&person(n), key(n)).await?;
    }
    Ok(())
}

fn key(n: usize) -> [u8; 32] {
    let mut key = [0x5a; 32];
    key[..8].copy_from_slice(&n.to_be_bytes());
    key
}

/// A record ready to be written: both halves, and the salt that goes beside the first.
pub(crate) struct Made {
    pub(crate) intent: Leaf,
    pub(crate) completion: Leaf,
    pub(crate) salt: Effect,
}

impl Made {
    /// Its id.
    pub(crate) fn record(&self) -> RecordId {
        self.intent.statement.record
    }
}

/// A conversation.
struct Session {
    name: String,
    person: usize,
    repository: usize,
    client: usize,
    left: u32,
}

/// Makes one record after another, ids in the order of time as the server's are.
pub(crate) struct Records {
    random: Random,
    subjects: Vec<Subject>,
    sessions: Vec<Session>,
    at: i64,
    step: i64,
}

impl Records {
    /// A second apart. Starts anywhere: no two makers make the same ids.
    pub(crate) fn new() -> Self {
        Self::every(1_000_000)
    }

    /// So many over a year.
    pub(crate) fn over_a_year(records: usize) -> Self {
        Self::every(YEAR / records.max(1) as i64)
    }

    fn every(step: i64) -> Self {
        let subjects = (0..PEOPLE).map(|n| Subject::new(&person(n), key(n))).collect();
        let random = Random::seeded(Random::seed());
        Self { random, subjects, sessions: Vec::new(), at: BEGINNING, step }
    }

    /// The next record.
    pub(crate) fn make(&mut self) -> Result<Made> {
        self.at += self.step;
        let (record, salt) = (RecordId::new(Timestamp::from_micros(self.at), self.bytes()), self.bytes());
        let text: Salt = self.bytes();
        let committed = commitment::commit(&salt, &text);
        let turn = self.turn();
        let who = self.subjects[turn.person].id().to_owned();
        let route = ROUTES[few(&mut self.random, ROUTES.len())];
        let intent =
            intent(record, self.at, &turn, who, route, commitment::salt_digest(&salt), committed.clone());
        let ending = self.ending();
        let model = model(few(&mut self.random, MODELS));
        let completion = completion(record, self.at + 4_200_000, ending, &model, committed);
        Ok(Made {
            intent: Leaf::new(intent, self.bytes())?,
            completion: Leaf::new(completion, self.bytes())?,
            salt: Effect::Salt { record, salt },
        })
    }

    /// The next turn of one of the conversations that go on.
    fn turn(&mut self) -> Session {
        let at = self.random.below(AT_ONCE);
        if at >= self.sessions.len() || self.sessions[at].left == 0 {
            let new = Session {
                name: self.session_name(),
                person: few(&mut self.random, PEOPLE),
                repository: few(&mut self.random, REPOSITORIES),
                client: few(&mut self.random, CLIENTS),
                left: IN_SESSION,
            };
            let at = at.min(self.sessions.len());
            if at == self.sessions.len() { self.sessions.push(new) } else { self.sessions[at] = new }
        }
        let at = at.min(self.sessions.len() - 1);
        let session = &mut self.sessions[at];
        session.left = session.left.saturating_sub(1);
        Session { name: session.name.clone(), ..*session }
    }

    fn session_name(&mut self) -> String {
        let bits = [self.random.bits(), self.random.bits()];
        format!("{:08x}-{:04x}-4a43-9a0c-{:012x}", bits[0] >> 32, bits[0] & 0xffff, bits[1] >> 16)
    }

    /// Few do not succeed.
    fn ending(&mut self) -> Outcome {
        match self.random.below(1_000) {
            0..950 => Outcome::Succeeded,
            950..985 => Outcome::Cancelled,
            _ => Outcome::Failed,
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.random.bits().to_be_bytes()[..chunk.len()]);
        }
        bytes
    }
}

/// One of `count`, the first ones far more often than the last: the third power of a fair draw.
pub(crate) fn few(random: &mut Random, count: usize) -> usize {
    let fair = random.below(1 << 20) as f64 / f64::from(1 << 20);
    ((fair * fair * fair * count as f64) as usize).min(count - 1)
}

fn intent(
    record: RecordId,
    started: i64,
    turn: &Session,
    principal: String,
    route: &str,
    salt_sha256: String,
    request: Commitment,
) -> Entry {
    Entry::Intent(Intent {
        record,
        started: Timestamp::from_micros(started),
        dialect: Dialect::AnthropicMessages,
        task: Some(Task::AgentStep),
        stream: true,
        client: Some(client(turn.client)),
        session: Some(turn.name.clone()),
        repository: Some(repository(turn.repository)),
        principal,
        key: None,
        requested_model: Some(route.to_owned()),
        decision: Decision {
            route: Some(route.to_owned()),
            policy: "ladder-1".to_owned(),
            reason: "first_rung".to_owned(),
            reasons: vec![
                format!("route:{route}"),
                "task:agent_step".to_owned(),
                "passed_over:flash".to_owned(),
            ],
            snapshot: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            ladder: None,
            shadow: None,
        },
        plan: vec![PlannedAttempt { provider: "acme".to_owned(), model: "large-2026-01-01".to_owned() }],
        request,
        redacted: None,
        salt_sha256,
    })
}

fn completion(record: RecordId, ended: i64, outcome: Outcome, model: &str, response: Commitment) -> Entry {
    let ended = Timestamp::from_micros(ended);
    Entry::Completion(Completion {
        record,
        ended: Some(ended),
        outcome,
        reason: "first_rung".to_owned(),
        provider: Some("acme".to_owned()),
        resolved_model: Some(model.to_owned()),
        served_model: Some(model.to_owned()),
        rung: None,
        attempts: Some(vec![Attempt {
            provider: "acme".to_owned(),
            model: model.to_owned(),
            served_model: Some(model.to_owned()),
            started: ended,
            ended,
            status: Some(200),
            outcome,
            error: None,
            next: Next::Done,
            served: true,
            converted: None,
            lost: Vec::new(),
            discarded: None,
        }]),
        usage: Usage { input: Some(20_380), output: Some(1_164), ..Usage::default() },
        cost_micro_usd: Some(MicroUsd(31_415)),
        response: Some(response),
        sources: Vec::new(),
        emitted: None,
        error: None,
    })
}
