//! Requests to count tokens, and questions about models.
#![no_main]

use waymark_fuzz::{Input, MODEL, is_json};
use waymark_protocol::neutral::{Loss, Prompt, Unsayable};
use waymark_protocol::{ParseError, count_tokens, gemini, ollama_models};

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    let _ = ollama_models::show_request(input.body).map(|name| ollama_models::plain_name(&name).len());
    for read in [count_tokens::read, gemini::count_tokens::read] {
        let Ok(prompt) = read(input.body) else { continue };
        assert!(count_tokens::estimate(&prompt) <= 64 * input.body.len() as u64 + 10_000);
        written(&prompt, input.body, count_tokens::write, count_tokens::read);
        written(&prompt, input.body, gemini::count_tokens::write, gemini::count_tokens::read);
    }
    for (read, write) in [
        (count_tokens::read_answer as fn(&[u8]) -> _, count_tokens::write_answer as fn(u64) -> Vec<u8>),
        (gemini::count_tokens::read_answer, gemini::count_tokens::write_answer),
    ] {
        if let Ok(tokens) = read(input.body) {
            assert_eq!(read(&write(tokens)).ok(), Some(tokens));
        }
    }
}

type Write = fn(&Prompt, &str, &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable>;
type Read = fn(&[u8]) -> Result<Prompt, ParseError>;

fn written(prompt: &Prompt, body: &[u8], write: Write, read: Read) {
    let Ok(written) = write(prompt, MODEL, &mut Vec::new()) else { return };
    is_json(&written, body);
    if let Err(error) = read(&written) {
        panic!("{error}: {}", String::from_utf8_lossy(&written));
    }
}
