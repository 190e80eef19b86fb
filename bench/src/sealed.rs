//! Records of the size and shape that the gateway writes.

use anyhow::Result;
use waymark_ledger::commitment;
use waymark_ledger::note::Signer;
use waymark_ledger::{Attempt, Commitment, Completion, Decision, Entry, Intent, PlannedAttempt};
use waymark_store::Payload;
use waymark_testkit::Random;
use waymark_types::{Dialect, MicroUsd, Next, Outcome, RecordId, Task, Timestamp, Usage};

/// When the first record began.
const BEGINNING: i64 = 1_767_225_600_000_000;

/// The key every measured ledger is signed with.
pub(crate) fn signer() -> Result<Signer> {
    Ok(Signer::new("waymark/0123456789abcdef", &[7; 32])?)
}

/// Makes one record after another, ids in the order of time as the server's are.
pub(crate) struct Records {
    random: Random,
    made: i64,
}

impl Records {
    /// Starts anywhere: no two makers make the same ids.
    pub(crate) fn new() -> Self {
        Self { random: Random::seeded(Random::seed()), made: 0 }
    }

    /// The next record's intent and completion, and the salt that goes beside the intent.
    pub(crate) fn make(&mut self) -> (Entry, Entry, Payload) {
        let started = BEGINNING + self.made * 1_000;
        self.made += 1;
        let mut bytes = [0; 48];
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.random.bits().to_be_bytes()));
        let (mut tail, mut salt) = ([0; 10], [0; 32]);
        tail.copy_from_slice(&bytes[..10]);
        salt.copy_from_slice(&bytes[16..]);
        let record = RecordId::new(Timestamp::from_micros(started), tail);
        let committed = commitment::commit(&salt, &bytes);
        let intent = intent(record, started, commitment::salt_digest(&salt), committed.clone());
        let completion = completion(record, started + 4_200_000, committed);
        (intent, completion, Payload::Request { record, salt, body: None })
    }
}

fn intent(record: RecordId, started: i64, salt_sha256: String, request: Commitment) -> Entry {
    Entry::Intent(Intent {
        record,
        started: Timestamp::from_micros(started),
        dialect: Dialect::AnthropicMessages,
        task: Some(Task::AgentStep),
        stream: true,
        client: Some("claude-cli/2.0.1 (external, cli)".to_owned()),
        session: Some("0b7c6c2e-52f1-4a43-9a0c-6f7d5c1c9f00".to_owned()),
        principal: "local".to_owned(),
        requested_model: Some("auto".to_owned()),
        decision: Decision {
            route: Some("auto".to_owned()),
            policy: "ladder-1".to_owned(),
            reason: "first_rung".to_owned(),
            reasons: vec![
                "route:auto".to_owned(),
                "task:agent_step".to_owned(),
                "passed_over:flash".to_owned(),
            ],
            snapshot: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        },
        plan: vec![PlannedAttempt { provider: "acme".to_owned(), model: "large-2026-01-01".to_owned() }],
        request,
        salt_sha256,
    })
}

fn completion(record: RecordId, ended: i64, response: Commitment) -> Entry {
    let ended = Timestamp::from_micros(ended);
    Entry::Completion(Completion {
        record,
        ended: Some(ended),
        outcome: Outcome::Succeeded,
        reason: "first_rung".to_owned(),
        provider: Some("acme".to_owned()),
        resolved_model: Some("large-2026-01-01".to_owned()),
        served_model: Some("large-2026-01-01".to_owned()),
        attempts: Some(vec![Attempt {
            provider: "acme".to_owned(),
            model: "large-2026-01-01".to_owned(),
            served_model: Some("large-2026-01-01".to_owned()),
            started: ended,
            ended,
            status: Some(200),
            outcome: Outcome::Succeeded,
            error: None,
            next: Next::Done,
            served: true,
            converted: None,
            lost: Vec::new(),
        }]),
        usage: Usage { input: Some(20_380), output: Some(1_164), ..Usage::default() },
        cost_micro_usd: Some(MicroUsd(31_415)),
        response: Some(response),
        sources: Vec::new(),
        error: None,
    })
}
