//! A ledger copied from store to store: everything, or nothing that is called a success.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use waymark_ledger::{Dropped, Entry, Erased, Erasure, Retention, Week, cosignature};
use waymark_store::{Address, Copied, CopyError, Effect, LedgerStore, StoreError, copy, explain};
use waymark_testkit::Random;
use waymark_types::{RecordId, Timestamp};

use crate::outside::Outside;
use crate::samples::{Bench, Home, completion, feedback, intent, record, request, response, signer, subject};

/// Enough for a whole tile, over several weeks.
const RECORDS: u8 = 135;

fn late(n: u8) -> (RecordId, Timestamp) {
    let recorded = Timestamp::from_micros(1_800_000_000_000_000 + i64::from(n) * 1_000);
    (RecordId::new(recorded, [n; 10]), recorded)
}

async fn erase(bench: &Bench, n: u8, erased: Erased) {
    let effect = match &erased {
        Erased::Record(record) => Effect::EraseRecord(*record),
        Erased::Subject(id) => Effect::EraseSubject(id.clone()),
    };
    let (record, recorded) = late(n);
    bench
        .append(vec![Entry::Erasure(Erasure { record, recorded, erased, reason: None })], vec![effect])
        .await;
}

async fn drop_week(bench: &Bench, n: u8, week: Week, dropped: Dropped) {
    let (record, recorded) = late(n);
    let entry = Entry::Retention(Retention { record, recorded, week: week.0, dropped });
    bench.append(vec![entry], vec![Effect::Drop(week, dropped)]).await;
}

async fn cosign(bench: &Bench, name: &str) {
    let witness = cosignature::Signer::new(name, &[8; 32]).unwrap();
    let newest = bench.store.newest_checkpoint().await.unwrap().unwrap();
    let text = newest.note.split_once("\n\n").unwrap().0;
    let line = witness.sign(&format!("{text}\n"), 1_700_000_000);
    bench.store.cosign(newest.size, &witness.verifier(), &line).await.unwrap();
}

async fn weeks(bench: &Bench) -> Vec<Week> {
    bench.store.weeks().await.unwrap().into_keys().collect()
}

/// A ledger with something in every table, and something gone from every table that lets go.
async fn with_everything(bench: &Bench) {
    bench.fill(RECORDS).await;
    cosign(bench, "witness/b").await;
    cosign(bench, "witness/A").await;
    let weeks = weeks(bench).await;
    assert!(weeks.len() >= 4, "{weeks:?}");
    drop_week(bench, 1, weeks[0], Dropped::Records).await;
    drop_week(bench, 2, weeks[1], Dropped::Payloads).await;
    erase(bench, 3, Erased::Record(record(120))).await;
    let (said, code) = feedback(118);
    bench.append(vec![said], vec![code]).await;
}

/// What happens to a ledger after a backup: it grows, and what it held goes.
async fn live_on(bench: &Bench) {
    bench.append(vec![completion(RECORDS)], response(RECORDS)).await;
    for n in (151..200).step_by(2) {
        bench.append(vec![intent(n), completion(n)], [request(n), response(n)].concat()).await;
    }
    bench.append(vec![intent(211)], request(211)).await;
    cosign(bench, "witness/b").await;
    let weeks = weeks(bench).await;
    drop_week(bench, 11, weeks[0], Dropped::Records).await;
    drop_week(bench, 12, weeks[1], Dropped::Payloads).await;
    erase(bench, 13, Erased::Record(record(119))).await;
    erase(bench, 14, Erased::Subject(subject(0).id().to_owned())).await;
    bench.store.erase_payloads_of(subject(0).id()).await.unwrap();
}

/// A place for a copy, with nothing in it but tables.
async fn empty(is_postgres: bool) -> Bench {
    if is_postgres { Bench::postgres().await } else { Bench::sqlite().await }
}

async fn copied(from: &Bench, to: &Address) -> Result<Copied, CopyError> {
    let source = LedgerStore::open_to_read(&from.home.address()).await.unwrap();
    let copied = copy(&source, to, &signer().verifier(), &mut |_| ()).await;
    source.close().await.unwrap();
    copied
}

