//! Several processes over one PostgreSQL, and a SQLite writer that another process got ahead of.

use std::sync::Arc;

use tokio::task::JoinSet;
use waymark_ledger::{Dropped, Entry, Log, Retention, Week};
use waymark_store::{Effect, LedgerStore, StoreError, Verdict};
use waymark_types::RecordId;

use crate::samples::{Bench, completion, intent, leaf, record, request, response, signer, time};

/// Three gateways write and seal at once; one history comes out, with everything in it once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gateways_beside_each_other_make_one_history() {
    let bench = Bench::postgres().await;
    let mut gateways = JoinSet::new();
    for gateway in 0..3_u8 {
        let store = Arc::new(bench.beside(&format!("gateway-{gateway}")).await);
        gateways.spawn(async move {
            let log = Log::new(signer());
            for n in (gateway..240).step_by(3) {
                store.append(&[leaf(intent(n))], &request(n), &log).await.unwrap();
                seal(&store, &log).await;
                store.append(&[leaf(completion(n))], &response(n), &log).await.unwrap();
                seal(&store, &log).await;
            }
        });
    }
    gateways.join_all().await;
    while let Err(StoreError::Busy) = bench.store.seal(&bench.log).await {}
    let verified = bench.clean().await;
    assert_eq!((verified.size, verified.completed, verified.pending), (480, 240, 0));
}

async fn seal(store: &LedgerStore, log: &Log) {
    match store.seal(log).await {
        Ok(_) | Err(StoreError::Busy) => {}
        Err(error) => panic!("{error:?}"),
    }
}

/// A week that another gateway dropped is made again for a record of that week that comes late.
#[tokio::test]
async fn a_late_record_of_a_dropped_week_is_taken() {
    for bench in [Bench::sqlite().await, Bench::postgres().await] {
        bench.append(vec![intent(0), completion(0)], [request(0), response(0)].concat()).await;
        let week = Week::of(&record(0));
        let recorded = time(200);
        let id = RecordId::new(recorded, [93; 10]);
        let entry = Retention { record: id, recorded, week: week.0, dropped: Dropped::Records };
        let (entry, drop) = (leaf(Entry::Retention(entry)), [Effect::Drop(week, Dropped::Records)]);
        bench.beside("other").await.append(&[entry], &drop, &bench.log).await.unwrap();
        bench.append(vec![intent(1), completion(1)], [request(1), response(1)].concat()).await;
        assert_eq!(bench.clean().await.completed, 2);
    }
}

/// What waits is durable, counted, and part of what is told.
#[tokio::test]
async fn what_waits_is_verified_as_well() {
    let bench = Bench::postgres().await;
    bench.fill(3).await;
    bench.wait(vec![completion(3), intent(4)], [response(3), request(4)].concat()).await;
    let verified = bench.clean().await;
    assert_eq!((verified.size, verified.pending), (8, 2));
    let told = waymark_store::explain(&bench.store, &signer().verifier(), record(4)).await.unwrap().unwrap();
    assert!(told.proof.is_none());
    bench.store.seal(&bench.log).await.unwrap();
    let verified = bench.clean().await;
    assert_eq!((verified.size, verified.pending), (10, 0));
}

/// An entry that waits and was put there or changed by somebody without the key is never signed.
#[tokio::test]
async fn what_waits_and_was_tampered_with_is_never_sealed() {
    for change in [
        "UPDATE pending SET commitment = decode(repeat('00', 32), 'hex')",
        "UPDATE pending SET mac = decode(repeat('00', 32), 'hex')",
        "UPDATE pending SET kind = 0",
    ] {
        let bench = Bench::postgres().await;
        bench.fill(1).await;
        bench.wait(vec![completion(1)], response(1)).await;
        bench.home.sql(change).unwrap();
        let refused = bench.store.seal(&bench.log).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{change}: {refused:?}");
    }
}

/// A command writes while a server does: the server takes up the tree anew and goes on.
#[tokio::test]
async fn a_writer_that_was_overtaken_goes_on() {
    let bench = Bench::sqlite().await;
    bench.fill(2).await;
    let command = bench.beside("command").await;
    command.append(&[leaf(intent(7))], &request(7), &bench.log).await.unwrap();
    bench.append(vec![completion(2)], response(2)).await;
    command.append(&[leaf(completion(7))], &response(7), &bench.log).await.unwrap();
    assert_eq!(bench.clean().await.completed, 4);
}

/// Nothing is signed on top of a tree that is not what was signed last.
#[tokio::test]
async fn nothing_is_signed_on_top_of_a_changed_tree() {
    for change in [
        "UPDATE leaves SET hash = zeroblob(32) WHERE leaf_index = 1",
        "DELETE FROM leaves WHERE leaf_index = 4",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = replace(note, 'waymark', 'wAymark')",
    ] {
        let bench = Bench::sqlite().await;
        bench.fill(2).await;
        bench.home.sql(change).unwrap();
        let later = bench.beside("later").await;
        let refused = later.append(&[leaf(intent(9))], &request(9), &bench.log).await;
        assert!(refused.is_err(), "{change}");
        assert!(!matches!(bench.verdict(&[]).await, Ok(Verdict::Clean(_))), "{change}");
    }
}

/// SQLite rolls a transaction back by itself when the disk is full; a trigger does the same on command.
#[tokio::test]
async fn a_writer_that_failed_writes_again_once_it_can() {
    let bench = Bench::sqlite().await;
    bench.fill(2).await;
    let full = "CREATE TRIGGER full BEFORE INSERT ON leaves BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END";
    bench.home.sql(full).unwrap();
    for _ in 0..3 {
        let error = bench.store.append(&[leaf(completion(2))], &response(2), &bench.log).await.unwrap_err();
        assert!(format!("{error:?}").contains("disk full"), "{error:?}");
    }
    bench.home.sql("DROP TRIGGER full").unwrap();
    bench.append(vec![completion(2)], response(2)).await;
    bench.clean().await;
}

#[tokio::test]
async fn a_closed_store_leaves_one_file() {
    let bench = Bench::sqlite().await;
    bench.fill(4).await;
    bench.store.close().await.unwrap();
    let crate::samples::Home::Sqlite(dir) = &bench.home else { panic!("not SQLite") };
    assert!(!dir.path().join("ledger.db-wal").exists());
    bench.clean().await;
}
