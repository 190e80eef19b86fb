//! Whatever is changed in the database by somebody without the key is found, and the right place named; and a ledger that
//! nobody touched is never suspected.

use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::note::Signer;
use waymark_ledger::tree::leaf_hash;
use waymark_ledger::{Dropped, Entry, Erased, Erasure, Fault, Leaf, Retention, Saved, Week};
use waymark_store::{Effect, StoreError, Verdict};
use waymark_testkit::Random;
use waymark_types::{RecordId, Timestamp};

use crate::on_every_store;
use crate::outside::{Cell, Kind, Outside};
use crate::samples::{Bench, Home, completion, intent, leaf, record, request, response, signer};

on_every_store!(
    every_stored_value_is_covered,
    rows_taken_away_added_and_swapped_are_noticed,
    a_record_rewritten_with_everything_that_follows_from_it_is_noticed,
    a_truncated_tail_is_a_rollback,
    another_history_under_the_same_key_is_a_fork,
    a_checkpoint_that_is_not_the_ledgers_is_refused,
    nobody_is_suspected,
);

/// Enough leaves for whole tiles, over several weeks.
const RECORDS: u8 = 135;

/// Whether the fault names what was changed.
fn names(fault: &Fault, cell: &Cell) -> bool {
    let family = cell.table.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
    match (family, fault) {
        ("leaves", Fault::Checkpoint { .. }) => cell.column == "leaf_index",
        ("leaves", Fault::Record { leaf_index, .. }) => {
            cell.column == "leaf_index" || cell.row == format!("leaf_index = {leaf_index}")
        }
        ("bodies" | "salts" | "texts" | "records" | "emissions", Fault::Record { record, .. }) => {
            let id = record.map(|record| waymark_ledger::commitment::hex(record.as_bytes()));
            id.is_some_and(|id| cell.row.to_lowercase().contains(&id))
        }
        // A row whose key was changed is missing at one place and too many at another.
        ("bodies" | "salts" | "texts" | "records" | "emissions", Fault::Table { name, .. }) => {
            *name == cell.table && (["record", "part"].contains(&cell.column.as_str()) || family == "records")
        }
        ("nodes", Fault::Node { at, .. }) => {
            cell.column != "hash" || cell.row == format!("level = {} AND position = {}", at.level, at.index)
        }
        ("nodes", Fault::Table { name, .. }) => name == "nodes",
        ("checkpoints", Fault::Checkpoint { .. }) => true,
        ("checkpoints", Fault::Table { name, .. }) => name == "checkpoints",
        ("ledger" | "open_records" | "cosignatures" | "marks", Fault::Table { name, .. }) => {
            *name == cell.table
        }
        // A person's row decides over all their records: the first of them is named.
        ("subjects", Fault::Record { problem, .. }) => problem.contains("who asked"),
        _ => false,
    }
}

async fn check(bench: &Bench, outside: &mut Outside, cell: &Cell, at: usize, bit: u8) -> bool {
    let changed = match cell.kind {
        Kind::Number => {
            let number: i64 = String::from_utf8(cell.value.clone()).unwrap().parse().unwrap();
            let other = [number + 1, -number - 1, number + 1_000][at % 3];
            other.to_string().into_bytes()
        }
        _ => {
            let mut changed = cell.value.clone();
            changed[at] ^= 1 << bit;
            changed
        }
    };
    if cell.kind == Kind::Text && String::from_utf8(changed.clone()).is_err() {
        return false;
    }
    if !outside.set(cell, &cell.row, &changed).await {
        return false;
    }
    let place = format!("{}.{} where {} byte {at} bit {bit}", cell.table, cell.column, cell.row);
    match bench.verdict(&[]).await {
        Ok(Verdict::Bad(fault)) => assert!(names(&fault, cell), "{place}: named {fault}"),
        Ok(Verdict::Clean(_)) => panic!("{place}: not noticed"),
        Err(StoreError::Damaged(_)) => {}
        Err(error) => panic!("{place}: {error:?}"),
    }
    // Where the changed column is part of the key, the row is now found by its new value.
    let old = format!("{} = {}", cell.column, outside.literal(cell.kind, &cell.value));
    let new = format!("{} = {}", cell.column, outside.literal(cell.kind, &changed));
    let row = cell.row.replace(&old, &new);
    assert!(outside.set(cell, &row, &cell.value).await, "{place}: could not be undone");
    true
}

