//! Writing, reading back, proving and taking up again.

use sqlx::{Connection as _, SqliteConnection};
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::{Entry, Log, Saved};
use waymark_store::sqlite::SqliteStore;
use waymark_store::{LedgerStore, StoreError, Verdict, explain, verify};
use waymark_types::Outcome;

use crate::samples::{Bench, completion, intent, record, request, response, signer};

async fn verdict(store: &dyn LedgerStore, saved: Option<&str>) -> Verdict {
    verify(
        store,
        &signer().verifier(),
        &saved
            .map(|note| Saved::open("a file", note, &signer().verifier()).unwrap())
            .into_iter()
            .collect::<Vec<_>>(),
        &mut |_| (),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn an_empty_ledger_is_clean() {
    let bench = Bench::new().await;
    assert!(matches!(verdict(&bench.store, None).await, Verdict::Clean(verified) if verified.size == 0));
}

#[tokio::test]
async fn records_read_back_with_a_proof_that_holds() {
    let mut bench = Bench::new().await;
    bench.fill(20).await;
    for n in 0..20 {
        let told = explain(&bench.store, &signer().verifier(), record(n)).await.unwrap().unwrap();
        assert_eq!((told.record, told.outcome, told.class), (record(n), Some(Outcome::Succeeded), "ai"));
        assert_eq!(told.served_model.as_deref(), Some("small-1-2026"));
        let proof = told.proof.unwrap();
        assert!(proof.verified, "{proof:?}");
        assert_eq!(proof.tree_size, 42);
    }
    let open = explain(&bench.store, &signer().verifier(), record(20)).await.unwrap().unwrap();
    assert_eq!((open.outcome, open.class), (None, "unknown"));
    assert!(explain(&bench.store, &signer().verifier(), record(99)).await.unwrap().is_none());
    let Verdict::Clean(verified) = verdict(&bench.store, None).await else { panic!("not clean") };
    assert_eq!((verified.size, verified.completed, verified.open.len()), (42, 20, 1));
}

#[tokio::test]
async fn a_ledger_is_taken_up_where_it_was_left() {
    let mut bench = Bench::new().await;
    bench.fill(5).await;
    let size = bench.log.size();
    bench.store.close().await.unwrap();
    bench.store = SqliteStore::open(&bench.path).await.unwrap();
    bench.log = Log::new(signer(), bench.store.frontier().await.unwrap());
    assert_eq!(bench.log.size(), size);
    bench.append(vec![completion(5), intent(6)], &[response(5), request(6)]).await;
    assert!(matches!(verdict(&bench.store, None).await, Verdict::Clean(_)));
    assert_eq!(bench.store.open_records().await.unwrap(), [(record(6).as_bytes().to_vec(), size + 1)]);
}

#[tokio::test]
async fn a_batch_over_a_changed_ledger_is_refused_whole() {
    let mut bench = Bench::new().await;
    bench.fill(1).await;
    let stale = bench.log.stage(vec![Log::leaf(intent(7)).unwrap()]);
    bench.append(vec![completion(1)], &[]).await;
    let error = bench.store.commit(&stale, &[request(7)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { expected: 4, found: 5 }), "{error}");
    assert!(bench.store.record(record(7)).await.unwrap().is_empty());
    assert!(matches!(verdict(&bench.store, None).await, Verdict::Clean(_)));
}

#[tokio::test]
async fn a_saved_checkpoint_tells_growth_from_rewriting_and_rollback() {
    let mut bench = Bench::new().await;
    bench.fill(3).await;
    let saved = bench.store.newest_checkpoint().await.unwrap().unwrap().note;
    bench.append(vec![completion(3)], &[response(3)]).await;
    assert!(matches!(verdict(&bench.store, Some(&saved)).await, Verdict::Clean(_)));

    let later = bench.store.newest_checkpoint().await.unwrap().unwrap().note;
    let mut shorter = Bench::new().await;
    shorter.fill(3).await;
    let Verdict::Bad(fault) = verdict(&shorter.store, Some(&later)).await else { panic!("rollback missed") };
    assert_eq!(
        fault.to_string(),
        "checkpoint of size 9: rolled back: the ledger has 8 leaves and its key signed 9 (a file)"
    );

    let rewritten = Checkpoint::sign(8, &[7; 32], &signer());
    let Verdict::Bad(fault) = verdict(&bench.store, Some(&rewritten)).await else { panic!("rewrite missed") };
    assert!(fault.to_string().contains("forked: the key signed two histories of 8 leaves"), "{fault}");
}

#[tokio::test]
async fn large_batches_cross_the_limits_of_one_statement() {
    let mut bench = Bench::new().await;
    let mut entries: Vec<Entry> = Vec::new();
    let mut payloads = Vec::new();
    for n in 0..250 {
        entries.extend([intent(n), completion(n)]);
        payloads.extend([request(n), response(n)]);
    }
    bench.append(entries, &payloads).await;
    let Verdict::Clean(verified) = verdict(&bench.store, None).await else { panic!("not clean") };
    assert_eq!(verified.size, 500);
    let newest = bench.store.newest_records(2).await.unwrap();
    assert_eq!(newest.iter().map(|row| row.leaf_index).collect::<Vec<_>>(), [498, 499, 496, 497]);
}

#[tokio::test]
async fn a_reader_sees_the_moment_it_opened() {
    let mut bench = Bench::new().await;
    bench.fill(2).await;
    let reader = SqliteStore::open_to_read(bench.path()).await.unwrap();
    let before = bench.log.size();
    bench.append(vec![completion(2)], &[response(2)]).await;
    let Verdict::Clean(verified) = verdict(&reader, None).await else { panic!("not clean") };
    assert_eq!(verified.size, before);
    let missing = SqliteStore::open_to_read(&bench.path().with_extension("none")).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })));
}