/// Every row of every table, told alike by every database.
async fn rows(bench: &Bench) -> Vec<String> {
    let mut outside = Outside::of(bench).await;
    let mut all = Vec::new();
    let reader = LedgerStore::open_to_read(&bench.home.address()).await.unwrap();
    let mut tables = vec![
        ("ledger".to_owned(), "origin"),
        ("leaves".to_owned(), "leaf_index,@record,part,kind,@commitment,@hash"),
        ("nodes".to_owned(), "level,position,@hash"),
        ("checkpoints".to_owned(), "size,note"),
        ("cosignatures".to_owned(), "size,witness,line"),
        ("bodies".to_owned(), "@record,part,@salt,@body"),
        ("open_records".to_owned(), "@record,gateway"),
        ("subjects".to_owned(), "id,name,@key"),
        ("pending".to_owned(), "@record,part,kind,@commitment,@mac"),
    ];
    for (week, there) in reader.weeks().await.unwrap() {
        for table in there.there {
            let columns = match table.as_str() {
                "bodies" => "@record,part,@salt,@body",
                "records" => "@record,principal,client,session,repository,route,model,outcome",
                "salts" => "@record,@salt",
                "emissions" => "@record,@emissions",
                "marks" => "mark,@record",
                _ => "@record,part,@text",
            };
            tables.push((format!("{table}_{}", week.0), columns));
        }
    }
    let is_sqlite = matches!(outside, Outside::Sqlite(_));
    for (table, columns) in tables {
        let shown = columns.split(',').map(|column| match (column.strip_prefix('@'), is_sqlite) {
            (Some(column), true) => format!("lower(hex({column}))"),
            (Some(column), false) => format!("encode({column}, 'hex')"),
            (None, true) => format!("coalesce(CAST({column} AS TEXT), '-')"),
            (None, false) => format!("coalesce({column}::text, '-')"),
        });
        let shown: Vec<String> = shown.collect();
        let found = outside.read(&format!("SELECT {} FROM {table}", shown.join(", "))).await;
        let mut found: Vec<String> =
            found.into_iter().map(|row| format!("{table}: {}", row.join("|"))).collect();
        found.sort();
        all.push(format!("{table} has {}", found.len()));
        all.extend(found);
    }
    all
}

#[track_caller]
fn assert_same(ours: &[String], theirs: &[String]) {
    let first = ours.iter().zip(theirs).find(|(ours, theirs)| ours != theirs);
    assert_eq!((first, ours.len()), (None, theirs.len()));
}

/// Whole into nothing; once more, which changes nothing; and brought up to date after the source grew and let go.
async fn goes_over(from_postgres: bool, to_postgres: bool) {
    let (from, to) = (empty(from_postgres).await, empty(to_postgres).await);
    with_everything(&from).await;
    to.store.close().await.unwrap();
    let address = to.home.address();
    let first = copied(&from, &address).await.unwrap();
    assert_eq!((first.size, first.added, first.removed), (276, 276, 0));
    assert_same(&rows(&from).await, &rows(&to).await);
    assert_eq!(to.clean().await, from.clean().await);
    let again = copied(&from, &address).await.unwrap();
    assert_eq!((again.added, again.removed), (0, 0));

    let reader = LedgerStore::open_to_read(&address).await.unwrap();
    let key = *reader.known("ann").await.unwrap().unwrap().key();
    reader.close().await.unwrap();
    assert!(holds(&to, &key) && holds(&to, &[119; 32]));
    live_on(&from).await;
    let later = copied(&from, &address).await.unwrap();
    assert_eq!((later.size, later.added), (332, 56));
    assert!(later.removed > 0);
    assert_same(&rows(&from).await, &rows(&to).await);
    // What was erased is not only gone from the copy's tables: no file of it holds it.
    assert!(later.left.iter().all(|left| left.contains("wal_recycle")), "{:?}", later.left);
    assert!(!holds(&to, &key) && !holds(&to, &[119; 32]));

    // A ledger goes on where its copy is.
    let moved = to.beside("moved").await;
    let told = explain(&moved, &signer().verifier(), record(121)).await.unwrap().unwrap();
    assert!(told.proof.unwrap().verified);
    let leaves = [crate::samples::leaf(completion(211))];
    moved.append(&leaves, &response(211), &to.log).await.unwrap();
    moved.seal(&to.log).await.unwrap();
    assert_eq!(to.clean().await.size, 333);
    assert!(matches!(copied(&from, &address).await, Err(CopyError::Differs(_))));
}