async fn every_stored_value_is_covered(bench: Bench) {
    bench.fill(RECORDS).await;
    let mut outside = Outside::of(&bench).await;
    let cells: Vec<Cell> = outside.cells().await;
    // All tables but those of the weeks in the middle, which are like the others.
    let weeks: std::collections::BTreeSet<&str> =
        cells.iter().filter_map(|cell| cell.table.strip_prefix("bodies_")).collect();
    let (first, last) = (weeks.first().unwrap().to_string(), weeks.last().unwrap().to_string());
    let mut changes = 0;
    for cell in &cells {
        let is_inner = weeks.iter().any(|week| cell.table.ends_with(week))
            && !cell.table.ends_with(&first)
            && !cell.table.ends_with(&last);
        if is_inner {
            continue;
        }
        let length = cell.value.len();
        let places = match bench.home {
            Home::Sqlite(_) => vec![0, length / 2, length.saturating_sub(1)],
            // Every look at a PostgreSQL ledger is a new connection: one place a value.
            Home::Postgres(..) => vec![length / 2],
        };
        for at in places {
            if length > 0 {
                changes += usize::from(check(&bench, &mut outside, cell, at, (at % 7) as u8).await);
            }
        }
    }
    assert!(changes > 80, "{changes} changes");
    bench.clean().await;
}

/// Rows taken away, added and exchanged are noticed as well as rows changed.
async fn rows_taken_away_added_and_swapped_are_noticed(bench: Bench) {
    bench.fill(RECORDS).await;
    let outside = Outside::of(&bench).await;
    let week = Week::of(&record(0)).0;
    let bytes = |outside: &Outside, value: &[u8]| outside.literal(Kind::Bytes, value);
    let (zero, id) = (bytes(&outside, &[0; 32]), bytes(&outside, record(0).as_bytes()));
    let swap = |table: &str, column: &str, key: &str, a: &str, b: &str| {
        let of_intents = if table.starts_with("bodies") { " AND part = 0" } else { "" };
        let other = |of: &str| format!("(SELECT {column} FROM {table} WHERE {key} = {of}{of_intents})");
        format!(
            "UPDATE {table} SET {column} = CASE {key} WHEN {a} THEN {} ELSE {} END WHERE {key} IN ({a}, {b}){of_intents}",
            other(b),
            other(a)
        )
    };
    let other = bytes(&outside, record(1).as_bytes());
    let statements = [
        "DELETE FROM leaves WHERE leaf_index = 5".to_owned(),
        "DELETE FROM leaves WHERE leaf_index = (SELECT max(leaf_index) FROM leaves)".to_owned(),
        "UPDATE leaves SET leaf_index = 1000 WHERE leaf_index = 5".to_owned(),
        "UPDATE leaves SET leaf_index = -leaf_index WHERE leaf_index = 3".to_owned(),
        swap("leaves", "hash", "leaf_index", "3", "4"),
        swap("leaves", "commitment", "leaf_index", "3", "4"),
        swap(&format!("salts_{week}"), "salt", "record", &id, &other),
        swap(&format!("bodies_{week}"), "body", "record", &id, &other),
        "DELETE FROM nodes".to_owned(),
        format!("INSERT INTO nodes (level, position, hash) VALUES (16, 0, {zero})"),
        "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)".to_owned(),
        "INSERT INTO checkpoints (size, note) VALUES (500, 'x')".to_owned(),
        "UPDATE checkpoints SET size = size + 1".to_owned(),
        "DELETE FROM open_records".to_owned(),
        format!("INSERT INTO open_records (record, gateway) VALUES ({id}, 'x')"),
        format!("DELETE FROM salts_{week} WHERE record = {id}"),
        format!("INSERT INTO salts_{week} (record, salt) VALUES ({zero}, {zero})"),
        format!("DELETE FROM bodies_{week} WHERE record = {id} AND part = 1"),
        format!("INSERT INTO bodies_{week} (record, part, salt, body) VALUES ({zero}, 0, {zero}, {zero})"),
        format!("DELETE FROM records_{week} WHERE record = {id}"),
        format!("UPDATE records_{week} SET model = NULL WHERE record = {id}"),
        "DELETE FROM subjects WHERE name = 'ann'".to_owned(),
        "DROP TABLE nodes".to_owned(),
        format!("DROP TABLE salts_{week}"),
    ];
    drop(outside);
    bench.store.close().await.unwrap();
    for statement in statements {
        let copy = bench.copy().await;
        let mut outside = Outside::of(&copy).await;
        outside.run(&statement).await.unwrap();
        let verdict = copy.verdict(&[]).await;
        assert!(!matches!(verdict, Ok(Verdict::Clean(_))), "{statement}: {verdict:?}");
    }
}

