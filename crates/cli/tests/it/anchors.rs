//! Checkpoints anchored outside the process, and what `verify` makes of them: rollback and fork are named.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;

use serde_json::Value;
use tempfile::TempDir;
use waymark_testkit::{DEADLINE, Output, Upstream};

use crate::rig::{Rig, chat, wait};

const REF: &str = "refs/waymark/checkpoints";

/// A server with these lines under `[ledger.anchor]`, not started.
fn rig(anchor: &str) -> Rig {
    let rig = Rig::stopped(Upstream::start(), Upstream::start());
    let configuration = fs::read_to_string(rig.waymark.config()).unwrap();
    rig.waymark.configure(&format!("{configuration}\n[ledger.anchor]\n{anchor}\n"));
    rig
}

/// Starts the server, asks for `answers` answers and stops it.
fn serve(rig: &mut Rig, answers: usize) -> Output {
    rig.waymark.start();
    let tried = |anchor: &Value| anchor["size"].is_u64() || anchor["error"].is_string();
    wait("no anchor at the start", || status(rig).iter().all(tried));
    for _ in 0..answers {
        assert_eq!(rig.chat(&chat("small", false)).status, 200);
    }
    let stopped = rig.waymark.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    stopped
}

/// `verify` by the configuration, with these arguments more.
fn verify(rig: &Rig, arguments: &[&str]) -> Output {
    let config = rig.waymark.config().display().to_string();
    rig.waymark.run(&[&["verify", "--config", &config], arguments].concat())
}

#[track_caller]
fn assert_clean(output: &Output, saved: usize) {
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stdout.contains(&format!("saved outside ({saved})")), "{output:?}");
}

#[track_caller]
fn assert_bad(output: &Output, words: &str) {
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stdout.contains(words), "no {words:?} in: {output:?}");
}

/// What the data directory holds of the ledger itself: its database and the checkpoint beside it.
fn copy(rig: &Rig) -> Vec<(PathBuf, Vec<u8>)> {
    let files = ["ledger.db", "ledger.head"].map(|name| rig.waymark.data_dir().join(name));
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn restore(copy: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in copy {
        fs::write(path, bytes).unwrap();
    }
}

fn status(rig: &Rig) -> Vec<Value> {
    rig.http().get("/admin/status", &[]).json()["ledger"]["anchors"].as_array().unwrap().clone()
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .current_dir(directory)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "");
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn anchors_travel_with_the_repository_and_a_clone_checks_the_ledger() {
    let mut rig = rig("every = \"1h\"");
    rig.waymark.start();
    wait("no anchor at the start", || status(&rig)[0]["size"].is_u64());
    let [first] = &status(&rig)[..] else { panic!("one anchor") };
    assert_eq!((&first["kind"], &first["error"]), (&Value::from("git"), &Value::Null), "{first}");
    assert!(first["place"].as_str().unwrap().ends_with(REF), "{first}");
    for _ in 0..3 {
        rig.chat(&chat("small", false));
    }
    assert_eq!(rig.waymark.stop().code, Some(0));

    let log = rig.repository.git(&["log", "--format=%s", REF]);
    let sizes: Vec<&str> = log.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(sizes.len(), 2, "at the start and at the end: {log}");
    assert!(log.starts_with("waymark checkpoint: waymark/"), "{log}");
    assert_eq!(
        sizes[0].parse::<u64>().unwrap(),
        first["size"].as_u64().unwrap() + 6,
        "three answers later: {log}"
    );

    let folder = TempDir::new().unwrap();
    git(folder.path(), &["init", "--quiet", "--bare", "origin.git"]);
    let origin = folder.path().join("origin.git").display().to_string();
    rig.repository.git(&["remote", "add", "origin", &origin]);
    rig.repository.git(&["push", "--quiet", "origin", REF]);
    git(folder.path(), &["clone", "--quiet", &origin, "clone"]);
    let clone = folder.path().join("clone");
    git(&clone, &["fetch", "--quiet", "origin", "refs/waymark/*:refs/waymark/*"]);
    let verified = rig.waymark.run(&["verify", "--repo", &clone.display().to_string()]);
    assert_clean(&verified, 2);
    assert_clean(&verify(&rig, &[]), 2);
    let json = verify(&rig, &["--json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap()["saved"], 2);
}

#[test]
fn a_file_and_an_address_get_what_the_ledger_signed() {
    let (address, received) = collector();
    let mut rig = rig(&format!(
        "git = \"off\"\nfile = \"anchors.txt\"\nurl = \"http://{address}/here\"\nurl_header_env = \"ANCHOR_HEADER\"\nevery = \"1h\""
    ));
    rig.waymark.env("ANCHOR_HEADER", "Authorization: Bearer of-news");
    serve(&mut rig, 2);
    let file = rig.waymark.home().join("anchors.txt").display().to_string();
    let anchored = fs::read_to_string(&file).unwrap();
    assert_eq!(anchored.matches("\u{2014} waymark/").count(), 2, "{anchored}");
    for _ in 0..2 {
        let post = received.recv_timeout(DEADLINE).unwrap();
        let (head, note) = post.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with("post /here http/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: text/plain; charset=utf-8\r\n"), "{head}");
        assert!(head.contains("authorization: bearer of-news"), "{head}");
        assert!(anchored.contains(note), "{note} is not in {anchored}");
    }
    let refs = rig.repository.git(&["for-each-ref", "refs/waymark"]);
    assert!(refs.is_empty(), "git is off: {refs}");
    assert_clean(&rig.waymark.run(&["verify", "--checkpoint", &file]), 2);
    // By the configuration alone, and beside one note by itself.
    assert_clean(&verify(&rig, &[]), 2);
    let head = rig.waymark.data_dir().join("ledger.head").display().to_string();
    assert_clean(&verify(&rig, &["--checkpoint", &file, "--checkpoint", &head]), 5);
}

/// A server that takes whatever is posted to it.
fn collector() -> (std::net::SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (send, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut text) = (stream.unwrap(), Vec::new());
            let mut piece = [0; 4096];
            while !String::from_utf8_lossy(&text).contains("\n\u{2014} ") || !text.ends_with(b"\n") {
                let read = stream.read(&mut piece).unwrap();
                assert!(read > 0, "cut off");
                text.extend_from_slice(&piece[..read]);
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
            if send.send(String::from_utf8(text).unwrap()).is_err() {
                return;
            }
        }
    });
    (address, received)
}

