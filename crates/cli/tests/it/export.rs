//! What leaves the ledger for other programs.

use serde_json::Value;
use waymark_ledger::attestation::ANSWER;
use waymark_ledger::dsse::Envelope;
use waymark_ledger::note::Verifier;
use waymark_ledger::{Record, tree};
use waymark_testkit::{Output, Reply};

use crate::rig::{OPENAI, Rig, chat, completion, message};

pub(crate) fn lines<T: serde::de::DeserializeOwned>(output: &Output) -> Vec<T> {
    assert_eq!(output.code, Some(0), "{output:?}");
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    output.stdout.lines().map(read).collect()
}

/// A rig with four records: two answers, one after a fallback, one suggestion, one refusal; and their ids.
fn answered() -> (Rig, Vec<String>) {
    let rig = Rig::start();
    rig.openai.push(Reply::error(500, "broken"));
    let answers = [
        rig.chat(&chat("auto", true)),
        rig.message(&message("large", false)),
        rig.http().post("/v1/completions", OPENAI, completion(false).to_string()),
        rig.http().post("/v1/chat/completions", OPENAI, "{"),
    ];
    let records = answers.iter().map(|answer| answer.header("x-waymark-record").to_owned()).collect();
    (rig, records)
}

#[test]
fn every_record_is_a_line_of_json() {
    let (rig, ids) = answered();
    // The server need not stop for it.
    let records: Vec<Record> = lines(&rig.waymark.run(&["export", "--format", "jsonl"]));
    let exported: Vec<String> = records.iter().map(|record| record.record.to_string()).collect();
    assert_eq!(exported, ids);
    let fallback = &records[0];
    let completion = fallback.completion.as_ref().unwrap();
    assert_eq!(completion.resolved_model.as_deref(), Some("mock-spare-1"));
    assert_eq!(completion.attempts.as_ref().map(Vec::len), Some(2));
    let why = rig.waymark.why(&ids[0]);
    assert_eq!(fallback.origin, why["proof"]["origin"]);
    assert_eq!(fallback.leaves.completion.as_ref().unwrap().index, why["proof"]["leaf_index"]);
    assert_eq!(records[3].completion.as_ref().unwrap().outcome.as_str(), "refused");
}

#[test]
fn a_selection_leaves_the_others_out() {
    let (rig, ids) = answered();
    for (flag, value, taken) in [
        ("--model", "mock-large-1", &ids[1..2]),
        ("--model", "nobody", &[]),
        ("--route", "auto", &ids[..1]),
        ("--until", "2001-01-01", &[]),
        ("--since", "2001-01-01", &ids[..]),
    ] {
        let records: Vec<Record> = lines(&rig.waymark.run(&["export", "--format", "jsonl", flag, value]));
        let found: Vec<String> = records.iter().map(|record| record.record.to_string()).collect();
        assert_eq!(found, taken, "{flag} {value}");
    }
    let wrong = rig.waymark.run(&["export", "--format", "jsonl", "--since", "yesterday"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

#[test]
fn a_file_is_written_whole_and_stdout_stays_empty() {
    let (rig, ids) = answered();
    let path = rig.waymark.home().join("records.jsonl");
    let output = rig.waymark.run(&["export", "--format", "jsonl", "--output", path.to_str().unwrap()]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), ""), "{output:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), ids.len());
    assert!(output.stderr.contains("4 records written"), "{}", output.stderr);
}

#[test]
fn every_answer_of_a_model_is_attested_under_the_ledgers_key() {
    let (rig, ids) = answered();
    let key = std::fs::read_to_string(rig.waymark.data_dir().join("ledger.vkey")).unwrap();
    let key = Verifier::from_text(&key).unwrap();
    let envelopes: Vec<Envelope> = lines(&rig.waymark.run(&["export", "--format", "in-toto"]));
    let records: Vec<Record> = lines(&rig.waymark.run(&["export", "--format", "jsonl"]));
    // The refusal is no model's answer.
    assert_eq!(envelopes.len(), ids.len() - 1);
    for (envelope, record) in envelopes.iter().zip(&records) {
        let said: Value = serde_json::from_slice(&envelope.open(&key).unwrap()).unwrap();
        assert_eq!(said["predicateType"], ANSWER);
        let leaf = record.leaves.completion.as_ref().unwrap();
        assert_eq!(said["subject"][0]["digest"]["sha256"], leaf.sha256);
        let log = &said["predicate"]["log"];
        assert_eq!(log["completion_index"], leaf.index);
        assert_leads_to_root(&leaf.sha256, leaf.index, &log["inclusion"]);
    }
}

/// Checks an inclusion proof as a stranger would, from nothing but the statement.
fn assert_leads_to_root(leaf: &str, index: u64, inclusion: &Value) {
    let hash = |text: &Value| -> tree::Hash {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
        bytes.try_into().unwrap()
    };
    let digits = |at: usize| u8::from_str_radix(&leaf[2 * at..2 * at + 2], 16).unwrap();
    let leaf: tree::Hash = std::array::from_fn(digits);
    let hashes: Vec<tree::Hash> = inclusion["hashes"].as_array().unwrap().iter().map(hash).collect();
    let size = inclusion["tree_size"].as_u64().unwrap();
    let root = tree::root_from_inclusion(leaf, index, size, &hashes);
    assert_eq!(root, Some(hash(&inclusion["root"])), "{inclusion}");
    let note = inclusion["checkpoint"].as_str().unwrap();
    assert_eq!(note.lines().nth(2), inclusion["root"].as_str());
}
