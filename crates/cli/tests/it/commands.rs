//! Commands and their exit codes: 0 well, 1 the check failed, 2 usage, 3 cannot reach.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use waymark_testkit::{Http, Output, Repository, Waymark, wait_until};

use crate::rig::{BINARY, Rig, chat, sample_repository};

/// One command of Python's own SQLite on the ledger's database; says what it printed.
pub(crate) fn sqlite(database: &Path, script: &str) -> String {
    let output = Command::new("python3")
        .args([
            "-c",
            &format!(
                "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n{script}\ndb.commit()\ndb.close()\n"
            ),
        ])
        .arg(database)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn database(waymark: &Waymark) -> PathBuf {
    let is_database =
        |path: &Path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"));
    let mut files = std::fs::read_dir(waymark.data_dir()).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| is_database(path)).unwrap_or_else(|| panic!("no database in the data directory"))
}

fn assert_refused(output: &Output, codes: &[i32], words: &[&str]) {
    let code = output.code.unwrap_or_else(|| panic!("ended by a signal: {output:?}"));
    assert!(codes.contains(&code), "exit code {code}: {output:?}");
    let told = output.stderr.to_lowercase();
    assert!(words.iter().any(|word| told.contains(word)), "none of {words:?} in: {}", output.stderr);
    assert!(!told.contains("panicked"), "{}", output.stderr);
    assert!(output.stdout.is_empty(), "stdout is data: {}", output.stdout);
}

