//! Leaves, canonical bytes, and the small texts that stand in them.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde_json::Value;
use waymark_fuzz::Input;
use waymark_ledger::{Absences, Entry, Leaf, StoredLeaf, Verifier, canonical, note::Signer};
use waymark_types::{Dialect, Outcome, RecordId, Task, Timestamp};

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    if let Ok(value) = serde_json::from_slice::<Value>(input.body)
        && let Ok(bytes) = canonical::to_bytes(&value)
    {
        let again: Value = serde_json::from_slice(&bytes).expect("canonical bytes are JSON");
        assert_eq!(again, value);
        assert_eq!(canonical::to_bytes(&again).unwrap(), bytes);
    }
    if let Ok(entry) = Entry::from_body(input.body) {
        entry_reads_back(entry, input.body);
    }
    if let Ok(text) = std::str::from_utf8(input.body) {
        reads_back::<RecordId>(text);
        reads_back::<Timestamp>(text);
        reads_back::<Dialect>(text);
        reads_back::<Outcome>(text);
        reads_back::<Task>(text);
    }
}

/// An entry that was read can be written, and what is written is the same entry in the same bytes again; and whatever is
/// filed under its leaf, verification has an answer.
fn entry_reads_back(entry: Entry, body: &[u8]) {
    let Ok(bytes) = entry.to_body() else { return };
    let again = Entry::from_body(&bytes).expect("a body can be read");
    assert_eq!(again, entry);
    assert_eq!(again.to_body().unwrap(), bytes);
    let key = Signer::new("waymark/fuzz", &[7; 32]).unwrap().verifier();
    let Ok(leaf) = Leaf::new(entry, [3; 32]) else { return };
    let statement = leaf.statement;
    for body in [&leaf.body[..], body] {
        let stored = StoredLeaf {
            record: statement.record.as_bytes().to_vec(),
            part: i64::from(statement.part),
            kind: i64::from(statement.kind.number()),
            commitment: statement.commitment.to_vec(),
            hash: statement.hash().to_vec(),
            body: Some((leaf.salt.to_vec(), body.to_vec())),
            ..StoredLeaf::default()
        };
        let mut verifier = Verifier::new(key.clone(), Absences::default(), Vec::new());
        let _ = verifier.leaf(&stored, |_| ());
    }
}

fn reads_back<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().unwrap(), value);
    }
}
