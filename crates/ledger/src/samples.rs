//! A record to test on.

use waymark_types::{Dialect, MicroUsd, Next, Outcome, RecordId, Task, Timestamp, Usage};

use crate::commitment;
use crate::entry::{Attempt, Completion, Decision, Intent, PlannedAttempt};
use crate::record::{Place, Record};

const BEGAN: i64 = 1_795_449_600_000_000;

pub(crate) fn id(n: u8) -> RecordId {
    RecordId::new(Timestamp::from_micros(BEGAN + i64::from(n) * 1_000), [n; 10])
}

pub(crate) fn intent(n: u8) -> Intent {
    Intent {
        record: id(n),
        started: Timestamp::from_micros(BEGAN),
        dialect: Dialect::OpenAiChat,
        task: Some(Task::Chat),
        stream: true,
        client: Some("test/1".into()),
        session: None,
        repository: Some("shop".into()),
        principal: "local".into(),
        key: None,
        requested_model: Some("auto".into()),
        decision: Decision {
            route: Some("auto".into()),
            policy: "ladder-1".into(),
            reason: "first_rung".into(),
            reasons: vec!["route:auto".into()],
            snapshot: "00".into(),
            ladder: None,
            shadow: None,
        },
        plan: vec![PlannedAttempt { provider: "acme".into(), model: "small-1".into() }],
        request: commitment::commit(&[n; 32], b"{}"),
        redacted: None,
        salt_sha256: commitment::salt_digest(&[n; 32]),
    }
}

pub(crate) fn completion(n: u8) -> Completion {
    Completion {
        record: id(n),
        ended: Some(Timestamp::from_micros(BEGAN + 1_500_000)),
        outcome: Outcome::Succeeded,
        reason: "first_rung".into(),
        provider: Some("acme".into()),
        resolved_model: Some("small-1".into()),
        served_model: Some("small-1-2026".into()),
        rung: None,
        attempts: Some(vec![Attempt {
            provider: "acme".into(),
            model: "small-1".into(),
            served_model: Some("small-1-2026".into()),
            started: Timestamp::from_micros(BEGAN + 1_000),
            ended: Timestamp::from_micros(BEGAN + 1_400_000),
            status: Some(200),
            outcome: Outcome::Succeeded,
            error: None,
            next: Next::Done,
            served: true,
            converted: None,
            lost: Vec::new(),
            discarded: None,
        }]),
        usage: Usage { input: Some(10), output: Some(2), ..Usage::default() },
        cost_micro_usd: Some(MicroUsd(3)),
        response: Some(commitment::commit(&[n; 32], b"{}")),
        sources: Vec::new(),
        emitted: None,
        error: None,
    }
}

pub(crate) fn place(index: u64) -> Place {
    Place::new(index, &[index as u8; 32])
}

/// A whole record, at leaves 2n and 2n + 1.
pub(crate) fn record(n: u8) -> Record {
    let at = u64::from(n) * 2;
    Record::new("waymark/test", (intent(n), place(at)), Some((completion(n), place(at + 1))))
}
