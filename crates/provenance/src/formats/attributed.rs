//! What our attribution hands to the formats: a commit's files, whose lines are whose, and the answers behind them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use waymark_ledger::commitment::hex;
use waymark_ledger::{Record, canonical};
use waymark_types::{RecordId, Timestamp};

use super::lines::Lines;
use crate::Class;

/// A commit, and what is known of its lines.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// Its object name, in hexadecimal.
    pub revision: &'a str,
    /// What `git patch-id --stable` says of its change; nothing for a merge.
    pub patch_id: Option<&'a str>,
    /// When its lines were attributed.
    pub attributed: Timestamp,
    /// Its files of which something is known.
    pub files: &'a [File<'a>],
    /// The answers its lines come from.
    pub answers: &'a BTreeMap<RecordId, Answer>,
    /// Our own version.
    pub version: &'a str,
}

/// A file as a commit has it.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its path from the repository's root.
    pub path: &'a str,
    /// What is in it.
    pub content: &'a [u8],
    /// Whose lines are whose: in order, apart from each other.
    pub spans: &'a [Span],
}

/// Lines that are somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The lines.
    pub lines: Lines,
    /// Who put them there.
    pub class: Class,
    /// The record of the answer they come from.
    pub record: Option<RecordId>,
    /// What that is known from, a stable code.
    pub evidence: Option<String>,
}

/// An answer that lines come from, by its record. Its names are the record's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The record's id.
    pub record: RecordId,
    /// What the client asked for.
    pub requested_model: Option<String>,
    /// What was sent upstream.
    pub resolved_model: Option<String>,
    /// The provider's own word for the model that answered.
    pub served_model: Option<String>,
    /// The provider that answered, by its configured name.
    pub provider: Option<String>,
    /// The route that decided.
    pub route: Option<String>,
    /// The policy's name and version.
    pub policy: String,
    /// The reason that settled it, a stable code.
    pub reason: String,
    /// Digest of the snapshot decided under.
    pub snapshot: String,
    /// SHA-256 of the canonical bytes of the record's `attempts`, in hexadecimal; `null` when nobody knows them.
    pub attempts_sha256: Option<String>,
    /// Where it is on record.
    pub log: LeafPlace,
}

/// A leaf of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeafPlace {
    /// The log's name.
    pub origin: String,
    /// The leaf's position, from 0: the one of the record's completion.
    pub index: u64,
    /// The leaf's hash, in hexadecimal.
    pub sha256: String,
}

impl Answer {
    /// What a record says of its answer; nothing when no model answered, or none has yet.
    pub fn of(record: &Record) -> Option<Self> {
        let (completion, place) = (record.completion.as_ref()?, record.leaves.completion.as_ref()?);
        completion.provider.as_ref()?;
        let (intent, decision) = (&record.intent, &record.intent.decision);
        let attempts = completion.attempts.as_ref().and_then(|attempts| canonical::to_bytes(attempts).ok());
        Some(Self {
            record: record.record,
            requested_model: intent.requested_model.clone(),
            resolved_model: completion.resolved_model.clone(),
            served_model: completion.served_model.clone(),
            provider: completion.provider.clone(),
            route: decision.route.clone(),
            policy: decision.policy.clone(),
            reason: completion.reason.clone(),
            snapshot: decision.snapshot.clone(),
            attempts_sha256: attempts.map(|bytes| hex(&Sha256::digest(bytes))),
            log: LeafPlace {
                origin: record.origin.clone(),
                index: place.index,
                sha256: place.sha256.clone(),
            },
        })
    }
}

/// The digest of some lines of a file, wherever they are: SHA-256 of them, each with one line feed at its end, whatever
/// ends it in the file. Nothing when the file has no such lines.
pub fn lines_sha256(content: &[u8], lines: Lines) -> Option<String> {
    let (first, count) = (lines.first() as usize - 1, lines.count() as usize);
    let (mut digest, mut found) = (Sha256::new(), 0);
    for line in content.split_inclusive(|&byte| byte == b'\n').skip(first).take(count) {
        let ended = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n"));
        digest.update(ended.unwrap_or(line));
        digest.update(b"\n");
        found += 1;
    }
    (found == count).then(|| hex(&digest.finalize()))
}

#[cfg(test)]
pub(super) mod samples {
    //! A commit to write in every format.

    use super::*;

    /// 12 lines.
    pub(in crate::formats) const CONTENT: &[u8] =
        b"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven\ntwelve";

    pub(in crate::formats) fn id(n: u8) -> RecordId {
        RecordId::new(Timestamp::from_micros(1_795_449_600_000_000 + i64::from(n) * 1_000), [n; 10])
    }

    fn answer(n: u8, model: &str) -> (RecordId, Answer) {
        let answer = Answer {
            record: id(n),
            requested_model: Some("auto".into()),
            resolved_model: Some(model.into()),
            served_model: Some(format!("{model}-2026-01-01")),
            provider: Some("acme".into()),
            route: Some("auto".into()),
            policy: "ladder-5".into(),
            reason: "first_rung".into(),
            snapshot: "5a".repeat(32),
            attempts_sha256: Some("a7".repeat(32)),
            log: LeafPlace { origin: "waymark/test".into(), index: u64::from(n), sha256: "1e".repeat(32) },
        };
        (id(n), answer)
    }

