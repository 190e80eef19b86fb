//! Every example of a completion in every other dialect of completions.
//!
//! What comes out is compared with `tests/golden/completions/<source>.<target>.txt`; `UPDATE=1 cargo test` writes those
//! files anew.

use std::fmt::Write;

use serde_json::Value;
use waymark_protocol::neutral::Loss;
use waymark_protocol::sse::{Splitter, framing};
use waymark_protocol::{FimDialogue, FimPrompt, fim_dialogue};
use waymark_types::Dialect;

use crate::cases::{CREATED, cases_of, file_name, targets};
use crate::golden::Golden;

fn talk(dialect: Dialect) -> &'static dyn FimDialogue {
    fim_dialogue(dialect).unwrap()
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

fn stream(source: Dialect, target: &dyn FimDialogue, bytes: &[u8]) -> String {
    let prompt = FimPrompt { stream: true, ..FimPrompt::default() };
    let (mut reader, mut writer) = (talk(source).event_reader(), target.event_writer(&prompt, "m", CREATED));
    let (framing, mut splitter) = (framing(source), Splitter::new(framing(source)));
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
    let mut golden = Golden::new("completions");
    for source in Dialect::ALL.iter().copied().filter(|dialect| dialect.is_completion()) {
        for target in targets(source) {
            let mut all = String::new();
            for case in cases_of(std::iter::once(source), "") {
                let converted = match case.name.split_once('.').unwrap().1 {
                    "request.json" => request(talk(source), talk(target), &case.bytes),
                    "reply.json" => {
                        let reply = talk(source).read_reply(&case.bytes).unwrap();
                        pretty(&talk(target).write_reply(&FimPrompt::default(), &reply, "m", CREATED))
                    }
                    _ => stream(source, talk(target), &case.bytes),
                };
                writeln!(all, "== {}\n{}\n", case.name, converted.trim_end()).unwrap();
            }
            golden.check(&format!("{}.{}.txt", file_name(source), file_name(target)), &all);
        }
    }
    golden.finish();
}