/// SQLite rolls a transaction back by itself when the disk is full; a trigger does the same on command.
#[tokio::test]
async fn a_writer_that_failed_writes_again_once_it_can() {
    let mut bench = Bench::new().await;
    bench.fill(2).await;
    let url = format!("sqlite://{}", bench.path().display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON nodes BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END";
    sqlx::query(full).execute(&mut other).await.unwrap();
    for _ in 0..3 {
        let batch = bench.log.stage(vec![Log::leaf(completion(2)).unwrap()]);
        let error = bench.store.commit(&batch, &[]).await.unwrap_err();
        assert!(format!("{error:?}").contains("disk full"), "{error:?}");
    }
    sqlx::query("DROP TRIGGER full").execute(&mut other).await.unwrap();
    bench.append(vec![completion(2)], &[response(2)]).await;
    assert!(matches!(verdict(&bench.store, None).await, Verdict::Clean(_)));
}

#[tokio::test]
async fn a_completion_without_an_intent_is_refused_whole() {
    let mut bench = Bench::new().await;
    bench.fill(1).await;
    let batch = bench.log.stage(vec![Log::leaf(completion(9)).unwrap()]);
    let error = bench.store.commit(&batch, &[]).await.unwrap_err();
    assert!(error.to_string().contains("has no intent to complete"), "{error}");
    bench.append(vec![completion(1)], &[response(1)]).await;
    assert!(matches!(verdict(&bench.store, None).await, Verdict::Clean(_)));
}

#[tokio::test]
async fn a_leaf_filed_under_another_record_explains_nothing() {
    let mut bench = Bench::new().await;
    bench.fill(3).await;
    let url = format!("sqlite://{}", bench.path().display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let (victim, stranger) = (record(0), record(1));
    sqlx::query("UPDATE entries SET record = ? WHERE record = ? AND kind = 'completion'")
        .bind(&victim.as_bytes()[..])
        .bind(&stranger.as_bytes()[..])
        .execute(&mut other)
        .await
        .unwrap();
    let told = explain(&bench.store, &signer().verifier(), victim).await;
    assert!(matches!(told, Err(StoreError::Damaged(_))), "{told:?}");
}

#[tokio::test]
async fn a_closed_store_leaves_one_file() {
    let mut bench = Bench::new().await;
    bench.fill(4).await;
    bench.store.close().await.unwrap();
    assert!(!bench.path().with_extension("db-wal").exists());
    let again = SqliteStore::open_to_read(bench.path()).await.unwrap();
    assert!(matches!(verdict(&again, None).await, Verdict::Clean(_)));
}