    /// Calls `with` a commit of two files: lines of two models, some changed since, some a person's, one unknown.
    pub(in crate::formats) fn commit<T>(with: impl FnOnce(Commit<'_>) -> T) -> T {
        let span = |first, last, class, record: Option<u8>| Span {
            lines: Lines::new(first, last).unwrap(),
            class,
            record: record.map(id),
            evidence: record.map(|_| "fingerprint".into()),
        };
        let spans = [
            span(1, 4, Class::Ai, Some(1)),
            span(5, 5, Class::Human, None),
            span(6, 9, Class::Ai, Some(2)),
            span(10, 10, Class::AiModified, Some(1)),
            span(11, 11, Class::Unknown, None),
            span(12, 12, Class::Ai, Some(1)),
        ];
        let files = [
            File { path: "src/a.rs", content: CONTENT, spans: &spans },
            File { path: "src/b.rs", content: b"one\r\n", spans: &spans[..0] },
        ];
        with(Commit {
            revision: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            patch_id: Some("9c1185a5c5e9fc54612808977ee8f548b2258d31"),
            attributed: Timestamp::from_micros(1_795_449_600_000_001),
            files: &files,
            answers: &[answer(1, "large"), answer(2, "small")].into(),
            version: "0.1.0",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_have_one_digest_wherever_they_are_and_however_they_end() {
        let two = |first| Lines::new(first, first + 1).unwrap();
        let expected = hex(&Sha256::digest(b"b\nc\n"));
        assert_eq!(lines_sha256(b"a\nb\nc\nd\n", two(2)).as_deref(), Some(&*expected));
        assert_eq!(lines_sha256(b"b\r\nc", two(1)).as_deref(), Some(&*expected));
        assert_eq!(lines_sha256(b"a\nb\n", two(2)), None);
        assert_eq!(lines_sha256(b"\n", Lines::new(1, 1).unwrap()), Some(hex(&Sha256::digest(b"\n"))));
    }

    /// A record as it is exported, without what no format tells.
    const RECORD: &str = r#"{
        "schema": "waymark.record/1", "record": "01a21ca2-8cb3-7b01-a48f-ec903e64fae5", "origin": "waymark/test",
        "intent": {
            "record": "01a21ca2-8cb3-7b01-a48f-ec903e64fae5", "started": "2026-11-27T10:52:24.627840Z",
            "dialect": "openai-chat", "task": "chat", "stream": true, "client": null, "session": "ses_7f3a",
            "principal": "local", "requested_model": "auto",
            "decision": {"route": "auto", "policy": "ladder-5", "reason": "first_rung", "reasons": [], "snapshot": "e8"},
            "plan": [], "request": {"bytes": 2, "hmac_sha256": "22"}, "salt_sha256": "c7"
        },
        "completion": {
            "record": "01a21ca2-8cb3-7b01-a48f-ec903e64fae5", "ended": null, "outcome": "succeeded",
            "reason": "fallback", "provider": "beta", "resolved_model": "large-1", "served_model": "large-1-2026-01-01",
            "attempts": [], "usage": {"input": 1, "cached_input": null, "cache_write": null, "output": 1, "reasoning": null},
            "cost_micro_usd": null, "response": null, "sources": [], "error": null
        },
        "leaves": {"intent": {"index": 1, "sha256": "dc"}, "completion": {"index": 2, "sha256": "60"}}
    }"#;

    #[test]
    fn an_answer_is_what_its_record_says() {
        let mut record: Record = serde_json::from_str(RECORD).unwrap();
        let expected = serde_json::json!({
            "record": record.record,
            "requested_model": "auto",
            "resolved_model": "large-1",
            "served_model": "large-1-2026-01-01",
            "provider": "beta",
            "route": "auto",
            "policy": "ladder-5",
            "reason": "fallback",
            "snapshot": "e8",
            "attempts_sha256": hex(&Sha256::digest("[]")),
            "log": {"origin": "waymark/test", "index": 2, "sha256": "60"},
        });
        assert_eq!(serde_json::to_value(Answer::of(&record)).unwrap(), expected);
        record.completion.as_mut().unwrap().attempts = None;
        assert_eq!(Answer::of(&record).unwrap().attempts_sha256, None);
        record.completion.as_mut().unwrap().provider = None;
        assert_eq!(Answer::of(&record), None);
        record.completion = None;
        assert_eq!(Answer::of(&record), None);
    }

    proptest! {
        #[test]
        fn a_file_has_the_lines_that_it_has(content in "[a\r\n]{0,12}", line in 1_u32..14) {
            let found = lines_sha256(content.as_bytes(), Lines::new(line, line).unwrap());
            let lines: Vec<&str> = content.lines().collect();
            let expected = lines.get(line as usize - 1).map(|line| hex(&Sha256::digest(format!("{line}\n"))));
            prop_assert_eq!(found, expected);
        }
    }
}