#[test]
fn an_older_copy_of_the_database_is_a_rollback() {
    let mut rig = rig("every = \"1h\"");
    serve(&mut rig, 2);
    let older = copy(&rig);
    serve(&mut rig, 2);
    assert_clean(&verify(&rig, &[]), 3);
    restore(&older);
    let told = verify(&rig, &[]);
    assert_bad(&told, "rolled back: the ledger has");
    assert_bad(&told, "its key signed");
    // Nothing but the anchors tells: without them, an older copy is as good as it was then.
    let elsewhere = TempDir::new().unwrap();
    let unanchored = ["verify", "--data-dir", &rig.waymark.data_dir().display().to_string()];
    assert_eq!(rig.waymark.run_in(elsewhere.path(), &unanchored).code, Some(0));
    // A server on it says so as well, and answers.
    rig.waymark.start();
    wait("no word of the rollback", || status(&rig)[0]["error"].is_string());
    let told = status(&rig)[0]["error"].as_str().unwrap().to_owned();
    assert!(told.starts_with("the ledger was rolled back: it has"), "{told}");
    assert_eq!(rig.chat(&chat("small", false)).status, 200);
    let stopped = rig.waymark.stop();
    assert!(stopped.stderr.contains("the ledger was rolled back"), "{}", stopped.stderr);
}

#[test]
fn another_history_signed_by_the_same_key_is_a_fork() {
    let mut rig = rig("every = \"1h\"\nfile = \"anchors.txt\"");
    serve(&mut rig, 2);
    let older = copy(&rig);
    let file = rig.waymark.home().join("anchors.txt").display().to_string();
    serve(&mut rig, 2);
    let kept = rig.waymark.home().join("kept.txt").display().to_string();
    fs::copy(&file, &kept).unwrap();
    restore(&older);
    // Whoever does this would not anchor what they do.
    let off = rig.waymark.home().join("off.toml").display().to_string();
    let on = fs::read_to_string(rig.waymark.config()).unwrap();
    let unanchored = on.split("[ledger.anchor]").next().unwrap();
    fs::write(&off, format!("{unanchored}[ledger.anchor]\ngit = \"off\"\n")).unwrap();
    fs::copy(&off, rig.waymark.config()).unwrap();
    serve(&mut rig, 3);
    let words = "forked: the key signed two histories of";
    let repository = rig.repository.path().display().to_string();
    assert_bad(&rig.waymark.run(&["verify", "--repo", &repository]), words);
    let told = rig.waymark.run(&["verify", "--checkpoint", &kept]);
    assert_bad(&told, words);
    assert_bad(&told, "they agree up to leaf");
    // Found in the current repository without being named.
    let data = rig.waymark.data_dir().display().to_string();
    assert_bad(&rig.waymark.run_in(rig.repository.path(), &["verify", "--data-dir", &data]), words);
}

