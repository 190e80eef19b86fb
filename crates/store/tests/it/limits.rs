//! Virtual keys and what is used with them: kept, counted, and never more than there is room for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use waymark_ledger::{Entry, Erased, Erasure, KeyChange, KeyEvent, KeyTerms};
use waymark_store::{
    Amount, Budget, Counter, Effect, KeyCount, LedgerStore, Reservation, Settlement, Spent, StoredKey,
    Verdict,
};
use waymark_types::{Limits, MicroUsd, RecordId, Timestamp};

use crate::on_every_store;
use crate::samples::{Bench, completion, intent, record, request, response, subject, time};

on_every_store!(
    keys_are_kept_on_the_terms_of_their_entries,
    keys_that_no_entry_made_do_not_verify,
    an_erased_owners_keys_hold_no_more,
    a_budget_is_taken_and_given_back,
    a_budget_has_room_for_what_it_is_of_and_no_more,
    what_a_gateway_left_is_taken_for_used,
    a_bucket_gives_what_is_in_it,
    keys_and_what_was_used_are_copied,
);

fn change(n: u8, key: &str, change: KeyEvent) -> Entry {
    let record = RecordId::new(time(n), [100 + n; 10]);
    Entry::Key(KeyChange { record, recorded: time(n), key: key.to_owned(), change })
}

fn key(n: u8, id: &str) -> StoredKey {
    let limits = Limits { budget_day: Some(MicroUsd(5_000_000)), ..Limits::default() };
    let owner = subject(n);
    let terms = KeyTerms {
        owner: owner.id().to_owned(),
        secret_sha256: format!("{n:064x}"),
        routes: vec!["auto".to_owned()],
        models: Vec::new(),
        limits,
        expires: None,
    };
    let (owner, label) = (Some(owner.name().to_owned()), "laptop".to_owned());
    StoredKey { id: id.to_owned(), owner, label, terms, created: time(n), revoked: None }
}

async fn create(bench: &Bench, n: u8, id: &str) -> StoredKey {
    let key = key(n, id);
    let entry = change(n, id, KeyEvent::Created(Box::new(key.terms.clone())));
    bench.append(vec![entry], vec![Effect::CreateKey(Box::new(key.clone()))]).await;
    key
}

async fn keys_are_kept_on_the_terms_of_their_entries(bench: Bench) {
    let (first, mut second) = (create(&bench, 1, "one").await, create(&bench, 2, "two").await);
    assert_eq!(bench.store.keys().await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(bench.store.key_count().await.unwrap(), KeyCount { made: 2, revoked: 0 });
    let at = Timestamp::from_micros(7);
    bench.append(vec![change(3, "two", KeyEvent::Revoked)], vec![Effect::RevokeKey("two".into(), at)]).await;
    second.revoked = Some(at);
    assert_eq!(bench.store.keys().await.unwrap(), [first, second]);
    assert_eq!(bench.store.key_count().await.unwrap(), KeyCount { made: 2, revoked: 1 });
    // One that waits to be put under the tree counts.
    let third = key(4, "three");
    let entry = change(4, "three", KeyEvent::Created(Box::new(third.terms.clone())));
    bench.wait(vec![entry], vec![Effect::CreateKey(Box::new(third))]).await;
    bench.clean().await;
}

async fn keys_that_no_entry_made_do_not_verify(bench: Bench) {
    create(&bench, 1, "one").await;
    bench.clean().await;
    for (sql, back, problem) in [
        (
            "INSERT INTO keys SELECT 'two', owner, label, terms, created, revoked FROM keys",
            "DELETE FROM keys WHERE id = 'two'",
            "no entry made the key two",
        ),
        (
            "UPDATE keys SET terms = replace(terms, '5000000', '9000000')",
            "UPDATE keys SET terms = replace(terms, '9000000', '5000000')",
            "the key one is not what its entry says",
        ),
        ("UPDATE keys SET revoked = 5", "UPDATE keys SET revoked = 0", "is revoked, and no entry says so"),
        ("DELETE FROM keys", "SELECT 1", "the key one is missing"),
    ] {
        bench.home.sql(sql).unwrap();
        let Verdict::Bad(fault) = bench.verdict(&[]).await.unwrap() else { panic!("{sql}: not noticed") };
        assert!(fault.to_string().contains(problem), "{sql}: {fault}");
        bench.home.sql(back).unwrap();
    }
}

async fn an_erased_owners_keys_hold_no_more(bench: Bench) {
    let (ann, bob) = (create(&bench, 2, "ann's").await, create(&bench, 1, "bob's").await);
    let id = RecordId::new(time(9), [9; 10]);
    let erased = Erased::Subject(ann.terms.owner.clone());
    let entry = Entry::Erasure(Erasure { record: id, recorded: time(9), erased, reason: None });
    bench.append(vec![entry], vec![Effect::EraseSubject(ann.terms.owner.clone())]).await;
    let keys = bench.store.keys().await.unwrap();
    assert_eq!(keys[0], bob);
    assert_eq!((keys[1].owner.as_deref(), keys[1].label.as_str()), (None, ""));
    assert!(keys[1].revoked.is_some());
    bench.clean().await;
}

fn counter(account: &str) -> Counter {
    Counter { account: account.to_owned(), period: "2026-11-27".to_owned() }
}

fn amount(cost: u64, tokens: u64) -> Amount {
    Amount { cost, tokens }
}

fn wanted(n: u8, accounts: &[(&str, u64)], amount: Amount) -> Reservation {
    let budget =
        |&(account, most): &(&str, u64)| Budget { counter: counter(account), cost: Some(most), tokens: None };
    Reservation { record: record(n), budgets: accounts.iter().map(budget).collect(), amount }
}

fn settled(n: u8, counters: &[&str], counted: Amount, assumed: Amount) -> Effect {
    let counters = counters.iter().map(|account| counter(account)).collect();
    Effect::Settle(Settlement { record: record(n), counters, counted, assumed, reserved: true })
}

async fn spent(store: &LedgerStore, account: &str) -> Spent {
    let counter = counter(account);
    store.spent(std::slice::from_ref(&counter)).await.unwrap().get(&counter).copied().unwrap_or_default()
}

async fn a_budget_is_taken_and_given_back(bench: Bench) {
    let both = [("key", 100), ("all", 100)];
    let first = wanted(1, &both, amount(60, 6));
    let reserved = bench.store.reserve(&[first, wanted(2, &both, amount(50, 5))]).await.unwrap();
    assert_eq!(reserved, HashSet::from([record(1)]), "the second has no room beside the first");
    assert_eq!(spent(&bench.store, "all").await.reserved, amount(60, 6));
    bench.append(vec![intent(1)], request(1)).await;
    let settle = settled(1, &["key", "all", "owner"], amount(20, 2), amount(5, 1));
    bench.append(vec![completion(1)], [response(1), vec![settle]].concat()).await;
    let expected =
        Spent { counted: amount(20, 2), assumed: amount(5, 1), reserved: amount(0, 0), requests: 1 };
    for account in ["key", "all", "owner"] {
        assert_eq!(spent(&bench.store, account).await, expected, "{account}");
    }
    let full = bench.store.reserve(&[wanted(3, &both, amount(75, 0)), wanted(4, &both, amount(1, 0))]).await;
    assert_eq!(full.unwrap(), HashSet::from([record(3)]), "to the last, and no further");
    // One of several budgets is enough to refuse, and then nothing is reserved in any.
    let one = [("key", 100), ("elsewhere", 1_000)];
    assert_eq!(bench.store.reserve(&[wanted(5, &one, amount(1, 0))]).await.unwrap(), HashSet::new());
    assert_eq!(spent(&bench.store, "elsewhere").await, Spent::default());
    bench.clean().await;
}

async fn a_budget_has_room_for_what_it_is_of_and_no_more(bench: Bench) {
    let other = bench.beside("other").await;
    let stores = [Arc::new(bench.store), Arc::new(other)];
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        // SQLite has one gateway.
        let at = if matches!(bench.home, crate::samples::Home::Sqlite(_)) { 0 } else { usize::from(n % 2) };
        let store = Arc::clone(&stores[at]);
        tasks.spawn(async move {
            store.reserve(&[wanted(n, &[("all", 100)], amount(7, 1))]).await.unwrap().len()
        });
    }
    let reserved: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(reserved, 14, "14 times 7 is 98");
    assert_eq!(spent(&stores[0], "all").await.reserved, amount(98, 14));
}