/// Somebody changes what a record says and everything that can be computed without the key: salt, commitment, leaf hash.
/// The signed checkpoints say that the leaves are others, and up to where they are not.
async fn a_record_rewritten_with_everything_that_follows_from_it_is_noticed(bench: Bench) {
    bench.fill(RECORDS).await;
    let mut outside = Outside::of(&bench).await;
    let leaf_index = 1 + 2 * 20;
    let Entry::Intent(mut forged) = intent(20) else { panic!("no intent") };
    forged.requested_model = Some("another".to_owned());
    let forged = Leaf::new(Entry::Intent(forged), [66; 32]).unwrap();
    let bytes = |value: &[u8]| outside.literal(Kind::Bytes, value);
    let week = Week::of(&record(20)).0;
    let id = bytes(record(20).as_bytes());
    let statements = [
        format!(
            "UPDATE bodies_{week} SET salt = {}, body = {} WHERE record = {id} AND part = 0",
            bytes(&forged.salt),
            bytes(&forged.body)
        ),
        format!(
            "UPDATE leaves SET commitment = {}, hash = {} WHERE leaf_index = {leaf_index}",
            bytes(&forged.statement.commitment),
            bytes(&forged.statement.hash())
        ),
    ];
    for statement in statements {
        assert_eq!(outside.run(&statement).await.unwrap(), 1);
    }
    let Verdict::Bad(fault) = bench.verdict(&[]).await.unwrap() else { panic!("not noticed") };
    assert!(matches!(fault, Fault::Checkpoint { size, .. } if size > leaf_index), "{fault}");
}

fn saved(note: &str) -> Saved {
    Saved::open("elsewhere", note, &signer().verifier()).unwrap()
}

/// The newest records are taken away with everything of theirs: the ledger is whole, and shorter than it was.
async fn a_truncated_tail_is_a_rollback(bench: Bench) {
    bench.fill(3).await;
    bench.store.close().await.unwrap();
    let older = bench.copy().await;
    let newer = bench.copy().await;
    newer.append(vec![completion(3)], response(3)).await;
    let kept = newer.store.newest_checkpoint().await.unwrap().unwrap().note;
    assert!(matches!(older.verdict(&[]).await.unwrap(), Verdict::Clean(_)));
    let Verdict::Bad(fault) = older.verdict(&[saved(&kept)]).await.unwrap() else { panic!("not noticed") };
    assert!(
        fault.to_string().contains("rolled back: the ledger has 8 leaves and its key signed 9"),
        "{fault}"
    );
    // The tail cut out of the newer one by hand.
    let mut outside = Outside::of(&newer).await;
    outside.run("DELETE FROM leaves WHERE leaf_index = 8").await.unwrap();
    assert!(matches!(newer.verdict(&[]).await.unwrap(), Verdict::Bad(_)));
}

