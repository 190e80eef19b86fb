//! What clients saw, against what is on record.

use std::collections::BTreeSet;

use serde_json::Value;
use waymark_testkit::{Http, Waymark};

use super::asks::Got;

/// Records whose proof is looked at in the end.
const PROVEN: usize = 20;

/// What clients saw so far.
#[derive(Debug, Default)]
pub(super) struct Books {
    asked: usize,
    got: Vec<Got>,
    /// Those of `got` from here on may have been open when last looked at.
    unsettled: BTreeSet<usize>,
    /// Leaves that belong to no record.
    others: Option<u64>,
}

/// What `verify` says of a ledger that is clean.
#[derive(Debug)]
pub(super) struct Verified {
    size: u64,
    records: u64,
    open: BTreeSet<String>,
    /// Entries that are durable and not under the tree yet.
    pending: u64,
}

impl Verified {
    /// Verifies the ledger; anything but a clean one fails the test.
    pub(super) fn of(waymark: &Waymark) -> Self {
        let output = waymark.run(&["verify", "--json"]);
        assert_eq!(output.code, Some(0), "{output:?}");
        let told: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(told["verified"], true, "{told}");
        let open = told["open"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
        let number = |name: &str| told[name].as_u64().unwrap();
        Self {
            size: number("size"),
            records: number("records"),
            open: open.collect(),
            pending: number("pending"),
        }
    }

    /// Whether nothing is open and nothing waits.
    pub(super) fn is_settled(&self) -> bool {
        self.open.is_empty() && self.pending == 0
    }
}

impl Books {
    /// Takes in what clients got in a round, how the ledger then stood, and compares both with what a running gateway
    /// says. `restarted`: whether gateways have been started since, which closes what was open.
    pub(super) fn enter(
        &mut self,
        asked: usize,
        got: Vec<Got>,
        stood: &Verified,
        gateway: Http,
        restarted: bool,
    ) {
        self.asked += asked;
        self.unsettled.extend(self.got.len()..self.got.len() + got.len());
        self.got.extend(got);
        assert!(stood.records <= self.asked as u64, "more records than were asked for: {stood:?}");
        for at in std::mem::take(&mut self.unsettled) {
            let got = &self.got[at];
            let Some(record) = &got.record else { continue };
            let was_open = stood.open.contains(record);
            check(got, &told(gateway, record), was_open, restarted);
            if told(gateway, record)["outcome"].is_null() {
                self.unsettled.insert(at);
            }
        }
    }

    /// Compares all there ever was with what is on record in the end, when nothing is open any more; says how much that
    /// was.
    pub(super) fn close(&self, gateway: Http, waymark: &Waymark) -> String {
        let (whole, cut): (Vec<&Got>, Vec<&Got>) =
            self.got.iter().filter(|got| got.record.is_some()).partition(|got| got.is_whole());
        let refused = self.got.iter().filter(|got| got.record.is_none() && got.status != 0).count();
        assert!(!whole.is_empty() && !cut.is_empty(), "the faults missed");
        let named = || self.got.iter().filter_map(|got| Some((got, got.record.as_ref()?)));
        let distinct: BTreeSet<&String> = named().map(|(_, record)| record).collect();
        assert_eq!(distinct.len(), whole.len() + cut.len(), "two answers name one record");
        for (got, record) in named() {
            check(got, &told(gateway, record), false, false);
        }
        for (_, record) in named().step_by(1 + distinct.len() / PROVEN) {
            let why = waymark.why(record);
            assert_eq!(why["proof"]["verified"], true, "{why}");
        }
        format!("{} asked: {} whole, {} cut off, {refused} refused", self.asked, whole.len(), cut.len())
    }

    /// Two leaves a record, and besides only those there were from the beginning.
    pub(super) fn count(&mut self, stood: &Verified) {
        assert!(stood.is_settled(), "{stood:?}");
        let others = stood.size.checked_sub(2 * stood.records).unwrap();
        assert_eq!(*self.others.get_or_insert(others), others, "leaves that belong to no record: {stood:?}");
    }
}

/// What a gateway says of a record, which must be there.
fn told(gateway: Http, record: &str) -> Value {
    let response = gateway.get(&format!("/admin/records/{record}"), &[]);
    assert_eq!(response.status, 200, "{record}: {}", response.text());
    let told = response.json();
    assert_eq!(told["record"], record);
    told
}

fn check(got: &Got, told: &Value, was_open: bool, restarted: bool) {
    let outcome = told["outcome"].as_str();
    let is_well = got.is_well(outcome);
    if got.is_whole() {
        assert!(!was_open && is_well, "{got:?} came whole and its record says {outcome:?}: {told}");
    } else if was_open && restarted {
        assert_eq!(outcome, Some("interrupted"), "{got:?} was cut off, its record open: {told}");
    }
    assert!(!(got.is_held() && is_well), "{got:?} never ended upstream: {told}");
}
