//! Erasure: what was kept of a person or a record is gone from every file of the database, and the ledger stays whole.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use waymark_ledger::commitment::hex;
use waymark_testkit::{Postgres, Reply, Upstream};

use crate::log::{on_postgres, run};
use crate::rig::Rig;

/// Words that stand in the request and in the answer and nowhere else.
const ASKED: &str = "zanzibar-question-7731";
const ANSWERED: &str = "word23";

fn kept(rig: &Rig) {
    let configuration = fs::read_to_string(rig.waymark.config()).unwrap();
    rig.waymark.configure(&format!("{configuration}\n[ledger]\npayloads = \"keep\"\n"));
}

fn ask(rig: &Rig) -> String {
    let body = json!({"model": "small", "messages": [{"role": "user", "content": ASKED}]});
    let answer = rig.chat(&body);
    assert_eq!(answer.status, 200);
    answer.header("x-waymark-record").to_owned()
}

/// The files below a folder in which these bytes occur.
pub(crate) fn occurs(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(occurs(&path, bytes));
        } else if fs::read(&path).is_ok_and(|file| file.windows(bytes.len()).any(|window| window == bytes)) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// The rows of a query, bytes in hexadecimal.
fn sqlite(rig: &Rig, sql: &str) -> Vec<String> {
    let script = format!(
        "for row in db.execute(\"{sql}\"): print('|'.join(v.hex() if isinstance(v, bytes) else str(v) for v in row))"
    );
    let told = crate::commands::sqlite(&crate::commands::database(&rig.waymark), &script);
    told.lines().map(str::to_owned).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn no_text_is_ever_readable_in_the_database() {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    kept(&rig);
    rig.waymark.start();
    ask(&rig);
    for text in [ASKED, ANSWERED] {
        assert_eq!(occurs(rig.waymark.data_dir().as_path(), text.as_bytes()), Vec::<String>::new());
    }
    rig.waymark.stop();
}

#[test]
fn an_erased_record_leaves_no_salt_and_no_text_in_any_file() {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    kept(&rig);
    rig.waymark.start();
    let records: Vec<String> = (0..3).map(|_| ask(&rig)).collect();
    let table = |name: &str| {
        let like = format!("select name from sqlite_master where name like '{name}_%' and type = 'table'");
        sqlite(&rig, &like)[0].clone()
    };
    let id = records[1].replace('-', "");
    let salt = unhex(
        &sqlite(&rig, &format!("select salt from {} where hex(record) = upper('{id}')", table("salts")))[0],
    );
    let texts =
        sqlite(&rig, &format!("select text from {} where hex(record) = upper('{id}')", table("texts")));
    assert_eq!(texts.len(), 2);

    // With the server running: it goes on afterwards.
    let erased = run(&rig, &["erase", "--record", &records[1], "--yes", "--json"]);
    assert_eq!(erased.code, Some(0), "{erased:?}");
    let told: Value = serde_json::from_str(&erased.stdout).unwrap();
    assert_eq!((&told["erased"]["record"], &told["left"]), (&json!(records[1]), &json!([])), "{told}");
    let folder = rig.waymark.data_dir();
    assert_eq!(occurs(&folder, &salt), Vec::<String>::new());
    for text in &texts {
        // The middle of it too: pages may hold pieces.
        let bytes = unhex(text);
        assert_eq!(occurs(&folder, &bytes[..24]), Vec::<String>::new());
        assert_eq!(occurs(&folder, &bytes[bytes.len() - 24..]), Vec::<String>::new());
    }
    let after = ask(&rig);
    assert_eq!(rig.waymark.stop().code, Some(0));
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.stdout.contains("1 erasures"), "{verified:?}");
    for record in records.iter().chain([&after]) {
        assert_eq!(rig.waymark.why(record)["served_model"], "mock-large-2026-01-01");
    }
    let again = run(&rig, &["erase", "--record", &records[1], "--yes"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    // Nothing is destroyed by a script that does not say that it knows.
    let unsure = run(&rig, &["erase", "--record", &records[0]]);
    assert_eq!(unsure.code, Some(2), "{unsure:?}");
    assert_eq!(rig.waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn an_erased_person_leaves_no_name_and_no_key_in_any_file() {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    kept(&rig);
    rig.waymark.start();
    let records: Vec<String> = (0..3).map(|_| ask(&rig)).collect();
    assert_eq!(rig.waymark.why(&records[0])["principal"], "local");
    let key = unhex(&sqlite(&rig, "select key from subjects where name = 'local'")[0]);
    assert_eq!(rig.waymark.stop().code, Some(0));
    let erased = run(&rig, &["erase", "--subject", "local", "--yes", "--reason", "asked for it"]);
    assert_eq!(erased.code, Some(0), "{erased:?}");
    assert_eq!(occurs(&rig.waymark.data_dir(), &key), Vec::<String>::new());
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let told = rig.waymark.why(&records[0]);
    assert_eq!((&told["principal"], &told["served_model"]), (&Value::Null, &json!("mock-large-2026-01-01")));
    assert_eq!(told["proof"]["verified"], true);
    // Whoever comes by that name later is somebody else.
    rig.waymark.start();
    let later = rig.waymark.why(&ask(&rig));
    assert_eq!(later["principal"], "local");
    assert_ne!(later["subject"], told["subject"]);
    rig.waymark.stop();
    assert_eq!(rig.waymark.run(&["verify"]).code, Some(0));
    let nobody = run(&rig, &["erase", "--subject", "nobody", "--yes"]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
}

/// The same on PostgreSQL, down to its files: the cluster is this test's own, and reuses no segment of its log.
#[test]
fn an_erased_person_is_gone_from_postgresql_s_files_as_well() {
    let server = Postgres::start();
    server.sql(
        "postgres",
        "ALTER SYSTEM SET wal_recycle = off; ALTER SYSTEM SET wal_init_zero = on; SELECT pg_reload_conf()",
    );
    let url = server.create_database("erasure");
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    let configuration = fs::read_to_string(rig.waymark.config()).unwrap();
    rig.waymark.configure(&format!("{configuration}\n[store]\nurl = \"{url}\"\n"));
    kept(&rig);
    rig.waymark.start();
    let records: Vec<String> = (0..3).map(|_| ask(&rig)).collect();
    let key = unhex(&server.sql("erasure", "SELECT encode(key, 'hex') FROM subjects"));
    server.sql("postgres", "CHECKPOINT");
    assert!(!occurs(&server.data_dir(), &key).is_empty(), "the test looks in the wrong place");
    assert_eq!(occurs(&server.data_dir(), ASKED.as_bytes()), Vec::<String>::new());
    assert_eq!(rig.waymark.stop().code, Some(0));
    let erased = run(&rig, &["erase", "--subject", "local", "--yes", "--json"]);
    assert_eq!(erased.code, Some(0), "{erased:?}");
    // Segments of the log go at the checkpoint after the one that no longer needs them.
    server.sql("postgres", "SELECT pg_switch_wal(); CHECKPOINT; SELECT pg_switch_wal(); CHECKPOINT");
    assert_eq!(occurs(&server.data_dir(), &key), Vec::<String>::new(), "{}", hex(&key));
    let verified = run(&rig, &["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let why = run(&rig, &["why", &records[0], "--json"]);
    let told: Value = serde_json::from_str(&why.stdout).unwrap();
    assert_eq!((&told["principal"], &told["served_model"]), (&Value::Null, &json!("mock-large-2026-01-01")));
}

/// Another gateway, or a command, was handed a key and a database that do not belong together.
#[test]
fn a_shared_ledger_is_written_only_by_who_has_its_key() {
    let (mut first, url) = on_postgres("keys");
    first.waymark.start();
    let record = ask(&first);
    let mut second = Rig::stopped(Upstream::start(), Upstream::start());
    let configuration = fs::read_to_string(second.waymark.config()).unwrap();
    second.waymark.configure(&format!("{configuration}\n[store]\nurl = \"{url}\"\n"));
    let refused = second.waymark.try_start_with(&[]).unwrap_err();
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("copy ledger.key"), "{refused:?}");
    for name in ["ledger.key", "ledger.vkey"] {
        fs::copy(first.waymark.data_dir().join(name), second.waymark.data_dir().join(name)).unwrap();
    }
    second.waymark.start();
    let other = ask(&second);
    // Each tells the other's records.
    assert_eq!(second.http().get(&format!("/admin/records/{record}"), &[]).status, 200);
    assert_eq!(first.http().get(&format!("/admin/records/{other}"), &[]).status, 200);
    first.openai.push(Reply::body(500, "application/json", "{}"));
    first.waymark.stop();
    second.waymark.stop();
    let verified = run(&second, &["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.stdout.contains("2 records (0 open)"), "{verified:?}");
}