/// Two servers went on from one copy: both histories are signed, and one of them was shown to somebody.
async fn another_history_under_the_same_key_is_a_fork(bench: Bench) {
    bench.fill(3).await;
    let agreed = bench.store.newest_checkpoint().await.unwrap().unwrap().note;
    bench.store.close().await.unwrap();
    let (shown, kept) = (bench.copy().await, bench.copy().await);
    shown.append(vec![completion(3)], response(3)).await;
    kept.append(vec![intent(9)], request(9)).await;
    let note = shown.store.newest_checkpoint().await.unwrap().unwrap().note;
    let verdict = kept.verdict(&[saved(&note), saved(&agreed)]).await.unwrap();
    let Verdict::Bad(fault) = verdict else { panic!("not noticed") };
    let told = fault.to_string();
    assert!(told.contains("forked") && told.contains("agree up to leaf 8"), "{told}");
}

/// A checkpoint in the newest one's place: signed by another key, an older one, one of another log.
async fn a_checkpoint_that_is_not_the_ledgers_is_refused(bench: Bench) {
    bench.fill(2).await;
    let older = bench.store.newest_checkpoint().await.unwrap().unwrap();
    bench.append(vec![completion(2)], response(2)).await;
    let frontier = bench.store.frontier(older.size + 1).await.unwrap();
    bench.store.close().await.unwrap();
    let (size, root) = (frontier.size(), frontier.root());
    let same_name = Signer::new("waymark/test", &[5; 32]).unwrap();
    let other_name = Signer::new("waymark/other", &[4; 32]).unwrap();
    for note in [
        Checkpoint::sign(size, &root, &same_name),
        Checkpoint::sign(size, &root, &other_name),
        Checkpoint::sign(size, &leaf_hash(b"other"), &signer()),
        Checkpoint::sign(size + 1, &root, &signer()),
        older.note,
        Checkpoint::sign(size, &root, &signer()).replace('\n', "\r\n"),
    ] {
        let copy = bench.copy().await;
        let mut outside = Outside::of(&copy).await;
        let note = outside.literal(Kind::Text, note.as_bytes());
        outside.run(&format!("UPDATE checkpoints SET note = {note} WHERE size = {size}")).await.unwrap();
        let Verdict::Bad(fault) = copy.verdict(&[]).await.unwrap() else { panic!("not noticed: {note}") };
        assert!(matches!(fault, Fault::Checkpoint { size: named, .. } if named == size), "{fault}");
        // Nor does a server sign on top of it.
        let refused = copy.store.append(&[leaf(intent(9))], &request(9), &copy.log).await;
        let sealed = copy.store.seal(&copy.log).await;
        assert!(refused.is_err() || sealed.is_err());
    }
}

/// A hundred ledgers of every shape, erased and aged here and there, are all clean.
async fn nobody_is_suspected(bench: Bench) {
    for seed in 0..100 {
        let (bench, mut random) = (bench.another().await, Random::seeded(seed));
        let mut dice = |sides: u64| random.bits() % sides;
        let records = dice(12) as u8;
        bench.fill(records).await;
        let ids = |n: u8| RecordId::new(Timestamp::from_micros(1_800_000_000_000_000), [n; 10]);
        let recorded = Timestamp::from_micros(1_800_000_000_000_000);
        if records > 2 && dice(3) == 0 {
            let victim = record(dice(u64::from(records)) as u8);
            let erased = Erased::Record(victim);
            let entry = Entry::Erasure(Erasure { record: ids(1), recorded, erased, reason: None });
            bench.append(vec![entry], vec![Effect::EraseRecord(victim)]).await;
        }
        let weeks: Vec<Week> = bench.store.weeks().await.unwrap().into_keys().collect();
        if let Some(week) = weeks.first().filter(|_| dice(3) == 0) {
            let dropped = if dice(2) == 0 { Dropped::Records } else { Dropped::Payloads };
            let entry = Entry::Retention(Retention { record: ids(2), recorded, week: week.0, dropped });
            bench.append(vec![entry], vec![Effect::Drop(*week, dropped)]).await;
        }
        if dice(2) == 0 {
            bench.wait(vec![intent(40), completion(40)], [request(40), response(40)].concat()).await;
        }
        match bench.verdict(&[]).await {
            Ok(Verdict::Clean(_)) => bench.store.close().await.unwrap(),
            other => panic!("seed {seed}: {other:?}"),
        }
    }
}