#[test]
fn why_and_verify_work_with_no_server_running() {
    let mut rig = Rig::start();
    let record = rig.chat(&chat("small", false)).header("x-waymark-record").to_owned();
    assert_eq!(rig.waymark.stop().code, Some(0));
    let text = rig.waymark.run(&["why", &record]);
    assert_eq!(text.code, Some(0), "{text:?}");
    for word in ["mock-small-1", "alpha", record.as_str()] {
        assert!(text.stdout.contains(word), "no {word} in:\n{}", text.stdout);
    }
    assert_eq!(rig.waymark.why(&record)["proof"]["verified"], true);
    assert_eq!(rig.waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn a_record_nobody_wrote_is_not_explained() {
    let mut rig = Rig::start();
    rig.waymark.stop();
    let stranger = rig.waymark.run(&["why", "01936f2e-7c1b-7a52-9d3e-0123456789ab"]);
    assert_refused(&stranger, &[1], &["record"]);
    let nonsense = rig.waymark.run(&["frobnicate"]);
    assert_refused(&nonsense, &[2], &["frobnicate"]);
}

#[test]
fn one_changed_byte_is_found_and_its_record_named() {
    let mut rig = Rig::start();
    let records: Vec<String> =
        (0..5).map(|_| rig.chat(&chat("small", false)).header("x-waymark-record").to_owned()).collect();
    assert_eq!(rig.waymark.stop().code, Some(0));
    let victim = &records[2];
    let script = "\
victim = sys.argv[2] if len(sys.argv) > 2 else VICTIM
for (table,) in db.execute(\"select name from sqlite_master where type = 'table' and name like 'bodies%'\").fetchall():
    columns = [row[1] for row in db.execute(f'pragma table_info(\"{table}\")')]
    for column in columns:
        rows = db.execute(f'select rowid, \"{column}\" from \"{table}\" where typeof(\"{column}\") = \\'blob\\'').fetchall()
        for rowid, value in rows:
            at = value.find(victim.encode())
            if at >= 0 and b'mock-small-1' in value:
                at = value.find(b'mock-small-1')
                changed = value[:at] + b'n' + value[at + 1:]
                for (trigger,) in db.execute(\"select name from sqlite_master where type = 'trigger'\").fetchall():
                    db.execute(f'drop trigger \"{trigger}\"')
                db.execute(f'update \"{table}\" set \"{column}\" = ? where rowid = ?', (changed, rowid))
                print(table, column)
                db.commit()
                sys.exit(0)";
    let changed = sqlite(&database(&rig.waymark), &script.replace("VICTIM", &format!("'{victim}'")));
    assert!(!changed.is_empty(), "no leaf of {victim} in the database");
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(1), "{changed}: {verified:?}");
    let told = verified.stdout + &verified.stderr;
    assert!(told.contains(victim.as_str()), "{victim} is not named in: {told}");
}

#[test]
fn verify_of_nothing_says_that_there_is_nothing() {
    let waymark = Waymark::new(BINARY);
    let output = waymark.run(&["verify"]);
    assert_refused(&output, &[2, 3], &["no ledger", "no such", "not found", "does not exist", "nothing"]);
}

#[test]
fn up_outside_a_repository_says_what_to_do() {
    let waymark = Waymark::new(BINARY);
    let output = waymark.run(&["up", "--listen", "127.0.0.1:0"]);
    assert_refused(&output, &[2, 3], &["--repo", "git init"]);
}

#[test]
fn up_on_a_taken_port_says_what_to_do() {
    let (waymark, repository) = (Waymark::new(BINARY), sample_repository());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = waymark.data_dir().display().to_string();
    let output = waymark.run_in(repository.path(), &["up", "--listen", &address, "--data-dir", &data]);
    assert_refused(&output, &[2, 3], &["--listen"]);
    assert!(output.stderr.contains(&address), "{}", output.stderr);
}

#[test]
fn an_unwritable_data_directory_says_what_to_do() {
    let (waymark, repository) = (Waymark::new(BINARY), sample_repository());
    // A file where a folder is needed stops every user, the superuser included.
    std::fs::write(waymark.data_dir(), "a file").unwrap();
    let data = waymark.data_dir().join("below").display().to_string();
    let output = waymark.run_in(repository.path(), &["up", "--listen", "127.0.0.1:0", "--data-dir", &data]);
    assert_refused(&output, &[2, 3], &["--data-dir", "data_dir"]);
}

#[test]
fn a_broken_configuration_names_the_line_and_the_nearest_key() {
    let waymark = Waymark::new(BINARY);
    let config = waymark.config().display().to_string();
    waymark.configure("[server]\nlisten = \"127.0.0.1:0\"\ndata_dri = \"x\"\n");
    let output = waymark.run(&["serve", "--config", &config]);
    assert_refused(&output, &[2], &["data_dir"]);
    assert!(output.stderr.contains("data_dri") && output.stderr.contains('3'), "{}", output.stderr);
    waymark.configure("[server\n");
    assert_refused(&waymark.run(&["serve", "--config", &config]), &[2], &["waymark.toml"]);
    waymark.configure("[models.large]\nprovider = \"nobody\"\nid = \"x\"\n");
    assert_refused(&waymark.run(&["serve", "--config", &config]), &[2], &["nobody"]);
}

#[test]
fn two_servers_on_one_data_directory_are_refused() {
    let rig = Rig::start();
    let config = rig.waymark.config().display().to_string();
    let second = rig.waymark.run(&["serve", "--config", &config, "--listen", "127.0.0.1:0"]);
    assert_refused(&second, &[2, 3], &["already", "in use", "another", "locked"]);
    assert_eq!(rig.chat(&chat("small", false)).status, 200, "the first one goes on");
}

/// Starts `waymark up` in a folder.
fn up(waymark: &mut Waymark, folder: &Path) -> Http {
    let mut command = waymark.command();
    command.current_dir(folder).args(["up", "--listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(waymark.data_dir());
    waymark.launch(command)
}

/// Where what makes histories quick to walk is kept.
fn shadows(waymark: &Waymark) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(waymark.data_dir().join("git")).into_iter().flatten();
    folders.map(|folder| folder.unwrap().path().join("shadow")).collect()
}

#[test]
fn up_blames_what_changes_often_before_anybody_asks() {
    let (mut waymark, mut repository) = (Waymark::new(BINARY), Repository::new().in_the_present());
    for number in 0..20 {
        repository.write("src/often.rs", format!("const LAST: u32 = {number};\n"));
        repository.commit("once more");
    }
    up(&mut waymark, repository.path());
    wait_until("it is blamed", || {
        shadows(&waymark).iter().any(|shadow| {
            std::fs::read_dir(shadow.join("blames")).is_ok_and(|mut blames| blames.next().is_some())
        })
    });
    assert_eq!(waymark.stop().code, Some(0));
}

#[test]
fn a_request_that_works_is_printed_by_up() {
    let (mut waymark, repository) = (Waymark::new(BINARY), sample_repository());
    let http = up(&mut waymark, repository.path());
    assert_eq!(http.get("/healthz", &[]).status, 200);
    // Nobody has asked about a line yet.
    wait_until("the history is read ahead", || {
        shadows(&waymark).iter().any(|shadow| shadow.join("covered").exists())
    });
    let stopped = waymark.stop();
    assert_eq!(stopped.code, Some(0));
    let told = stopped.stdout + &stopped.stderr;
    for word in ["curl", "/v1/completions", "auto", "files", "tokens"] {
        assert!(told.contains(word), "no {word} in:\n{told}");
    }
    assert_eq!(waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn the_names_that_ship_are_printed_with_their_date() {
    let waymark = Waymark::new(BINARY);
    let text = waymark.run(&["config", "--stock-names"]);
    assert_eq!(text.code, Some(0), "{text:?}");
    assert!(text.stdout.starts_with("# as of 20"), "{}", text.stdout);
    let small = "small         haiku claude-*haiku* claude-instant-*  # route small, else utility, else auto";
    assert!(text.stdout.lines().any(|line| line == small), "{}", text.stdout);
    let json = waymark.run(&["config", "--stock-names", "--json"]);
    let table: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(table["routes"]["small"], serde_json::json!(["small", "utility"]));
}
