//! Writing, reading back, proving, taking up again, listing, erasing, dropping: what every store does alike.

use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::emission::Emissions;
use waymark_ledger::note::Signer;
use waymark_ledger::subject::Text;
use waymark_ledger::{Dropped, Entry, Erased, Erasure, Log, Retention, Saved, Week};
use waymark_store::{Effect, LedgerStore, Query, StoreError, Verdict, explain};
use waymark_types::{Outcome, RecordId, Timestamp};

use crate::on_every_store;
use crate::samples::{
    Bench, REQUEST, completion, emissions, feedback, intent, leaf, record, request, response, signer,
    subject, time,
};

on_every_store!(
    an_empty_ledger_is_clean,
    records_read_back_with_a_proof_that_holds,
    a_ledger_is_taken_up_where_it_was_left,
    a_saved_checkpoint_tells_growth_from_rewriting_and_rollback,
    large_batches_cross_the_limits_of_one_statement,
    a_reader_sees_the_moment_it_opened,
    a_completion_without_an_intent_is_refused_whole,
    the_same_batch_twice_is_there_once,
    a_second_completion_is_refused,
    another_key_is_kept_out,
    lists_are_narrowed_and_paged,
    an_erased_record_loses_its_salt_and_texts_and_nothing_else,
    an_erased_subject_is_forgotten_and_its_records_stand,
    weeks_are_dropped_whole_and_their_leaves_stay,
    what_was_abandoned_is_found,
    code_is_found_by_its_lines_and_its_place,
);

async fn an_empty_ledger_is_clean(bench: Bench) {
    assert_eq!(bench.clean().await.size, 0);
    assert!(bench.store.newest_checkpoint().await.unwrap().is_none());
}

async fn records_read_back_with_a_proof_that_holds(bench: Bench) {
    bench.fill(20).await;
    for n in 0..20 {
        let told = explain(&bench.store, &signer().verifier(), record(n)).await.unwrap().unwrap();
        assert_eq!((told.record, told.outcome, told.class), (record(n), Some(Outcome::Succeeded), "ai"));
        assert_eq!(told.served_model.as_deref(), Some("small-1-2026"));
        assert_eq!(told.principal.as_deref(), Some(subject(n).name()));
        assert_eq!(told.subject, subject(n).id());
        let proof = told.proof.unwrap();
        assert!(proof.verified, "{proof:?}");
        assert_eq!(proof.tree_size, 42);
    }
    let open = explain(&bench.store, &signer().verifier(), record(20)).await.unwrap().unwrap();
    assert_eq!((open.outcome, open.class), (None, "unknown"));
    assert!(explain(&bench.store, &signer().verifier(), record(99)).await.unwrap().is_none());
    let verified = bench.clean().await;
    assert_eq!((verified.size, verified.completed, verified.open.len()), (42, 20, 1));
}

async fn a_ledger_is_taken_up_where_it_was_left(bench: Bench) {
    bench.fill(5).await;
    let again = bench.beside("later").await;
    bench.store.close().await.unwrap();
    let leaves = [leaf(completion(5)), leaf(intent(6))];
    again.append(&leaves, &[response(5), request(6)].concat(), &bench.log).await.unwrap();
    again.seal(&bench.log).await.unwrap();
    let verified = bench.clean().await;
    assert_eq!(verified.open.into_iter().collect::<Vec<_>>(), [record(6)]);
    let open = again.open_records().await.unwrap();
    assert_eq!(open, [(record(6).as_bytes().to_vec(), "later".to_owned())]);
    let snapshot = again.newest_snapshot().await.unwrap();
    assert!(matches!(snapshot, Some(Entry::Snapshot(snapshot)) if snapshot.snapshot == "00"));
}

