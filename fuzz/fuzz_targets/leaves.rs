//! Leaves, canonical bytes, and the small texts that stand in them.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde_json::Value;
use waymark_fuzz::Input;
use waymark_ledger::{Entry, Verifier, canonical, note::Signer};
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
    if let Ok(entry) = Entry::from_leaf(input.body) {
        leaf(&entry, input.body);
    }
    if let Ok(text) = std::str::from_utf8(input.body) {
        reads_back::<RecordId>(text);
        reads_back::<Timestamp>(text);
        reads_back::<Dialect>(text);
        reads_back::<Outcome>(text);
        reads_back::<Task>(text);
    }
}

/// An entry that was read can be written, and what is written is the same entry in the same bytes again.
fn leaf(entry: &Entry, body: &[u8]) {
    let Ok(bytes) = entry.to_leaf() else { return };
    let again = Entry::from_leaf(&bytes).expect("a leaf can be read");
    assert_eq!(&again, entry);
    assert_eq!(again.to_leaf().unwrap(), bytes);
    let key = Signer::new("waymark/fuzz", &[7; 32]).unwrap().verifier();
    let mut verifier = Verifier::new(key);
    let _ = verifier.leaf(entry.record().as_bytes(), body, |_| ());
}

fn reads_back<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().unwrap(), value);
    }
}
