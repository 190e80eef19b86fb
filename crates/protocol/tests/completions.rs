//! Every example of a completion in every other dialect of completions.
//!
//! What comes out is compared with `tests/golden/completions/<source>.<target>.txt`; `UPDATE=1 cargo test` writes those
//! files anew.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use waymark_protocol::neutral::Loss;
use waymark_protocol::sse::{Splitter, framing};
use waymark_protocol::{FimDialogue, FimPrompt, fim_dialogue};
use waymark_types::Dialect;

const CREATED: i64 = 1_795_449_600;

fn dialects() -> impl Iterator<Item = (Dialect, &'static dyn FimDialogue)> {
    Dialect::ALL.iter().filter_map(|&dialect| Some((dialect, fim_dialogue(dialect)?)))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn file_name(dialect: Dialect) -> String {
    dialect.as_str().replace('-', "_")
}

/// The examples of a dialect, in order of their names.
fn cases(source: Dialect) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder("cases").join(file_name(source))).unwrap();
    let mut cases: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    cases.sort();
    cases
}

fn pretty(json: &[u8]) -> String {
    format!("{:#}", serde_json::from_slice::<Value>(json).unwrap())
}

fn request(source: &dyn FimDialogue, target: &dyn FimDialogue, body: &[u8]) -> String {
    let prompt = source.read_fim(body).unwrap();
    let mut losses = prompt.losses.clone();
    match target.write_fim(&prompt, "m", &mut losses) {
        Err(refused) => format!("refused: {refused}"),
        Ok(written) => {
            let again = target.read_fim(&written).unwrap();
            assert!(!prompt.warm_up || again.warm_up);
            assert_eq!((&again.fim.prefix, &again.fim.suffix), (&prompt.fim.prefix, &prompt.fim.suffix));
            assert_eq!(again.stream, prompt.stream);
            let codes: Vec<&str> = losses.iter().map(|Loss { code }| code.as_str()).collect();
            format!("losses: {}\n{}", codes.join(", "), pretty(&written))
        }
    }
}

fn stream((dialect, source): (Dialect, &dyn FimDialogue), target: &dyn FimDialogue, bytes: &[u8]) -> String {
    let prompt = FimPrompt { stream: true, ..FimPrompt::default() };
    let (mut reader, mut writer) = (source.event_reader(), target.event_writer(&prompt, "m", CREATED));
    let (framing, mut splitter) = (framing(dialect), Splitter::new(framing(dialect)));
    splitter.push(bytes);
    let mut written = Vec::new();
    while let Some(event) = splitter.next_event().unwrap() {
        for event in reader.read(&framing.read(&event)) {
            written.extend(writer.write(&event));
        }
    }
    reader.finish().iter().for_each(|event| written.extend(writer.write(event)));
    String::from_utf8(written).unwrap()
}

#[test]
fn every_pair() {
    let mut wrong = Vec::new();
    for source in dialects() {
        for target in dialects().filter(|target| target.0 != source.0) {
            let mut all = String::new();
            for (name, bytes) in cases(source.0) {
                let converted = match name.split_once('.').unwrap().1 {
                    "request.json" => request(source.1, target.1, &bytes),
                    "reply.json" => {
                        let reply = source.1.read_reply(&bytes).unwrap();
                        pretty(&target.1.write_reply(&FimPrompt::default(), &reply, "m", CREATED))
                    }
                    _ => stream(source, target.1, &bytes),
                };
                writeln!(all, "== {name}\n{}\n", converted.trim_end()).unwrap();
            }
            let path = folder("golden/completions").join(format!(
                "{}.{}.txt",
                file_name(source.0),
                file_name(target.0)
            ));
            if std::env::var_os("UPDATE").is_some_and(|value| value != "0") {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, all).unwrap();
            } else if std::fs::read_to_string(&path).unwrap_or_default() != all {
                wrong.push(path.display().to_string());
            }
        }
    }
    assert!(wrong.is_empty(), "run with UPDATE=1 if this is right: {}", wrong.join(", "));
}