async fn a_saved_checkpoint_tells_growth_from_rewriting_and_rollback(bench: Bench) {
    bench.fill(3).await;
    let kept = bench.store.newest_checkpoint().await.unwrap().unwrap().note;
    bench.append(vec![completion(3)], response(3)).await;
    let saved = |note: String| Saved::open("here", &note, &signer().verifier()).unwrap();
    assert!(matches!(bench.verdict(&[saved(kept)]).await.unwrap(), Verdict::Clean(_)));

    let beyond = Checkpoint::sign(10, &[7; 32], &signer());
    let Verdict::Bad(fault) = bench.verdict(&[saved(beyond)]).await.unwrap() else {
        panic!("rollback missed")
    };
    assert!(fault.to_string().contains("rolled back"), "{fault}");

    let rewritten = Checkpoint::sign(8, &[7; 32], &signer());
    let Verdict::Bad(fault) = bench.verdict(&[saved(rewritten)]).await.unwrap() else {
        panic!("rewrite missed")
    };
    assert!(fault.to_string().contains("forked"), "{fault}");

    // The same by somebody without the key: the newest checkpoint is signed with another.
    let stranger = Signer::new("waymark/test", &[5; 32]).unwrap();
    let note = Checkpoint::sign(9, &[7; 32], &stranger);
    bench.home.sql(&format!("UPDATE checkpoints SET note = '{note}' WHERE size = 9")).unwrap();
    let rewritten = Checkpoint::sign(8, &[7; 32], &signer());
    let Verdict::Bad(fault) = bench.verdict(&[saved(rewritten)]).await.unwrap() else {
        panic!("rewrite missed")
    };
    assert!(fault.to_string().contains("rewritten after leaf 0"), "{fault}");
}

async fn large_batches_cross_the_limits_of_one_statement(bench: Bench) {
    let (mut entries, mut effects) = (Vec::new(), Vec::new());
    for n in 0..250 {
        entries.extend([intent(n), completion(n)]);
        effects.extend([request(n), response(n)].concat());
    }
    bench.append(entries, effects).await;
    assert_eq!(bench.clean().await.size, 500);
    for (leaf_index, size) in [(0, 500), (255, 500), (256, 500), (499, 500), (300, 257)] {
        let proof = bench.store.inclusion(leaf_index, size).await.unwrap();
        assert_eq!(proof.is_some_and(|proof| !proof.is_empty()), leaf_index < size);
    }
}

async fn a_reader_sees_the_moment_it_opened(bench: Bench) {
    bench.fill(2).await;
    let reader = LedgerStore::open_to_read(&bench.home.address()).await.unwrap();
    let before = reader.size().await.unwrap();
    bench.append(vec![completion(2)], response(2)).await;
    assert_eq!(reader.size().await.unwrap(), before);
    let refused = reader.append(&[leaf(intent(9))], &request(9), &bench.log).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
}

async fn a_completion_without_an_intent_is_refused_whole(bench: Bench) {
    bench.fill(1).await;
    let refused = bench.store.append(&[leaf(intent(8)), leaf(completion(9))], &request(8), &bench.log).await;
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("has no intent to complete"), "{error}");
    assert!(bench.store.record(record(8)).await.unwrap().is_empty());
    bench.append(vec![completion(1)], response(1)).await;
    bench.clean().await;
}

/// A write whose answer was lost is tried again: nothing is there twice.
async fn the_same_batch_twice_is_there_once(bench: Bench) {
    bench.fill(1).await;
    for _ in 0..2 {
        bench.append(vec![intent(5), completion(5)], [request(5), response(5)].concat()).await;
    }
    let verified = bench.clean().await;
    assert_eq!((verified.size, verified.completed), (6, 2));
}

/// Somebody else took the record to be cut off and closed it: whoever completes it later is told so.
async fn a_second_completion_is_refused(bench: Bench) {
    bench.fill(1).await;
    bench.append(vec![completion(1)], response(1)).await;
    let mut other = leaf(completion(1));
    other.salt = [77; 32];
    let other = waymark_ledger::Leaf::new(other.entry, other.salt).unwrap();
    assert!(bench.store.append(&[other], &[], &bench.log).await.is_err());
    bench.store.seal(&bench.log).await.unwrap();
    assert_eq!(bench.clean().await.completed, 2);
}

async fn another_key_is_kept_out(bench: Bench) {
    bench.fill(1).await;
    let other = Log::new(Signer::new("waymark/other", &[5; 32]).unwrap());
    let refused = bench.beside("other").await.claim(&other).await;
    assert!(matches!(refused, Err(StoreError::OtherLedger { .. })), "{refused:?}");
}

