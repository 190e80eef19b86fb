//! The public log over HTTP and as static files, read by an implementation that is not ours, and cosigned by a witness.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::cosignature;
use waymark_ledger::note::{Note, Verifier};
use waymark_ledger::static_log::StaticLog;
use waymark_testkit::{Postgres, Upstream, Waymark, build_go};

use crate::rig::{BINARY, Rig, chat, wait};

/// A rig on a PostgreSQL database of its own, not started.
pub(crate) fn on_postgres(database: &str) -> (Rig, String) {
    let url = Postgres::shared().create_database(database);
    let rig = Rig::stopped(Upstream::start(), Upstream::start());
    let configuration = fs::read_to_string(rig.waymark.config()).unwrap();
    rig.waymark.configure(&format!("{configuration}\n[store]\nurl = \"{url}\"\n"));
    (rig, url)
}

/// A command that reads the rig's configuration.
pub(crate) fn run(rig: &Rig, arguments: &[&str]) -> waymark_testkit::Output {
    let config = rig.waymark.config().display().to_string();
    rig.waymark.run(&[arguments, &["--config", &config]].concat())
}

/// The program in Go, built once.
pub(crate) fn go() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log");
        build_go(&folder, Path::new(env!("CARGO_TARGET_TMPDIR")))
    })
}

fn go_accepts(key: &str, place: &str, older: &[String]) {
    let older: Vec<&str> = older.iter().map(String::as_str).collect();
    let output = Command::new(go()).args(["check", key, place]).args(older).output().unwrap();
    assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
}

fn serves_its_log(mut rig: Rig) {
    rig.waymark.start();
    let folder = TempDir::new().unwrap();
    let mut older = Vec::new();
    for round in 0..3 {
        for _ in 0..45 {
            assert_eq!(rig.chat(&chat("small", false)).status, 200);
        }
        let path = folder.path().join(format!("checkpoint-{round}"));
        fs::write(&path, rig.http().get("/log/checkpoint", &[]).text()).unwrap();
        older.push(path.display().to_string());
    }
    // A snapshot and 135 records: a whole tile and a part of the next.
    let sealed = || size(&rig.http().get("/log/checkpoint", &[]).text()) >= 271;
    wait("the log does not grow", sealed);
    let key = rig.http().get("/log/vkey", &[]).text().trim().to_owned();
    go_accepts(&key, &format!("http://{}/log", rig.waymark.address()), &older);

    let whole = rig.http().get("/log/tile/0/000", &[]);
    assert_eq!((whole.status, whole.body.len()), (200, 8_192));
    assert!(whole.header("cache-control").contains("immutable"));
    let part = rig.http().get("/log/tile/0/001.p/2", &[]);
    assert_eq!((part.status, part.body.len(), part.header("cache-control")), (200, 64, "no-store"));
    for absent in
        ["/log/tile/0/001", "/log/tile/0/1", "/log/tile/64/000", "/log/tile/entries/002", "/log/tile/x"]
    {
        assert_eq!(rig.http().get(absent, &[]).status, 404, "{absent}");
    }
    let bundle = rig.http().get("/log/tile/entries/000", &[]);
    assert!(!bundle.text().contains("mock-small"), "an entry says more than a commitment");

    // The same as files, brought up to date by a second run, with the server running and without.
    let files = folder.path().join("files").display().to_string();
    for _ in 0..2 {
        let exported = run(&rig, &["export", "--format", "tiles", "--output", &files]);
        assert_eq!(exported.code, Some(0), "{exported:?}");
        go_accepts(&key, &files, &older);
        rig.chat(&chat("small", false));
    }
    assert_eq!(rig.waymark.stop().code, Some(0));
    let exported = run(&rig, &["export", "--format", "tiles", "--output", &files]);
    assert_eq!(exported.code, Some(0), "{exported:?}");
    go_accepts(&key, &files, &older);
    let verifier = Verifier::from_text(&key).unwrap();
    let mut log =
        StaticLog::open(&[verifier], |path| fs::read(folder.path().join("files").join(path))).unwrap();
    let mut entries = 0;
    log.check(|_, entry| {
        assert!(entry.starts_with(b"{\"hmac_sha256\":"));
        entries += 1;
    })
    .unwrap();
    assert_eq!(entries, log.checkpoint().size);
}

fn size(note: &str) -> u64 {
    note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or_default()
}

#[test]
fn anybody_s_tools_read_the_log() {
    serves_its_log(Rig::stopped(Upstream::start(), Upstream::start()));
}

#[test]
fn anybody_s_tools_read_the_log_on_postgresql() {
    serves_its_log(on_postgres("log").0);
}

/// A witness of its own process cosigns what the log grows by; a log that lost its end is told so.
#[test]
fn checkpoints_are_cosigned_and_a_rollback_is_noticed() {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    let mut witness = Waymark::new(BINARY);
    let configuration = fs::read_to_string(rig.waymark.config()).unwrap();
    // The key is known once the ledger is.
    rig.waymark.start();
    let key = rig.http().get("/log/vkey", &[]).text().trim().to_owned();
    assert_eq!(rig.waymark.stop().code, Some(0));
    let mut command = witness.command();
    command.args(["witness", "--listen", "127.0.0.1:0", "--log", &key, "--data-dir"]).arg(witness.data_dir());
    let http = witness.launch(command);
    let _ = http;
    let vkey = fs::read_to_string(witness.data_dir().join("witness.vkey")).unwrap().trim().to_owned();
    let named = format!("http://{} {vkey}", witness.address());
    rig.waymark.configure(&format!(
        "{configuration}\n[ledger]\nwitnesses = [\"{named}\"]\n[ledger.anchor]\nevery = \"1s\"\ngit = \"off\"\n"
    ));
    rig.waymark.start();
    for _ in 0..3 {
        assert_eq!(rig.chat(&chat("small", false)).status, 200);
    }
    let verifier = cosignature::Verifier::from_text(&vkey).unwrap();
    let cosigned = || {
        let note = rig.http().get("/log/checkpoint", &[]).text();
        Note::parse(&note).ok().and_then(|note| verifier.check(&note).ok()).is_some() && size(&note) >= 7
    };
    wait("no cosignature", cosigned);
    let note = rig.http().get("/log/checkpoint", &[]).text();
    Checkpoint::open(&note, &Verifier::from_text(&key).unwrap()).unwrap();
    let status = rig.http().get("/admin/status", &[]).json();
    assert_eq!(status["ledger"]["witnesses"][0]["name"], verifier.name(), "{status}");
    assert_eq!(rig.waymark.stop().code, Some(0));
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.stdout.contains("signatures of witnesses"), "{verified:?}");

    // The proof that an auditor is given carries the witness's line as well.
    let copy = fs::read(rig.waymark.data_dir().join("ledger.db")).unwrap();
    rig.waymark.start();
    let answered = rig.chat(&chat("small", false));
    wait("nothing more cosigned", || size(&rig.http().get("/log/checkpoint", &[]).text()) > size(&note));
    assert_eq!(rig.waymark.stop().code, Some(0));
    drop(answered);

    // Put back to an older state, with the checkpoint beside it gone as well: the witness remembers.
    fs::write(rig.waymark.data_dir().join("ledger.db"), copy).unwrap();
    fs::remove_file(rig.waymark.data_dir().join("ledger.head")).unwrap();
    rig.waymark.start();
    wait("the rollback was not noticed", || {
        let status = rig.http().get("/admin/status", &[]).json();
        let error = status["ledger"]["witnesses"][0]["error"].as_str().unwrap_or_default().to_owned();
        error.contains("has cosigned")
    });
    rig.waymark.stop();
}
