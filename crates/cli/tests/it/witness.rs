//! `waymark witness`: what it cosigns, what it refuses, and what it still knows after a crash.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::commitment::hex;
use waymark_ledger::cosignature::Verifier;
use waymark_ledger::note::Signer;
use waymark_ledger::tree::{Coordinate, Frontier, Hash, consistency_steps, leaf_hash, prove};
use waymark_ledger::witness::{LARGEST_REQUEST, Request, parse_cosignature};
use waymark_testkit::{Exchange, Http, Random, Response, Tally, Waymark};

use crate::log::go;

use crate::rig::BINARY;

/// Leaves of a log.
const LEAVES: u64 = 300;
/// Leaves that all histories share.
const SHARED: u64 = 100;

/// A log whose history goes its own way after [`SHARED`] leaves.
struct Log {
    signer: Signer,
    nodes: HashMap<Coordinate, Hash>,
    roots: Vec<Hash>,
}

impl Log {
    fn new(history: u8) -> Self {
        let (mut frontier, mut nodes) = (Frontier::default(), HashMap::new());
        let mut roots = vec![frontier.root()];
        for index in 0..LEAVES {
            let own = if index < SHARED { 0 } else { history };
            frontier.append(leaf_hash(&[index as u8, (index >> 8) as u8, own]), |node| {
                nodes.insert(node.at, node.hash);
            });
            roots.push(frontier.root());
        }
        Self { signer: Signer::new("example.com/log", &[1; 32]).unwrap(), nodes, roots }
    }

    fn key(&self) -> String {
        self.signer.verifier().to_text()
    }

    fn request(&self, old: u64, new: u64) -> Request {
        let proof = prove(&consistency_steps(old, new), |at| self.nodes.get(&at).copied().ok_or(at)).unwrap();
        Request { old, proof, checkpoint: Checkpoint::sign(new, &self.roots[new as usize], &self.signer) }
    }
}

/// A witness of the log, on a port of its own.
fn start(waymark: &mut Waymark, arguments: &[&str]) -> Http {
    let mut command = command(waymark);
    command.args(arguments);
    waymark.launch(command)
}

fn command(waymark: &Waymark) -> Command {
    let mut command = waymark.command();
    command.args(["witness", "--listen", "127.0.0.1:0", "--log", &Log::new(0).key(), "--data-dir"]);
    command.arg(waymark.data_dir());
    command
}

fn ask(http: Http, request: &Request) -> Response {
    http.post("/add-checkpoint", &[], request.to_text())
}

/// The key that the witness keeps beside its state.
fn key(waymark: &Waymark) -> Verifier {
    let text = std::fs::read_to_string(waymark.data_dir().join("witness.vkey")).unwrap();
    Verifier::from_text(&text).unwrap()
}

/// Whether it is a cosignature of the request's checkpoint; anything but that or a refusal fails the test.
fn is_cosigned(answer: &Response, request: &Request, key: &Verifier) -> bool {
    if answer.status == 200 {
        parse_cosignature(&request.checkpoint, &answer.text(), key).unwrap();
    } else {
        assert!([409, 422].contains(&answer.status), "{answer:?}");
    }
    answer.status == 200
}