async fn what_a_gateway_left_is_taken_for_used(bench: Bench) {
    let other = bench.beside("other").await;
    let budgets = [("key", 100), ("all", 100)];
    other.reserve(&[wanted(1, &budgets, amount(30, 3)), wanted(2, &budgets, amount(20, 2))]).await.unwrap();
    bench.store.reserve(&[wanted(3, &budgets, amount(1, 1))]).await.unwrap();
    let lease = Some(Duration::from_secs(60));
    let mut left = bench.store.abandoned_reservations(lease).await.unwrap();
    left.sort_unstable_by_key(|record| *record.as_bytes());
    assert_eq!(left, [record(1), record(2)]);
    other.heartbeat().await.unwrap();
    assert_eq!(bench.store.abandoned_reservations(lease).await.unwrap(), []);
    for _ in 0..2 {
        // Done twice it is done once.
        bench.store.assume(&left).await.unwrap();
        let spent = spent(&bench.store, "key").await;
        let expected = (amount(50, 5), amount(1, 1), amount(0, 0), 2);
        assert_eq!((spent.assumed, spent.reserved, spent.counted, spent.requests), expected);
    }
}

async fn a_bucket_gives_what_is_in_it(bench: Bench) {
    assert!(bench.store.take("a", 10, 4).await.unwrap());
    assert!(bench.store.take("a", 10, 6).await.unwrap());
    assert!(!bench.store.take("a", 10, 10).await.unwrap(), "a minute has not gone by");
    assert!(bench.store.take("b", 10, 10).await.unwrap());
    // A minute ago by the database's clock.
    bench.home.sql("UPDATE rates SET filled = filled - 60").unwrap();
    assert!(bench.store.take("a", 10, 10).await.unwrap());
    bench.home.sql("UPDATE rates SET filled = filled - 86400").unwrap();
    assert!(!bench.store.take("a", 10, 11).await.unwrap(), "it never holds more");
    assert!(bench.store.take("a", 10, 10).await.unwrap());
}

async fn keys_and_what_was_used_are_copied(bench: Bench) {
    let key = create(&bench, 1, "one").await;
    bench.store.reserve(&[wanted(1, &[("all", 100)], amount(30, 3))]).await.unwrap();
    bench.append(vec![intent(2)], request(2)).await;
    let settle = settled(2, &["all"], amount(20, 2), Amount::default());
    bench.append(vec![completion(2)], [response(2), vec![settle]].concat()).await;
    let target = bench.another().await;
    target.store.close().await.unwrap();
    let source = LedgerStore::open_to_read(&bench.home.address()).await.unwrap();
    let verifier = crate::samples::signer().verifier();
    waymark_store::copy(&source, &target.home.address(), &verifier, &mut |_| ()).await.unwrap();
    let copy = LedgerStore::open_to_read(&target.home.address()).await.unwrap();
    assert_eq!(copy.keys().await.unwrap(), [key]);
    assert_eq!(spent(&copy, "all").await, spent(&bench.store, "all").await);
}