async fn lists_are_narrowed_and_paged(bench: Bench) {
    bench.fill(40).await;
    let ids =
        |page: &waymark_store::Page| page.records.iter().map(|(intent, _)| intent.record).collect::<Vec<_>>();
    let newest_first =
        |range: std::ops::RangeInclusive<u8>| range.rev().map(record).collect::<Vec<RecordId>>();
    let all = Query { limit: 15, ..Query::default() };
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = bench.store.list(&Query { before, ..all.clone() }).await.unwrap();
        assert!(
            page.records
                .iter()
                .all(|(intent, completion)| completion.is_some() == (intent.record != record(40)))
        );
        pages.extend(ids(&page));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(pages, newest_first(0..=40));
    let list = async |query: Query| ids(&bench.store.list(&query).await.unwrap());
    let text = |text: &str| Some(text.to_owned());
    let some = Query { limit: 100, ..Query::default() };
    assert_eq!(list(Query { session: text("session-3"), ..some.clone() }).await, newest_first(12..=15));
    assert_eq!(list(Query { model: text("small-1-2026"), ..some.clone() }).await, newest_first(0..=39));
    assert_eq!(list(Query { route: text("auto"), client: text("test/1"), ..some.clone() }).await.len(), 41);
    assert_eq!(list(Query { repository: text("other"), ..some.clone() }).await, []);
    let anns = Query { principal: text("ann"), session: text("session-3"), ..some.clone() };
    assert_eq!(list(anns).await, [record(14), record(12)]);
    assert_eq!(list(Query { principal: text("nobody"), ..some.clone() }).await, []);
    assert_eq!(list(Query { outcome: text("failed"), ..some.clone() }).await, []);
    assert_eq!(
        list(Query { since: Some(time(30)), until: Some(time(35)), ..some }).await,
        newest_first(30..=34)
    );
}

fn erasure(erased: Erased) -> Entry {
    let recorded = Timestamp::from_micros(1_800_000_000_000_000);
    let id = RecordId::new(recorded, [91; 10]);
    Entry::Erasure(Erasure { record: id, recorded, erased, reason: Some("asked for".to_owned()) })
}

async fn an_erased_record_loses_its_salt_and_texts_and_nothing_else(bench: Bench) {
    bench.fill(4).await;
    bench.append(vec![erasure(Erased::Record(record(2)))], vec![Effect::EraseRecord(record(2))]).await;
    assert_eq!(
        bench.store.wipe().await.unwrap().iter().filter(|left| !left.contains("wal_recycle")).count(),
        0
    );
    assert_eq!(bench.clean().await.erasures, 1);
    let week = Week::of(&record(2)).0;
    let id = waymark_ledger::commitment::hex(record(2).as_bytes());
    for table in ["salts", "texts", "emissions", "marks"] {
        let ids = bench.home.sql(&format!("SELECT record FROM {table}_{week}")).unwrap();
        assert!(!ids.contains(&id), "{table}: {ids}");
        assert!(!ids.is_empty());
    }
    let told = explain(&bench.store, &signer().verifier(), record(2)).await.unwrap().unwrap();
    assert!(told.proof.unwrap().verified);
    // Taken away without an erasure on record it is a fault.
    bench.home.sql(&format!("DELETE FROM salts_{}", Week::of(&record(0)).0)).unwrap();
    let Verdict::Bad(fault) = bench.verdict(&[]).await.unwrap() else { panic!("not noticed") };
    assert!(fault.to_string().contains("its salt is missing"), "{fault}");
}

async fn an_erased_subject_is_forgotten_and_its_records_stand(bench: Bench) {
    bench.fill(6).await;
    let ann = subject(0);
    let sealed = subject(2).encrypt(&record(2), Text::Request, &[2; 32], REQUEST).unwrap();
    let effects = vec![Effect::EraseSubject(ann.id().to_owned())];
    bench.append(vec![erasure(Erased::Subject(ann.id().to_owned()))], effects).await;
    bench.store.erase_payloads_of(ann.id()).await.unwrap();
    assert_eq!(bench.clean().await.erasures, 1);
    assert!(bench.store.known("ann").await.unwrap().is_none());
    let told = explain(&bench.store, &signer().verifier(), record(2)).await.unwrap().unwrap();
    assert_eq!((told.principal, told.subject.as_str()), (None, ann.id()));
    // A new key under the old name opens nothing.
    let again = bench.store.subject("ann", [99; 32]).await.unwrap();
    assert!(again.decrypt(&record(2), Text::Request, &[2; 32], &sealed).is_err());
    // A record of theirs that was on its way is refused.
    let late = bench.store.append(&[leaf(intent(8))], &request(8), &bench.log).await;
    assert!(matches!(late, Err(StoreError::Forgotten(_))), "{late:?}");
}