/// Whether a SQLite copy's files hold these bytes. A server's files are not this process's to read.
fn holds(bench: &Bench, bytes: &[u8]) -> bool {
    let Home::Sqlite(dir) = &bench.home else {
        let digits = waymark_ledger::commitment::hex(bytes);
        let dumped = bench.home.sql("SELECT encode(key, 'hex') FROM subjects").unwrap()
            + &(0..=255_u8)
                .filter(|n| bytes == [*n; 32])
                .map(|n| {
                    let table = format!("salts_{}", Week::of(&record(n)).0);
                    bench.home.sql(&format!("SELECT encode(salt, 'hex') FROM {table}")).unwrap_or_default()
                })
                .collect::<String>();
        return dumped.contains(&digits);
    };
    // A closing store's log may go at this moment.
    let files =
        std::fs::read_dir(dir.path()).unwrap().flatten().filter_map(|file| std::fs::read(file.path()).ok());
    let files: Vec<Vec<u8>> = files.collect();
    files.into_iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
}

#[tokio::test]
async fn from_sqlite_to_sqlite() {
    goes_over(false, false).await;
}

#[tokio::test]
async fn from_sqlite_to_postgres() {
    goes_over(false, true).await;
}

#[tokio::test]
async fn from_postgres_to_sqlite() {
    goes_over(true, false).await;
}

#[tokio::test]
async fn from_postgres_to_postgres() {
    goes_over(true, true).await;
}

