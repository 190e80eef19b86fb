//! Go reads our logs and proofs, and we read Go's.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::note::Verifier;
use waymark_ledger::proof_file::Proof;
use waymark_ledger::static_log::StaticLog;
use waymark_ledger::tree::is_consistent;

use crate::written::{Written, spoil};

const SIZES: [u64; 7] = [1, 2, 255, 256, 257, 1000, 70_000];

/// The program that stands on x/mod.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/log");
    waymark_testkit::build_go(&folder, Path::new(env!("CARGO_TARGET_TMPDIR")))
});

/// What the program answers, or what it finds wrong.
fn go<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<String, String> {
    let output = Command::new(&*PROGRAM).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn check(log: &Written) -> Result<String, String> {
    let (key, path) = (log.key(), log.path());
    let arguments = [OsStr::new("check"), key.as_ref(), path.as_ref()];
    go(arguments.into_iter().chain(log.checkpoints.iter().map(AsRef::as_ref)))
}

#[test]
fn go_reads_our_logs() {
    let mut log = Written::new();
    log.grow(0);
    assert_eq!(check(&log).unwrap(), "0 records\n");
    for (older, size) in (1..).zip(SIZES) {
        log.grow(size);
        let told = format!("{size} records, consistent with {} older checkpoints\n", older + 1);
        assert_eq!(check(&log).unwrap(), told);
        for index in [0, size / 3, size / 2, size - 1] {
            let (proof, leaf) = log.prove(index);
            let told = go([OsStr::new("proof"), log.key().as_ref(), proof.as_ref(), leaf.as_ref()]);
            assert_eq!(told.unwrap(), format!("record {index} of {size}\n"));
        }
    }
}

#[test]
fn go_refuses_our_logs_when_they_are_changed() {
    for path in [
        "checkpoint",
        "tile/0/002",
        "tile/0/003.p/232",
        "tile/1/000.p/3",
        "tile/entries/001",
        "tile/entries/003.p/232",
    ] {
        let mut log = Written::new();
        log.grow(1000);
        assert!(check(&log).is_ok());
        spoil(&log.path().join(path));
        assert!(check(&log).is_err(), "{path}");
    }
    let mut log = Written::new();
    log.grow(1000);
    let (proof, leaf) = log.prove(500);
    spoil(&leaf);
    assert!(go([OsStr::new("proof"), log.key().as_ref(), proof.as_ref(), leaf.as_ref()]).is_err());
}

#[test]
fn we_read_go_s_logs() {
    let keys = go(["key", "example.com/go-log"]).unwrap();
    let (secret, public) = keys.trim().split_once('\n').unwrap();
    let known = [Verifier::from_text(public).unwrap()];
    let folder = TempDir::new().unwrap();
    for (count, size) in (1..).zip(SIZES) {
        let path = folder.path().join(size.to_string());
        let sizes = SIZES[..count].iter().map(u64::to_string);
        let arguments = ["make", secret, path.to_str().unwrap()].map(str::to_owned);
        go(arguments.into_iter().chain(sizes)).unwrap();
        let mut log = StaticLog::open(&known, |name| fs::read(path.join(name))).unwrap();
        let mut read = 0;
        log.check(|_, _| read += 1).unwrap();
        assert_eq!((read, log.checkpoint().size), (size, size));
        let newest = log.checkpoint().clone();
        for old in &SIZES[..count] {
            let note = fs::read_to_string(path.join(format!("checkpoints/{old}"))).unwrap();
            let (older, proof) =
                (Checkpoint::open_any(&note, &known).unwrap(), log.consistency(*old).unwrap());
            assert!(
                is_consistent(older.size, &older.root, newest.size, &newest.root, &proof),
                "{old} to {size}"
            );
        }
        prove_all(&path, &known);
    }
}

/// Checks the proofs that stand beside a log of Go's.
fn prove_all(log: &Path, known: &[Verifier]) {
    let mut proven = 0;
    for file in fs::read_dir(log.join("proofs")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some() {
            let proof = Proof::parse(&fs::read_to_string(&path).unwrap()).unwrap();
            let leaf = fs::read(path.with_extension("")).unwrap();
            proof.verify(&leaf, known, &[]).unwrap();
            assert!(proof.verify(&[&leaf[..], b"."].concat(), known, &[]).is_err());
            proven += 1;
        }
    }
    assert!(proven > 0);
}

#[test]
fn we_refuse_go_s_logs_when_they_are_changed() {
    let keys = go(["key", "example.com/go-log"]).unwrap();
    let (secret, public) = keys.trim().split_once('\n').unwrap();
    let known = [Verifier::from_text(public).unwrap()];
    for name in
        ["tile/0/002", "tile/0/003.p/232", "tile/1/000.p/3", "tile/entries/001", "tile/entries/003.p/232"]
    {
        let folder = TempDir::new().unwrap();
        go(["make", secret, folder.path().to_str().unwrap(), "1000"]).unwrap();
        spoil(&folder.path().join(name));
        let log = StaticLog::open(&known, |name| fs::read(folder.path().join(name)));
        assert!(log.and_then(|mut log| log.check(|_, _| ())).is_err(), "{name}");
    }
}