async fn weeks_are_dropped_whole_and_their_leaves_stay(bench: Bench) {
    bench.fill(100).await;
    let weeks: Vec<Week> = bench.store.weeks().await.unwrap().into_keys().collect();
    assert!(weeks.len() >= 4, "{weeks:?}");
    let drop = async |at: usize, dropped, n: u8| {
        let recorded = Timestamp::from_micros(1_800_000_000_000_000 + i64::from(n) * 1_000);
        let id = RecordId::new(recorded, [n; 10]);
        let entry = Entry::Retention(Retention { record: id, recorded, week: weeks[at].0, dropped });
        bench.append(vec![entry], vec![Effect::Drop(weeks[at], dropped)]).await;
    };
    drop(0, Dropped::Records, 1).await;
    drop(1, Dropped::Payloads, 2).await;
    let verified = bench.clean().await;
    assert_eq!((verified.size, verified.completed), (204, 100));
    assert!(verified.dropped > 0);
    let gone = explain(&bench.store, &signer().verifier(), record(0)).await;
    assert!(matches!(gone, Err(StoreError::Dropped { .. })), "{gone:?}");
    let listed = bench.store.list(&Query { limit: 500, ..Query::default() }).await.unwrap();
    assert_eq!(listed.records.len() as u64, 101 - verified.dropped / 2);
    // A table that goes without a retention on record is a fault.
    bench.home.sql(&format!("DROP TABLE bodies_{}", weeks[2].0)).unwrap();
    let Verdict::Bad(fault) = bench.verdict(&[]).await.unwrap() else { panic!("not noticed") };
    assert!(fault.to_string().contains("what it says is missing"), "{fault}");
}

async fn what_was_abandoned_is_found(bench: Bench) {
    bench.fill(2).await;
    let other = bench.beside("other").await;
    assert_eq!(other.abandoned(None).await.unwrap(), [record(2)]);
    let lease = Some(std::time::Duration::from_secs(60));
    assert_eq!(other.abandoned(lease).await.unwrap(), [record(2)]);
    bench.store.heartbeat().await.unwrap();
    assert_eq!(other.abandoned(lease).await.unwrap(), []);
    assert_eq!(bench.store.abandoned(None).await.unwrap(), []);
    assert_eq!(other.still_open(&[record(1), record(2)]).await.unwrap(), [record(2)]);
}

async fn code_is_found_by_its_lines_and_its_place(bench: Bench) {
    bench.fill(40).await;
    let (said, code) = feedback(20);
    let id = said.record();
    bench.append(vec![said], vec![code]).await;
    bench.clean().await;
    let found = bench.store.marked(&[1_020, 1_003, 5]).await.unwrap();
    assert_eq!(found, [(1_020, id), (1_020, record(20)), (1_003, record(3))]);
    // Marks are all 64 bits of them.
    assert_eq!(bench.store.marked(&[u64::MAX - 3]).await.unwrap(), [(u64::MAX - 3, record(3))]);
    let about = Emissions::about(&record(20));
    let end = Timestamp::from_micros(i64::MAX);
    assert_eq!(bench.store.newest_marked(about, end).await.unwrap(), (vec![id], true));
    let (all, is_all) = bench.store.newest_marked(u64::MAX, end).await.unwrap();
    assert_eq!((all.len(), is_all), (41, true), "all are for that file");
    let then = Timestamp::from_micros(record(20).millis() as i64 * 1_000);
    let (before, _) = bench.store.newest_marked(u64::MAX, then).await.unwrap();
    assert!(
        !before.is_empty() && before.iter().all(|found| found.millis() < record(20).millis()),
        "{before:?}"
    );
    assert!(bench.store.marked(&[]).await.unwrap().is_empty());
    let mut read = bench.store.emissions(&[record(3), record(20), record(99)]).await.unwrap();
    read.sort();
    assert_eq!(read, [(record(3), emissions(3).seal().1), (record(20), emissions(20).seal().1)]);
}