/// Polls a copy a number of times and drops it, wherever it is then; whether it was done.
async fn cut_off(from: &Bench, to: &Address, polls: usize) -> bool {
    let mut copying = pin!(copied(from, to));
    for _ in 0..polls {
        if let Poll::Ready(done) = copying.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            done.unwrap();
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Cut off anywhere, in the first copy or in bringing it up to date, it is no ledger that anybody could go on with, or a
/// whole one; and the next one ends it.
async fn is_taken_up_where_it_was_cut_off(is_postgres: bool) {
    let seed = Random::seed();
    let mut random = Random::seeded(seed);
    let (from, to) = (Bench::sqlite().await, empty(is_postgres).await);
    with_everything(&from).await;
    to.store.close().await.unwrap();
    let address = to.home.address();
    for round in 0..8 {
        if round == 4 {
            live_on(&from).await;
        }
        if !cut_off(&from, &address, random.below(6_000)).await {
            let store = to.beside("").await;
            let size = store.size().await.unwrap();
            let newest = store.newest_checkpoint().await.unwrap().map_or(0, |newest| newest.size);
            assert!(newest <= size, "seed {seed}: a checkpoint of what is not there");
            store.close().await.unwrap();
        }
    }
    copied(&from, &address).await.unwrap();
    assert_same(&rows(&from).await, &rows(&to).await);
}

#[tokio::test]
async fn a_copy_to_sqlite_is_taken_up_where_it_was_cut_off() {
    is_taken_up_where_it_was_cut_off(false).await;
}

#[tokio::test]
async fn a_copy_to_postgres_is_taken_up_where_it_was_cut_off() {
    is_taken_up_where_it_was_cut_off(true).await;
}

#[tokio::test]
async fn a_target_that_is_no_beginning_of_the_ledger_is_refused_and_left_alone() {
    let from = Bench::sqlite().await;
    from.fill(3).await;
    // Another ledger.
    let other = Bench::sqlite().await;
    other.home.sql("UPDATE ledger SET origin = 'waymark/other'").unwrap();
    // A longer one, and one that went another way.
    let (longer, forked) = (Bench::sqlite().await, Bench::sqlite().await);
    longer.fill(9).await;
    forked.append(vec![intent(77), completion(77)], [request(77), response(77)].concat()).await;
    for (bench, words) in [
        (&other, "the ledger waymark/other"),
        (&longer, "it has 20 leaves, and the source has 8"),
        (&forked, "table leaves, row of leaf_index 0"),
    ] {
        let before = rows(bench).await;
        let refused = copied(&from, &bench.home.address()).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
        assert_same(&before, &rows(bench).await);
    }
    // A row of the copy that was changed.
    let copy = Bench::sqlite().await;
    copied(&from, &copy.home.address()).await.unwrap();
    copy.home.sql("UPDATE bodies SET salt = zeroblob(32)").unwrap();
    let refused = copied(&from, &copy.home.address()).await.unwrap_err();
    assert!(refused.to_string().contains("table bodies, row of record"), "{refused}");
}

#[tokio::test]
async fn another_key_s_ledger_is_not_copied() {
    let (from, to) = (Bench::sqlite().await, Bench::sqlite().await);
    from.fill(1).await;
    let source = LedgerStore::open_to_read(&from.home.address()).await.unwrap();
    let key = waymark_ledger::note::Signer::new("waymark/other", &[5; 32]).unwrap().verifier();
    let refused = copy(&source, &to.home.address(), &key, &mut |_| ()).await;
    assert!(matches!(refused, Err(CopyError::Source(StoreError::OtherLedger { .. }))), "{refused:?}");
}

/// A damaged source never makes a copy that is called one, and never takes from one that is whole.
#[tokio::test]
async fn a_damaged_source_is_no_success() {
    let week = Week::of(&record(130)).0;
    for change in [
        "UPDATE leaves SET commitment = zeroblob(32) WHERE leaf_index = 7".to_owned(),
        "DELETE FROM nodes".to_owned(),
        "DELETE FROM subjects".to_owned(),
        format!("DELETE FROM salts_{week}"),
        "UPDATE checkpoints SET note = replace(note, 'waymark', 'wAymark')".to_owned(),
    ] {
        let (from, whole, new) = (Bench::sqlite().await, Bench::postgres().await, Bench::sqlite().await);
        with_everything(&from).await;
        copied(&from, &whole.home.address()).await.unwrap();
        let before = rows(&whole).await;
        from.home.sql(&change).unwrap();
        let refused = copied(&from, &whole.home.address()).await;
        assert!(matches!(refused, Err(CopyError::BadSource(_))), "{change}: {refused:?}");
        assert_same(&before, &rows(&whole).await);
        let refused = copied(&from, &new.home.address()).await;
        assert!(
            matches!(refused, Err(CopyError::BadCopy(_) | CopyError::BadSource(_))),
            "{change}: {refused:?}"
        );
    }
}

/// No verification can tell that a text is missing which need not have been kept; a copy that has it can.
#[tokio::test]
async fn texts_that_nothing_erased_are_not_taken_from_a_copy() {
    let week = Week::of(&record(130)).0;
    for change in [format!("DELETE FROM texts_{week}"), format!("DROP TABLE texts_{week}")] {
        let (from, to) = (Bench::sqlite().await, Bench::sqlite().await);
        with_everything(&from).await;
        copied(&from, &to.home.address()).await.unwrap();
        let before = rows(&to).await;
        from.home.sql(&change).unwrap();
        let refused = copied(&from, &to.home.address()).await.unwrap_err();
        assert!(format!("{refused:?}").contains("nothing there erased them"), "{change}: {refused:?}");
        assert_same(&before, &rows(&to).await);
    }
}

/// What waits goes to where it may wait, and keeps the copy from anywhere else.
#[tokio::test]
async fn entries_that_wait_wait_on_or_are_asked_to_be_sealed() {
    let (from, to, file) = (Bench::postgres().await, Bench::postgres().await, Bench::sqlite().await);
    from.fill(3).await;
    from.wait(vec![completion(3), intent(5)], [response(3), request(5)].concat()).await;
    let refused = copied(&from, &file.home.address()).await;
    assert!(matches!(refused, Err(CopyError::Waiting(2))), "{refused:?}");
    assert_eq!(copied(&from, &to.home.address()).await.unwrap().pending, 2);
    assert_same(&rows(&from).await, &rows(&to).await);
    from.store.seal(&from.log).await.unwrap();
    assert_eq!(copied(&from, &to.home.address()).await.unwrap().pending, 0);
    copied(&from, &file.home.address()).await.unwrap();
    assert_same(&rows(&from).await, &rows(&file).await);
    assert_same(&rows(&from).await, &rows(&to).await);
}
