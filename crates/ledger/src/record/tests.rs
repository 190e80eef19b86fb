use std::path::Path;

use schemars::generate::SchemaSettings;

use super::*;
use crate::samples::{self, completion, intent, place};

fn page() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<Record>();
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/record.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let again = "run `UPDATE=1 cargo test -p waymark-ledger schema`";
    assert!(written == page(), "docs/schema/record.schema.json is out of date: {again}");
}

#[test]
fn halves_are_joined_across_each_other() {
    let mut join = Join::new("waymark/test");
    let [first, second] = [intent(1), intent(2)].map(Entry::Intent);
    let [first_end, second_end] = [completion(1), completion(2)].map(Entry::Completion);
    assert_eq!(join.push(first, place(0)), None);
    assert_eq!(join.push(second, place(1)), None);
    let whole = join.push(second_end, place(2)).unwrap();
    assert_eq!(whole.record, samples::id(2));
    assert_eq!(whole.leaves, Places { intent: place(1), completion: Some(place(2)) });
    assert_eq!(join.push(first_end, place(3)).map(|record| record.record), Some(samples::id(1)));
    assert_eq!(join.finish().count(), 0);
}

#[test]
fn an_open_record_has_no_completion_and_a_completion_alone_is_no_record() {
    let mut join = Join::new("waymark/test");
    assert_eq!(join.push(Entry::Completion(completion(1)), place(0)), None);
    join.push(Entry::Intent(intent(2)), place(1));
    let open: Vec<Record> = join.finish().collect();
    assert_eq!((open.len(), &open[0].completion, &open[0].leaves.completion), (1, &None, &None));
}

#[test]
fn a_half_of_an_exported_record_is_what_its_leaf_stands_for() {
    let line = serde_json::to_string(&samples::record(1)).unwrap();
    let read: Record = serde_json::from_str(&line).unwrap();
    assert_eq!(read, samples::record(1));
    let (written, exported) = (Entry::Completion(completion(1)), Entry::Completion(read.completion.unwrap()));
    assert_eq!(exported.to_body().unwrap(), written.to_body().unwrap());
}
