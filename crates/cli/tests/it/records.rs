//! The admin API's list of records: what narrows it, how it is paged, and what it refuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use waymark_testkit::{Reply, Response};

use crate::commands::{database, sqlite};
use crate::rig::{OPENAI, Rig, chat};

/// Asks as `client` in a session of a repository; says which record it made.
fn ask(rig: &Rig, model: &str, client: &str, session: &str, repository: &str) -> String {
    let headers = [("user-agent", client), ("x-session-id", session), ("x-waymark-repository", repository)];
    let answer =
        rig.http().post("/v1/chat/completions", &[OPENAI, &headers].concat(), chat(model, false).to_string());
    answer.header("x-waymark-record").to_owned()
}

/// A page of the list.
fn page(rig: &Rig, query: &str) -> Value {
    let answer = rig.http().get(&format!("/admin/records?{query}"), &[]);
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()
}

fn records(page: &Value) -> Vec<String> {
    let rows = page["records"].as_array().unwrap();
    rows.iter().map(|row| row["record"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn assert_error(answer: &Response, status: u16, code: &str, words: &str) {
    let told = answer.json();
    assert_eq!((answer.status, &told["error"]["code"]), (status, &json!(code)), "{told}");
    assert!(told["error"]["message"].as_str().unwrap().contains(words), "no {words:?} in {told}");
}

#[test]
fn each_field_narrows_the_list_and_two_narrow_it_further() {
    let rig = Rig::start();
    let first = ask(&rig, "small", "one/1", "s-1", "shop");
    let second = ask(&rig, "auto", "one/1", "s-2", "bank");
    rig.openai.push(Reply::error(400, "no"));
    let third = ask(&rig, "small", "two/2", "s-2", "shop");
    let [first, second, third] = [&first, &second, &third];
    for (query, expected) in [
        ("", vec![third, second, first]),
        ("client=one/1", vec![second, first]),
        ("session=s-2", vec![third, second]),
        ("repository=shop", vec![third, first]),
        ("route=auto", vec![second]),
        ("outcome=failed", vec![third]),
        ("outcome=succeeded", vec![second, first]),
        ("principal=local", vec![third, second, first]),
        ("principal=nobody", vec![]),
        ("client=one/1&repository=shop", vec![first]),
        ("client=two/2&route=auto", vec![]),
        ("since=2026-01-01T00:00:00Z", vec![third, second, first]),
        ("since=2126-01-01T00:00:00.000Z", vec![]),
        ("until=2026-01-01T00:00:00Z", vec![]),
        ("model=&session=s-1", vec![first]),
    ] {
        let page = page(&rig, query);
        assert_eq!(records(&page).iter().collect::<Vec<_>>(), expected, "{query}");
        assert_eq!(page["next"], Value::Null, "{query}");
    }
    let row = &page(&rig, "session=s-1")["records"][0];
    let served = row["served_model"].as_str().unwrap();
    assert!(records(&page(&rig, &format!("model={served}"))).contains(first), "{served}");
    assert_eq!(row["principal"], "local");
    let times = page(&rig, &format!("since={0}&until={0}", row["started"].as_str().unwrap()));
    assert_eq!(records(&times), Vec::<String>::new());
}

#[test]
fn pages_are_complete_and_without_doubles_while_records_come_in() {
    let rig = Rig::start();
    let made: BTreeSet<String> =
        (0..23).map(|n| ask(&rig, "small", "one/1", &format!("s-{}", n % 2), "shop")).collect();
    let (mut listed, mut query) = (Vec::new(), "limit=5".to_owned());
    loop {
        let page = page(&rig, &query);
        listed.extend(records(&page));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("limit=5&before={next}");
        ask(&rig, "small", "one/1", "s-9", "shop");
    }
    assert_eq!(listed.len(), made.len());
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), made);
    assert!(listed.is_sorted_by(|newer, older| newer > older));
    assert_eq!(records(&page(&rig, "session=s-1&repository=shop&limit=500")).len(), 11);
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    let rig = Rig::start();
    for (query, words) in [
        ("limit=many", "limit is a number from 1 to 500"),
        ("before=yesterday", "yesterday"),
        ("since=yesterday", "since is a time such as"),
        ("until=12", "until is a time such as"),
        ("outcome=fine", "`fine` is no outcome; known: succeeded, declined"),
        ("modle=small", "there is no parameter `modle`; there are limit, before"),
    ] {
        let answer = rig.http().get(&format!("/admin/records?{query}"), &[]);
        assert_error(&answer, 400, "bad_request", words);
    }
}

#[test]
fn a_record_dropped_for_its_age_is_gone_and_one_nobody_wrote_is_not_found() {
    let rig = Rig::start();
    let record = ask(&rig, "small", "one/1", "s-1", "shop");
    let detail = format!("/admin/records/{record}");
    assert_eq!(rig.http().get(&detail, &[]).json()["proof"]["verified"], true);
    let script = "for name, in db.execute(\"SELECT name FROM sqlite_master WHERE type = 'table'\").fetchall():\n    \
                  if name.split('_')[0] in ('bodies', 'records') and name != 'bodies':\n        \
                  db.execute('DROP TABLE ' + name)";
    sqlite(&database(&rig.waymark), script);
    assert_error(&rig.http().get(&detail, &[]), 410, "dropped", "older than records are kept");
    assert_eq!(records(&page(&rig, "")), Vec::<String>::new());
    let other = "/admin/records/01890a5d-ac96-774b-bcce-b302099a8057";
    assert_error(&rig.http().get(other, &[]), 404, "not_found", "there is no record");
}

#[test]
fn the_status_says_how_the_ledger_is_kept() {
    let mut rig = Rig::start();
    ask(&rig, "small", "one/1", "s-1", "shop");
    let ledger = rig.http().get("/admin/status", &[]).json()["ledger"].clone();
    assert_eq!((&ledger["store"], &ledger["pending"]), (&json!("sqlite"), &json!(0)), "{ledger}");
    assert_eq!(ledger["keep_payloads_for"], Value::Null);
    rig.waymark.stop();
    rig.waymark.env("WAYMARK_LEDGER_KEEP_RECORDS_FOR", "30d");
    rig.waymark.start();
    let ledger = rig.http().get("/admin/status", &[]).json()["ledger"].clone();
    assert_eq!(ledger["keep_records_for"], 30 * 86_400, "{ledger}");
}
