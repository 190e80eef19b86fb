//! Every single-byte change to anything stored makes verification fail and name the place.

use proptest::prelude::*;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use waymark_ledger::Fault;
use waymark_store::{StoreError, Verdict, verify};

use crate::samples::{Bench, signer};

/// A stored value: its table, column, the condition that finds its row, and its bytes.
#[derive(Debug, Clone)]
struct Cell {
    table: &'static str,
    column: &'static str,
    row: String,
    bytes: Vec<u8>,
}

const COLUMNS: [(&str, &str, &str); 11] = [
    ("entries", "record", "'leaf_index = ' || leaf_index"),
    ("entries", "kind", "'leaf_index = ' || leaf_index"),
    ("entries", "body", "'leaf_index = ' || leaf_index"),
    ("nodes", "hash", "'level = ' || level || ' AND position = ' || position"),
    ("checkpoints", "note", "'size = ' || size"),
    ("open_records", "record", "'leaf_index = ' || leaf_index"),
    ("payloads", "record", "'hex(salt) = ''' || hex(salt) || ''''"),
    ("payloads", "salt", "'hex(record) = ''' || hex(record) || ''''"),
    ("payloads", "request", "'hex(record) = ''' || hex(record) || ''''"),
    ("payloads", "response", "'hex(record) = ''' || hex(record) || ''''"),
    ("open_records", "leaf_index", "'hex(record) = ''' || hex(record) || ''''"),
];

async fn cells(connection: &mut SqliteConnection) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (table, column, row) in COLUMNS {
        let text = format!("SELECT {row}, CAST({column} AS BLOB) FROM {table} WHERE {column} IS NOT NULL");
        for found in sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut *connection).await.unwrap() {
            cells.push(Cell { table, column, row: found.get(0), bytes: found.get(1) });
        }
    }
    cells
}

async fn set(connection: &mut SqliteConnection, cell: &Cell, bytes: &[u8]) -> bool {
    let value = match cell.column {
        "kind" | "note" => "CAST(? AS TEXT)",
        "leaf_index" => "CAST(CAST(? AS TEXT) AS INTEGER)",
        _ => "?",
    };
    let text = format!("UPDATE {} SET {} = {value} WHERE {}", cell.table, cell.column, cell.row);
    sqlx::query(sqlx::AssertSqlSafe(text)).bind(bytes).execute(connection).await.is_ok()
}

/// Whether the fault names the row that was changed.
fn names(fault: &Fault, cell: &Cell) -> bool {
    match (cell.table, fault) {
        ("entries", Fault::Record { leaf_index, .. }) => cell.row == format!("leaf_index = {leaf_index}"),
        ("nodes", Fault::Node { at, .. }) => {
            cell.row == format!("level = {} AND position = {}", at.level, at.index)
        }
        ("checkpoints", Fault::Checkpoint { size, .. }) => cell.row == format!("size = {size}"),
        ("open_records", Fault::Table { name, .. }) => *name == "open_records",
        ("payloads", Fault::Record { record, .. }) => {
            let id = record.map(|record| waymark_ledger::commitment::hex(record.as_bytes()).to_uppercase());
            cell.column == "record" || id.is_some_and(|id| cell.row.contains(&id))
        }
        _ => false,
    }
}

async fn check(bench: &Bench, connection: &mut SqliteConnection, cell: &Cell, at: usize, bit: u8) -> bool {
    let mut changed = cell.bytes.clone();
    changed[at] ^= 1 << bit;
    if cell.column == "leaf_index" && !changed.iter().all(u8::is_ascii_digit) {
        return false;
    }
    if !set(connection, cell, &changed).await {
        return false;
    }
    let verdict = verify(&bench.store, &signer().verifier(), &[], &mut |_| ()).await;
    let place = format!("{}.{} where {} byte {at} bit {bit}", cell.table, cell.column, cell.row);
    match verdict {
        Ok(Verdict::Bad(fault)) => assert!(names(&fault, cell), "{place}: named {fault}"),
        Ok(Verdict::Clean(_)) => panic!("{place}: not noticed"),
        Err(StoreError::Damaged(_)) => {}
        Err(error) => panic!("{place}: {error}"),
    }
    assert!(set(connection, cell, &cell.bytes).await);
    true
}

fn run(test: impl AsyncFnOnce(Bench, SqliteConnection)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut bench = Bench::new().await;
        bench.fill(9).await;
        let url = format!("sqlite://{}", bench.path().display());
        let connection = SqliteConnection::connect(&url).await.unwrap();
        test(bench, connection).await;
    });
}

#[test]
fn every_stored_value_is_covered() {
    run(async |bench, mut connection| {
        let (mut changes, cells) = (0, cells(&mut connection).await);
        for cell in &cells {
            for at in [0, cell.bytes.len() / 2, cell.bytes.len() - 1] {
                changes += usize::from(check(&bench, &mut connection, cell, at, (at % 7) as u8).await);
            }
        }
        assert!(changes > cells.len() * 2, "{changes} changes of {} values", cells.len());
        let verdict = verify(&bench.store, &signer().verifier(), &[], &mut |_| ()).await.unwrap();
        assert!(matches!(verdict, Verdict::Clean(_)), "the changes were not undone: {verdict:?}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_byte_of_any_stored_value_is_covered(picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..8), 40)) {
        run(async |bench, mut connection| {
            let cells = cells(&mut connection).await;
            for (cell, byte, bit) in picks {
                let cell = &cells[cell.index(cells.len())];
                check(&bench, &mut connection, cell, byte.index(cell.bytes.len()), bit).await;
            }
        });
    }
}

/// Rows taken away or added are noticed as well as rows changed.
#[test]
fn missing_and_surplus_rows_are_noticed() {
    for statement in [
        "DELETE FROM entries WHERE leaf_index = 5",
        "DELETE FROM entries WHERE leaf_index = (SELECT max(leaf_index) FROM entries)",
        "UPDATE entries SET leaf_index = 1000 WHERE leaf_index = 5",
        "DELETE FROM nodes WHERE level = 1 AND position = 0",
        "INSERT INTO nodes VALUES (30, 0, x'00')",
        "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)",
        "INSERT INTO checkpoints VALUES (500, 'x')",
        "UPDATE checkpoints SET size = size + 1",
        "DELETE FROM open_records",
        "INSERT INTO open_records VALUES (x'00', 1)",
        "UPDATE open_records SET leaf_index = 1",
        "DELETE FROM payloads WHERE record = (SELECT min(record) FROM payloads)",
        "INSERT INTO payloads (record, salt) VALUES (x'00', x'00')",
        "UPDATE entries SET leaf_index = -leaf_index WHERE leaf_index = 3",
    ] {
        run(async |bench, mut connection| {
            sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
            let verdict = verify(&bench.store, &signer().verifier(), &[], &mut |_| ()).await;
            assert!(!matches!(verdict, Ok(Verdict::Clean(_))), "{statement}: {verdict:?}");
        });
    }
}