#[test]
fn checkpoints_of_others_are_named_or_passed_over() {
    let mut mine = rig("every = \"1h\"");
    serve(&mut mine, 1);
    let mut other = rig("every = \"1h\"");
    let theirs = fs::read_to_string(other.waymark.config()).unwrap();
    let path = |rig: &Rig| rig.repository.path().display().to_string();
    other.waymark.configure(&theirs.replace(&path(&other), &path(&mine)));
    serve(&mut other, 1);
    // Two ledgers in one repository: each is checked against its own.
    let told = verify(&mine, &[]);
    assert_clean(&told, 2);
    assert!(told.stderr.contains("also has checkpoints of other logs: waymark/"), "{}", told.stderr);
    assert_clean(&verify(&other, &[]), 2);
    let head = |rig: &Rig| rig.waymark.data_dir().join("ledger.head");
    let stranger = head(&other).display().to_string();
    assert_bad(&verify(&mine, &["--checkpoint", &stranger]), "it is a checkpoint of another log, waymark/");
    let mut changed = fs::read_to_string(head(&mine)).unwrap();
    changed = changed.replacen('\n', "\n1", 1);
    let file = mine.waymark.home().join("changed").display().to_string();
    fs::write(&file, changed).unwrap();
    assert_bad(&verify(&mine, &["--checkpoint", &file]), "it was changed after the ledger's key signed it");
    fs::write(&file, "no checkpoint\n").unwrap();
    let nothing = verify(&mine, &["--checkpoint", &file]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    let nowhere = verify(&mine, &["--repo", &mine.waymark.home().display().to_string()]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
}

#[test]
fn an_anchor_is_made_now_and_without_a_server() {
    let mut rig = rig("git = \"off\"");
    serve(&mut rig, 1);
    let config = rig.waymark.config().display().to_string();
    let nowhere = rig.waymark.run(&["anchor", "--config", &config]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("--repo"), "{}", nowhere.stderr);
    let repository = rig.repository.path().display().to_string();
    let anchored = rig.waymark.run(&["anchor", "--repo", &repository, "--json"]);
    assert_eq!(anchored.code, Some(0), "{anchored:?}");
    let told: Value = serde_json::from_str(&anchored.stdout).unwrap();
    assert_eq!(
        (&told["anchors"][0]["kind"], &told["anchors"][0]["error"]),
        (&Value::from("git"), &Value::Null)
    );
    assert_clean(&rig.waymark.run(&["verify", "--repo", &repository]), 1);
    let again = rig.waymark.run(&["anchor", "--repo", &repository]);
    assert!(again.stdout.starts_with("anchored: "), "{again:?}");
    assert_eq!(rig.repository.git(&["rev-list", "--count", REF]).trim(), "1");
    let gone = rig.repository.path().join("gone").display().to_string();
    let failed = rig.waymark.run(&["anchor", "--repo", &gone]);
    assert_eq!(failed.code, Some(3), "{failed:?}");
    assert!(failed.stdout.contains("is not in a git repository"), "{failed:?}");
}

#[test]
fn a_repository_that_vanishes_costs_a_warning_and_no_answer() {
    let mut rig = rig("every = \"1s\"");
    rig.waymark.start();
    wait("no anchor at the start", || status(&rig)[0]["size"].is_u64());
    fs::remove_dir_all(rig.repository.path().join(".git")).unwrap();
    assert_eq!(rig.chat(&chat("small", false)).status, 200);
    wait("no word of what is wrong", || status(&rig)[0]["error"].is_string());
    assert_eq!(rig.chat(&chat("small", false)).status, 200);
    let stopped = rig.waymark.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(stopped.stderr.contains("no anchor in"), "{}", stopped.stderr);
}

#[test]
fn the_user_s_git_does_not_reach_an_anchor() {
    let mut rig = rig("every = \"1h\"");
    let elsewhere = TempDir::new().unwrap();
    git(elsewhere.path(), &["init", "--quiet"]);
    let hooks = rig.waymark.home().join("hooks");
    fs::create_dir(&hooks).unwrap();
    fs::write(hooks.join("reference-transaction"), "#!/bin/sh\ntouch \"$HOME/ran\"\nexit 1\n").unwrap();
    #[cfg(unix)]
    fs::set_permissions(
        hooks.join("reference-transaction"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let settings = format!(
        "[core]\n\thooksPath = {}\n[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = false\n[user]\n\tname = Somebody Else\n",
        hooks.display()
    );
    fs::write(rig.waymark.home().join(".gitconfig"), settings).unwrap();
    rig.waymark.env("GIT_DIR", &elsewhere.path().join(".git").display().to_string());
    rig.waymark.env("GIT_INDEX_FILE", &elsewhere.path().join("index").display().to_string());
    rig.waymark.env("GIT_AUTHOR_NAME", "Somebody Else");
    rig.waymark.env("GIT_COMMITTER_DATE", "1970-01-01T00:00:00Z");
    serve(&mut rig, 1);
    assert!(git(elsewhere.path(), &["for-each-ref"]).is_empty());
    let log = rig.repository.git(&["log", "--format=%an %cn %ct", REF]);
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(log.lines().all(|line| line.starts_with("waymark waymark 1") && !line.ends_with(" 0")), "{log}");
    assert!(!rig.waymark.home().join("ran").exists(), "a hook ran");
}