#[test]
fn growth_is_cosigned_and_all_else_is_refused() {
    let (log, fork) = (Log::new(0), Log::new(1));
    let mut waymark = Waymark::new(BINARY);
    let http = start(&mut waymark, &["--name", "witness.example/w1"]);
    let key = key(&waymark);
    assert_eq!(key.name(), "witness.example/w1");
    for (old, new) in [(0, 1), (1, 1), (1, 120), (120, 256)] {
        let request = log.request(old, new);
        assert!(is_cosigned(&ask(http, &request), &request, &key), "{old} to {new}");
    }
    let stranger = Log { signer: Signer::new("example.com/log", &[2; 32]).unwrap(), ..Log::new(0) };
    let unknown = Log { signer: Signer::new("example.com/other", &[1; 32]).unwrap(), ..Log::new(0) };
    let unproven = Request { proof: vec![[0; 32]; 3], ..log.request(256, 300) };
    for (what, request, status) in [
        ("a stale size", log.request(120, 300), 409),
        ("no size", log.request(0, 300), 409),
        ("a rollback", log.request(0, 200), 409),
        ("a rollback told as growth", Request { old: 256, ..log.request(0, 200) }, 400),
        ("a fork", fork.request(256, 256), 422),
        ("a larger fork", fork.request(256, 300), 422),
        ("a wrong proof", unproven, 422),
        ("a log nobody named", unknown.request(256, 300), 404),
        ("a stranger's signature", stranger.request(256, 300), 403),
    ] {
        let answer = ask(http, &request);
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        if status == 409 {
            assert_eq!(
                (answer.text().as_str(), answer.header("content-type")),
                ("256\n", "text/x.tlog.size")
            );
        }
    }
    for (body, status) in [("", 400), ("old 1\n\nno note", 400), (&"x".repeat(LARGEST_REQUEST + 1), 413)] {
        assert_eq!(http.post("/add-checkpoint", &[], body).status, status);
    }
    assert_eq!(http.post("/add-checkpoint", &[], b"old \xff").status, 400);
    let request = log.request(256, 300);
    assert!(is_cosigned(&ask(http, &request), &request, &key), "nothing refused has changed anything");
    assert_eq!(waymark.stop().code, Some(0));
}

#[test]
fn it_says_who_it_is_and_what_it_cosigned() {
    let log = Log::new(0);
    let mut waymark = Waymark::new(BINARY);
    let http = start(&mut waymark, &["--prefix", "w1/"]);
    let (key, digest) = (key(&waymark), hex(&Sha256::digest("example.com/log")));
    let newest = || http.get(&format!("/w1/{digest}/checkpoint"), &[]);
    assert!(key.name().starts_with("waymark-witness/"));
    assert_eq!(newest().status, 404);
    let about = http.get("/", &[]).text();
    assert!(
        about.contains(&key.to_text()) && about.contains("example.com/log nothing cosigned yet"),
        "{about}"
    );
    let request = log.request(0, 200);
    let answer = http.post("/w1/add-checkpoint", &[], request.to_text());
    assert_eq!((answer.status, ask(http, &log.request(200, 300)).status), (200, 404));
    assert!(http.get("/w1/", &[]).text().contains("example.com/log 200\n"));
    assert_eq!(newest().text(), request.checkpoint + &answer.text());
    let output = waymark.stop();
    assert_eq!((output.code, output.stdout.trim_end()), (Some(0), key.to_text().as_str()));
}

#[test]
fn a_directory_has_one_witness_and_a_witness_has_a_log() {
    let mut waymark = Waymark::new(BINARY);
    start(&mut waymark, &[]);
    let second = command(&waymark).output().unwrap();
    assert_eq!(second.status.code(), Some(3), "{second:?}");
    assert!(String::from_utf8_lossy(&second.stderr).contains("another Waymark is using"), "{second:?}");
    for (arguments, told) in [
        (&["witness"][..], "needs a log"),
        (&["witness", "--log", "nonsense"], "malformed verifier key"),
        (&["witness", "--logs", "nowhere.txt"], "could not read"),
        (&["witness", "--log", &Log::new(0).key(), "--prefix", "a b"], "no path"),
        (&["witness", "--log", &Log::new(0).key(), "--name", "a b"], "key name"),
    ] {
        let output = Waymark::new(BINARY).run(arguments);
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains(told), "{output:?}");
    }
}

#[test]
fn keys_come_from_a_file_too() {
    let mut waymark = Waymark::new(BINARY);
    let file = waymark.home().join("logs.txt");
    let other = Signer::new("example.com/other", &[3; 32]).unwrap();
    std::fs::write(&file, format!("# ours\n\n{}\n", other.verifier().to_text())).unwrap();
    let http = start(&mut waymark, &["--logs", file.to_str().unwrap(), "--json"]);
    let request = Log { signer: other, ..Log::new(0) }.request(0, 300);
    assert!(is_cosigned(&ask(http, &request), &request, &key(&waymark)));
    let output = waymark.stop();
    let told: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(told["vkey"], key(&waymark).to_text());
}

