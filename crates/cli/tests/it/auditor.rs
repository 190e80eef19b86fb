//! The steps that `docs/ledger.md` gives to an auditor, run as they stand there: public tools alone accept a proof, and
//! refuse whatever was changed in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tempfile::TempDir;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::commitment::{commit, hex};
use waymark_ledger::note::Signer;
use waymark_ledger::tree::{Frontier, Hash, leaf_hash, node_hash};

use crate::rig::{Rig, chat};

/// What `why --proof` writes.
const FILES: [&str; 6] = ["leaf", "body.json", "salt", "proof.tlog-proof", "checkpoint", "vkey"];

/// The section's shell blocks, one after another, as one script.
fn script() -> String {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ledger.md")).unwrap();
    let (_, section) = page.split_once("\n## Check it yourself with openssl and sha256sum\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks: Vec<&str> =
        section.split("\n```bash\n").skip(1).map(|block| block.split("\n```\n").next().unwrap()).collect();
    assert_eq!(blocks.len(), 4, "the steps of the page");
    blocks.join("\n")
}

/// Follows the page in a folder.
fn follow(folder: &Path) -> Output {
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-euo", "pipefail", "-c", &script()]);
    bash.current_dir(folder).env("LC_ALL", "C").output().unwrap()
}

#[track_caller]
fn assert_accepted(folder: &Path) {
    let output = follow(folder);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    for words in ["commits to this body", "lies under the root", "the key is", "signed"] {
        assert!(told.contains(words), "no {words:?} in {told}");
    }
}

/// Leaf `index` of a log of `size` leaves, as the files of a proof.
fn proven(index: u64, size: u64) -> TempDir {
    let (body, salt) = (br#"{"model":"mock-small-1"}"#, [9; 32]);
    let mac = commit(&salt, body).hmac_sha256;
    let leaf = format!(r#"{{"hmac_sha256":"{mac}","kind":"intent","part":0,"record":"{index}"}}"#);
    let data = |at: u64| if at == index { leaf.clone() } else { at.to_string() };
    let leaves: Vec<Hash> = (0..size).map(|at| leaf_hash(data(at).as_bytes())).collect();
    let signer = Signer::new("waymark/0123456789abcdef", &[3; 32]).unwrap();
    let other = Signer::new("witness.example", &[4; 32]).unwrap();
    let mut checkpoint = Checkpoint::sign(size, &root(&leaves), &signer);
    // A witness's line beside the log's own.
    let cosigned = other.sign(checkpoint.split("\n\n").next().unwrap());
    checkpoint.push_str(cosigned.lines().last().unwrap());
    checkpoint.push('\n');
    let hashes: String =
        proof(index as usize, &leaves).iter().map(|hash| format!("{}\n", BASE64.encode(hash))).collect();
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("leaf", leaf.as_bytes());
    write("body.json", body);
    write("salt", format!("{}\n", hex(&salt)).as_bytes());
    write(
        "proof.tlog-proof",
        format!("c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{checkpoint}").as_bytes(),
    );
    write("checkpoint", checkpoint.as_bytes());
    write("vkey", format!("{}\n", signer.verifier().to_text()).as_bytes());
    folder
}

fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|&leaf| frontier.append(leaf, |_| ()));
    frontier.root()
}

/// An inclusion proof by its definition (RFC 6962, section 2.1.1).
fn proof(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    assert_eq!(node_hash(&root(left), &root(right)), root(leaves));
    let (mut steps, other) = if index < middle {
        (proof(index, left), root(right))
    } else {
        (proof(index - middle, right), root(left))
    };
    steps.push(other);
    steps
}

#[test]
fn the_page_s_steps_accept_what_is_proven() {
    for (index, size) in
        [(0, 1), (0, 2), (1, 2), (2, 3), (4, 7), (6, 7), (5, 8), (8, 9), (12, 13), (200, 300)]
    {
        assert_accepted(proven(index, size).path());
    }
}

#[test]
fn the_page_s_steps_refuse_what_was_changed() {
    let folder = proven(4, 7);
    for name in FILES {
        let path = folder.path().join(name);
        let whole = fs::read(&path).unwrap();
        // A letter or digit for another of its kind, in several places of the file.
        for part in 0..8 {
            let at = (whole.len() - 1) * part / 8;
            let Some(at) = (at..whole.len()).find(|&at| whole[at].is_ascii_alphanumeric()) else { continue };
            let mut changed = whole.clone();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            fs::write(&path, &changed).unwrap();
            assert!(!follow(folder.path()).status.success(), "{name}, byte {at}");
        }
        fs::write(&path, &whole).unwrap();
    }
    assert_accepted(folder.path());
}

/// The same with what the binary itself writes.
#[test]
fn the_page_s_steps_accept_a_record_s_own_proof() {
    let mut rig = Rig::start();
    let records: Vec<String> =
        (0..5).map(|_| rig.chat(&chat("small", false)).header("x-waymark-record").to_owned()).collect();
    assert_eq!(rig.waymark.stop().code, Some(0));
    for record in &records {
        let folder = TempDir::new().unwrap();
        let told = rig.waymark.run(&["why", record, "--proof", &folder.path().display().to_string()]);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert_accepted(folder.path());
        let leaf = fs::read_to_string(folder.path().join("leaf")).unwrap();
        assert!(leaf.contains(record.as_str()), "{leaf}");
    }
}
