//! Writes the seeds of every target, `corpus/<target>/`, and the dictionary, `corpus/words.dict`.

use std::path::Path;

use waymark_fuzz::cases::{CASES, Case, dictionary};
use waymark_fuzz::crossing::{CLIENTS, COMPLETERS, EMBEDDERS, End, PROVIDERS};
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::cosignature;
use waymark_ledger::note::{Note, Signer};
use waymark_ledger::proof_file::Proof;
use waymark_ledger::witness::Request;
use waymark_types::Dialect;

/// What no example shows: requests that only pass through, with the second byte of their heads.
const OTHERS: &[(Dialect, u8, &str)] = &[
    (Dialect::OpenAiImages, 2, r#"{"model":"m","prompt":"a cat","stream":true}"#),
    (Dialect::OpenAiSpeech, 2, r#"{"model":"m","input":"a","stream_format":"sse"}"#),
    (Dialect::OpenAiTranscriptions, 0, FORM),
    (
        Dialect::OpenAiImages,
        1,
        "multipart/form-data; boundary=\"b\"\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n",
    ),
];

const FORM: &str = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b\r\n\
    Content-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--b--\r\n";

const LEAVES: &[&str] = &[
    r#"{"completion":null,"kind":"snapshot","part":0,"parts":1,"policy":"{}","record":"01936f2e-7c1b-7a52-9d3e-0123456789ab","recorded":"2026-11-23T16:00:00.000001Z","snapshot":"ab"}"#,
    r#"{"client":"curl/8","decision":{"policy":"p","reason":"r","reasons":["a:b"],"route":null,"snapshot":"ab"},"dialect":"openai-chat","kind":"intent","plan":[{"model":"m","provider":"p"}],"principal":"local","record":"01936f2e-7c1b-7a52-9d3e-0123456789ab","request":{"bytes":9,"hmac_sha256":"00"},"requested_model":"m","salt_sha256":"00","session":null,"started":"2026-11-23T16:00:00.000001Z","stream":true,"task":"chat"}"#,
    r#"{"attempts":[{"ended":"2026-11-23T16:00:01.000001Z","error":null,"lost":["seed"],"model":"m","next":"done","outcome":"succeeded","provider":"p","served":true,"served_model":null,"started":"2026-11-23T16:00:00.000001Z","status":200}],"cost_micro_usd":5,"ended":null,"error":null,"kind":"completion","outcome":"succeeded","provider":"p","reason":"ok","record":"01936f2e-7c1b-7a52-9d3e-0123456789ab","resolved_model":"m","response":null,"served_model":"m","sources":[],"usage":{"cache_write":null,"cached_input":1,"input":2,"output":3,"reasoning":null}}"#,
    "01936f2e-7c1b-7a52-9d3e-0123456789ab",
    "2026-11-23T16:00:00.000001Z",
    "openai-chat",
];

const CODE: &[&str] = &[
    "fn a() {\n    let x = 1;\n}\nfn b() {\n    let \u{1}\n}\n\u{1}fn c() {\n    let x = 2;\n}\n\u{1}src/c.rs",
    "if (ready) {\r\n\tgo(\"ä 😀\");\r\n}\r\nif (rea\u{1}\r\n",
];

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let write = |target: &str, seeds: Vec<Vec<u8>>| {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
        }
    };
    let of_any = |case: &Case| Dialect::ALL.iter().position(|dialect| *dialect == case.dialect);
    let others = OTHERS.iter().filter_map(|(dialect, second, body)| {
        let choice = Dialect::ALL.iter().position(|other| other == dialect)?;
        Some([&[choice as u8, *second], body.as_bytes()].concat())
    });
    let requests = cases("request", of_any).chain(others);
    write("requests", requests.collect());
    write("cuts", cases("stream", of_any).collect());
    write("prompts", cases("request", of(&CLIENTS)).collect());
    write("counts", cases("request", of(&CLIENTS)).chain([seed(0, br#"{"name":"m:latest"}"#)]).collect());
    write("replies", cases("reply", of(&PROVIDERS)).chain(cases("body", of(&PROVIDERS))).collect());
    write("streams", cases("stream", of(&PROVIDERS)).collect());
    write("large", cases("request", of(&CLIENTS)).chain(cases("stream", of(&PROVIDERS))).collect());
    let completions = cases("request", of(&COMPLETERS)).chain(cases("reply", of(&COMPLETERS)));
    write("completions", completions.collect());
    write("completion_streams", cases("stream", of(&COMPLETERS)).collect());
    let of_embedder = |case: &Case| EMBEDDERS.iter().position(|(dialect, _)| *dialect == case.dialect);
    write("embeddings", cases("request", of_embedder).chain(cases("reply", of_embedder)).collect());
    write("logs", logs().iter().map(|text| seed(0, text.as_bytes())).collect());
    write("notes", notes().iter().map(|text| seed(0, text.as_bytes())).collect());
    write("leaves", LEAVES.iter().map(|text| seed(0, text.as_bytes())).collect());
    write("tree", vec![seed(60, &[0xff; 48])]);
    write("suggestions", CODE.iter().map(|text| seed(1, text.as_bytes())).collect());
    std::fs::write(corpus.join("words.dict"), dictionary()).unwrap();
}

fn seed(choice: usize, body: &[u8]) -> Vec<u8> {
    [&[choice as u8, 255][..], body].concat()
}

/// The examples of a kind, once for every other end.
fn cases(kind: &str, choice: impl Fn(&Case) -> Option<usize>) -> impl Iterator<Item = Vec<u8>> {
    let chosen = CASES.iter().filter(move |case| case.kind == kind);
    let chosen = chosen.filter_map(move |case| Some((choice(case)?, &case.bytes)));
    chosen.flat_map(|(choice, body)| {
        (0..CLIENTS.len()).map(move |other| [&[choice as u8, other as u8], &body[..]].concat())
    })
}

fn of<P, D: ?Sized>(ends: &[End<P, D>]) -> impl Fn(&Case) -> Option<usize> {
    |case| ends.iter().position(|end| end.dialect == case.dialect)
}

/// What logs and witnesses say, signed as the target of that name knows them.
fn logs() -> Vec<String> {
    let note = Checkpoint::sign(42, &[5; 32], &Signer::new("waymark/fuzz", &[7; 32]).unwrap());
    let witness = cosignature::Signer::new("witness/fuzz", &[8; 32]).unwrap();
    let line = witness.sign(Note::parse(&note).unwrap().text(), 1_795_449_600);
    let proof = Proof { extra: Some(vec![1]), index: 9, hashes: vec![[6; 32]; 4], checkpoint: note.clone() };
    let request = Request { old: 7, proof: vec![[6; 32]; 5], checkpoint: note };
    let paths = ["tile/0/x001/x234/067", "tile/entries/273.p/112", "\0\u{1}a\0\0"].map(str::to_owned);
    [proof.to_text(), request.to_text(), line, "42\n".to_owned()].into_iter().chain(paths).collect()
}

/// Keys and a checkpoint, as the target of that name knows them.
fn notes() -> Vec<String> {
    let signer = Signer::new("waymark/fuzz", &[7; 32]).unwrap();
    let note = Checkpoint::sign(42, &[5; 32], &signer);
    vec![note, signer.verifier().to_text(), signer.to_text().expose().to_owned()]
}