#[test]
fn what_it_cosigned_it_knows_after_every_kill() {
    let seed = Random::seed();
    eprintln!("seed: {}={seed}", Random::SEED_VARIABLE);
    let (mut random, progress) = (Random::seeded(seed), Tally::new());
    let (log, fork) = (Log::new(0), Log::new(1));
    let mut waymark = Waymark::new(BINARY);
    let first = SHARED + 1;
    assert_eq!(ask(start(&mut waymark, &[]), &log.request(0, first)).status, 200);
    waymark.kill();
    let mut last = first;
    for _ in 0..10 {
        let http = start(&mut waymark, &[]);
        let known = known_size(http, &log);
        // The kill may have come between the writing and the answer.
        assert!(known == last || known == last + 1, "{known} is known, and {last} was answered");
        let (key, moment) = (key(&waymark), progress.count() + random.below(12));
        last = std::thread::scope(|scope| {
            let asking = scope.spawn(|| grow(http, &log, known, &key, &progress));
            while !progress.wait(moment, Duration::from_millis(20)) && !asking.is_finished() {}
            waymark.kill();
            asking.join().unwrap()
        });
    }
    assert!(last > first, "the kills came before everything");
    let http = start(&mut waymark, &[]);
    let known = known_size(http, &log);
    assert!(known == last || known == last + 1, "{known} is known, and {last} was answered");
    assert_eq!(ask(http, &fork.request(known, LEAVES)).status, 422);
    assert_eq!(ask(http, &log.request(known, LEAVES)).status, 200);
}

/// Has one leaf after the other cosigned until the witness is gone. Returns the last size answered.
fn grow(http: Http, log: &Log, known: u64, key: &Verifier, progress: &Tally) -> u64 {
    for size in known..LEAVES - 1 {
        let request = log.request(size, size + 1);
        let answer = http.open("POST", "/add-checkpoint", &[], request.to_text().as_bytes());
        match answer.map(Exchange::finish) {
            Ok(answer) if answer.whole => assert!(is_cosigned(&answer, &request, key)),
            _ => return size,
        }
        progress.bump();
    }
    LEAVES - 1
}

/// The size that the witness cosigned last, as it tells whoever does not know.
fn known_size(http: Http, log: &Log) -> u64 {
    let answer = ask(http, &log.request(LEAVES, LEAVES));
    assert_eq!(answer.status, 409, "{answer:?}");
    answer.text().trim_end().parse().unwrap()
}

#[test]
fn requests_at_once_never_lead_to_two_histories() {
    let histories = [1, 2, 3].map(Log::new);
    for round in 0..5 {
        let mut waymark = Waymark::new(BINARY);
        let http = start(&mut waymark, &[]);
        let key = key(&waymark);
        assert_eq!(ask(http, &histories[0].request(0, SHARED)).status, 200);
        let cosigned = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..12)
                .map(|number| {
                    let (log, key) = (&histories[number % 3], &key);
                    scope.spawn(move || {
                        let request = log.request(SHARED, SHARED + 1 + number as u64);
                        is_cosigned(&ask(http, &request), &request, key)
                    })
                })
                .collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).filter(|cosigned| *cosigned).count()
        });
        assert_eq!(cosigned, 1, "round {round}");
    }
}

#[test]
fn a_log_of_go_s_is_cosigned_as_go_reads_it() {
    let run = |arguments: &[&str]| {
        let output = Command::new(go()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let keys = run(&["key", "example.com/go-log"]);
    let (secret, public) = keys.trim_end().split_once('\n').unwrap();
    let mut waymark = Waymark::new(BINARY);
    let http = start(&mut waymark, &["--log", public]);
    let url = format!("http://{}", waymark.address());
    let told = run(&["witness", secret, &url, &key(&waymark).to_text()]);
    assert_eq!(
        (told.matches("cosigned by waymark-witness/").count(), told.matches("is refused").count()),
        (5, 5),
        "{told}"
    );
    assert!(http.get("/", &[]).text().contains("example.com/go-log 777\n"));
}
