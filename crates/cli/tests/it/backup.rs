//! Backups of a server at work, and what a restored one is: a ledger that anybody can go on with and that says what it
//! lacks.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use waymark_testkit::{Output, Postgres, Upstream};

use crate::log::on_postgres;
use crate::rig::{Rig, chat, wait};

/// A server that anchors in a file of its own.
fn rig() -> Rig {
    let rig = Rig::stopped(Upstream::start(), Upstream::start());
    let configuration = fs::read_to_string(rig.waymark.config()).unwrap();
    rig.waymark.configure(&format!(
        "{configuration}\n[ledger]\npayloads = \"keep\"\n[ledger.anchor]\ngit = \"off\"\nfile = \"anchors.txt\"\nevery = \"1s\"\n"
    ));
    rig
}

fn ask(rig: &Rig) -> String {
    let answer = rig.chat(&chat("small", false));
    assert_eq!(answer.status, 200);
    answer.header("x-waymark-record").to_owned()
}

#[track_caller]
fn ran(output: Output, code: i32) -> Output {
    assert_eq!(output.code, Some(code), "{output:?}");
    output
}

fn told(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap()
}

fn data_dir<'a>(folder: &'a Path, arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--data-dir", folder.to_str().unwrap()]].concat()
}

#[test]
fn a_backup_of_a_server_at_work_is_restored_and_served_on_from() {
    let mut rig = rig();
    rig.waymark.start();
    let old: Vec<String> = (0..5).map(|_| ask(&rig)).collect();
    let folder = TempDir::new().unwrap();
    let backup = folder.path().join("backup");
    let to = backup.display().to_string();
    let made = told(&ran(rig.waymark.run(&["backup", "--to", &to, "--json"]), 0));
    assert_eq!((&made["verified"], &made["with_key"]), (&Value::from(true), &Value::from(true)), "{made}");
    // Brought up to date, and told in words.
    let second = ask(&rig);
    let words = ran(rig.waymark.run(&["backup", "--to", &to]), 0);
    assert!(words.stdout.contains("2 of them new"), "{words:?}");
    assert!(words.stderr.contains("people's keys and records' salts"), "{words:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&backup), mode(&backup.join("ledger.key"))), (0o700, 0o600));
    }
    // A backup is a data directory.
    ran(rig.waymark.run_in(folder.path(), &data_dir(&backup, &["verify"])), 0);
    let why =
        told(&ran(rig.waymark.run_in(folder.path(), &data_dir(&backup, &["why", &old[2], "--json"])), 0));
    assert_eq!(why["proof"]["verified"], true, "{why}");

    let newer: Vec<String> = (0..3).map(|_| ask(&rig)).collect();
    let anchors = rig.waymark.home().join("anchors.txt");
    let head = fs::read_to_string(rig.waymark.data_dir().join("ledger.head")).unwrap();
    let size = head.lines().nth(1).unwrap().to_owned();
    wait("no anchor of the newest answers", || {
        fs::read_to_string(&anchors).is_ok_and(|text| text.contains(&format!("\n{size}\n")))
    });
    rig.waymark.kill();

    // The machine is gone; what is left is the backup, and the anchor elsewhere.
    let restored = rig.waymark.data_dir();
    fs::remove_dir_all(&restored).unwrap();
    fs::create_dir(&restored).unwrap();
    for name in ["ledger.key", "ledger.vkey"] {
        fs::copy(backup.join(name), restored.join(name)).unwrap();
    }
    let from = format!("sqlite:{to}/ledger.db");
    let moved =
        told(&ran(rig.waymark.run(&["store", "migrate", "--from", &from, "--to", "sqlite", "--json"]), 0));
    assert_eq!(
        moved["root"],
        told(&ran(rig.waymark.run_in(folder.path(), &data_dir(&backup, &["verify", "--json"])), 0))["root"]
    );
    ran(rig.waymark.run(&["verify"]), 0);
    for record in old.iter().chain([&second]) {
        assert_eq!(rig.waymark.why(record)["proof"]["verified"], true);
    }
    for record in &newer {
        ran(rig.waymark.run(&["why", record]), 1);
    }
    let rolled_back = ran(rig.waymark.run(&["verify", "--checkpoint", &anchors.display().to_string()]), 1);
    assert!(rolled_back.stdout.contains("rolled back: the ledger has"), "{rolled_back:?}");

    rig.waymark.start();
    let later = ask(&rig);
    rig.waymark.stop();
    ran(rig.waymark.run(&["verify"]), 0);
    assert_eq!(rig.waymark.why(&later)["proof"]["verified"], true);
    let forked = ran(rig.waymark.run(&["verify", "--checkpoint", &anchors.display().to_string()]), 1);
    assert!(forked.stdout.contains("rolled back") || forked.stdout.contains("forked"), "{forked:?}");
}

#[test]
fn a_shared_ledger_is_backed_up_into_a_file_and_moved_into_another_database() {
    let (mut rig, _) = on_postgres("backed_up");
    rig.waymark.start();
    let record = ask(&rig);
    let config = rig.waymark.config().display().to_string();
    let folder = TempDir::new().unwrap();
    let to = folder.path().join("backup").display().to_string();
    ran(rig.waymark.run(&["backup", "--config", &config, "--to", &to, "--without-key"]), 0);
    assert!(!folder.path().join("backup/ledger.key").exists());
    let backup = folder.path().join("backup");
    ran(rig.waymark.run_in(folder.path(), &data_dir(&backup, &["verify"])), 0);
    let why =
        told(&ran(rig.waymark.run_in(folder.path(), &data_dir(&backup, &["why", &record, "--json"])), 0));
    assert_eq!(why["proof"]["verified"], true, "{why}");
    rig.waymark.stop();
    let url = Postgres::shared().create_database("moved_to");
    let from = format!("sqlite:{to}/ledger.db");
    let moved = rig.waymark.run(&["store", "migrate", "--from", &from, "--to", &url]);
    assert!(ran(moved, 0).stdout.starts_with("copied and verified: "));
}

#[test]
fn what_cannot_be_a_backup_is_refused() {
    let mut rig = rig();
    rig.waymark.start();
    ask(&rig);
    rig.waymark.stop();
    let folder = TempDir::new().unwrap();
    let to = folder.path().display().to_string();
    fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    let occupied = ran(rig.waymark.run(&["backup", "--to", &to]), 2);
    assert!(occupied.stderr.contains("is neither empty nor a backup of this ledger"), "{occupied:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let itself = rig.waymark.data_dir().display().to_string();
    let refused = ran(rig.waymark.run(&["backup", "--to", &itself]), 2);
    assert!(refused.stderr.contains("is the ledger's own data directory"), "{refused:?}");
    let unknown = ["store", "migrate", "--from", "sqlite", "--to", "mysql://me:hunter2@host/d"];
    let refused = ran(rig.waymark.run(&unknown), 2);
    assert!(refused.stderr.contains("is no store") && !refused.stderr.contains("hunter2"), "{refused:?}");
    for url in ["postgres://me:hunter2@127.0.0.1:1/d", "postgres://127.0.0.1:1/d?password=hunter2"] {
        let refused = ran(rig.waymark.run(&["store", "migrate", "--from", "sqlite", "--to", url]), 3);
        assert!(refused.stderr.contains("127.0.0.1:1/d"), "{refused:?}");
        assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
    }
    let missing = format!("sqlite:{to}/none.db");
    let refused = ran(rig.waymark.run(&["store", "migrate", "--from", &missing, "--to", "sqlite"]), 3);
    assert!(refused.stderr.contains("there is no ledger at"), "{refused:?}");
}
