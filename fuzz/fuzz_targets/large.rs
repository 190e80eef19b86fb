//! Much of the same: work grows with the length of what is read, not with its square.
#![no_main]

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use waymark_fuzz::crossing::{CLIENTS, COMPLETERS, PROVIDERS, addressed};
use waymark_fuzz::{CREATED, HEAD, Input, MODEL, streams};
use waymark_protocol::{count_tokens, parse, without_foreign};
use waymark_types::Dialect;

waymark_fuzz::target!(check);

/// How large an input is made.
const LARGE: usize = 64 << 10;
/// What takes less is not worth a second look.
const LONG: Duration = Duration::from_millis(100);

fn check(input: Input<'_>) {
    if input.body.len() < HEAD {
        return;
    }
    match serde_json::from_slice::<Value>(input.body) {
        Ok(value) => grows(|size| {
            let body = enlarged(value.clone(), input.seed, size).unwrap_or_default();
            move || bodies(input, &body)
        }),
        Err(_) => grows(|size| {
            let body = input.body.repeat(size / input.body.len() + 1);
            move || stream(input, &body)
        }),
    }
}

/// Four times as much takes four times as long, give or take; sixteen times would be the square.
fn grows<W: Fn()>(work: impl Fn(usize) -> W) {
    let large = work(LARGE);
    if took(&large) < LONG || took(&large) < LONG {
        return;
    }
    let small = work(LARGE / 4);
    // The quickest of several is the one the machine disturbed least.
    let quickest = |work: &W| (0..4).map(|_| took(work)).min().unwrap_or_default();
    let (small, large) = (quickest(&small), quickest(&large));
    assert!(large < LONG || large < small * 9, "{small:?}, and {large:?} for four times as much");
}

fn took(work: &impl Fn()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn bodies(input: Input<'_>, body: &[u8]) {
    let (client, provider) = (input.of(&CLIENTS), input.of(&PROVIDERS));
    let raw = Bytes::copy_from_slice(body);
    let dialect = *input.of(Dialect::ALL);
    let _ = parse(dialect, &raw, &addressed(dialect, MODEL, false));
    let _ = without_foreign(dialect, &raw);
    if let Ok(prompt) = client.talk.read_prompt(body) {
        count_tokens::estimate(&prompt);
        for provider in PROVIDERS.iter() {
            let _ = provider.talk.write_prompt(&prompt, MODEL, &mut prompt.losses.clone());
        }
    }
    if let Ok(reply) = provider.talk.read_reply(body) {
        for client in CLIENTS.iter() {
            client.talk.write_reply(&reply, MODEL, CREATED);
        }
    }
    for end in COMPLETERS.iter() {
        let _ = end.talk.read_fim(body).map(|prompt| end.talk.write_fim(&prompt, MODEL, &mut Vec::new()));
    }
}

fn stream(input: Input<'_>, body: &[u8]) {
    let provider = input.of(&PROVIDERS);
    let events = streams::read(provider.dialect, provider.talk.event_reader(), &[body]);
    for client in CLIENTS.iter() {
        let mut writer = client.talk.event_writer(client.prompt(0), MODEL, CREATED);
        events.iter().for_each(|event| drop(writer.write(event)));
    }
}

/// The value with one of its lists, objects or texts made large.
fn enlarged(mut value: Value, seed: u8, size: usize) -> Option<Vec<u8>> {
    let mut left = usize::from(seed);
    let place = find(&mut value, &mut left)?;
    match place {
        Value::Array(items) => {
            let length = items.iter().map(|item| item.to_string().len() + 1).sum::<usize>();
            *items = items.iter().cycle().take(items.len() * size / length).cloned().collect();
        }
        Value::Object(fields) => {
            let (name, value) = fields.iter().next().map(|(name, value)| (name.clone(), value.clone()))?;
            let length = name.len() + value.to_string().len() + 10;
            fields.extend((0..size / length).map(|number| (format!("{name}{number}"), value.clone())));
        }
        Value::String(text) => *text = text.repeat(size / text.len()),
        _ => return None,
    }
    Some(value.to_string().into_bytes())
}

/// The place that `left` places stand before, of those that can be made large.
fn find<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    let can = match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => false,
    };
    if can && *left == 0 {
        return Some(value);
    }
    *left -= usize::from(can);
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| find(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| find(field, left)),
        _ => None,
    }
}
