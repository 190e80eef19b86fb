//! A mutator that knows JSON and streams of it: bytes changed at random hardly ever stay readable.

use serde_json::{Map, Value};

use crate::HEAD;
use crate::cases::{PARTS, WORDS};
use crate::random::Random;

/// Texts that are hard to get right.
const HARD: [&str; 14] = [
    "",
    " ",
    "\0",
    "\r\n",
    "\u{2028}",
    "😀",
    "\"\\",
    "{",
    "[1]",
    "data: x\n\n",
    "waymark/anthropic",
    "waymark/openai",
    "waymark/gemini",
    "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
];

/// Changes the input in `data[..size]` and returns its new length: as JSON, as a stream, or just as bytes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random::new(seed);
    if size <= HEAD || max_size <= HEAD || random.below(3) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let changed = match serde_json::from_slice(&data[HEAD..size]) {
        Ok(mut value) => {
            change(&mut value, &mut random);
            value.to_string().into_bytes()
        }
        Err(_) => change_stream(&data[HEAD..size], &mut random),
    };
    if random.below(8) == 0 {
        data[random.below(HEAD)] = random.below(256) as u8;
    }
    let changed = &changed[..changed.len().min(max_size - HEAD)];
    data[HEAD..HEAD + changed.len()].copy_from_slice(changed);
    HEAD + changed.len()
}

/// Changes one to three places of a value.
fn change(value: &mut Value, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let donor = nth(value, random).clone();
        let place = nth(value, random);
        match random.below(6) {
            0 => *place = part(random),
            1 => *place = donor,
            2 => *place = leaf(random),
            _ => grow_or_shrink(place, donor, random),
        }
    }
}

fn grow_or_shrink(place: &mut Value, donor: Value, random: &mut Random) {
    match place {
        Value::Array(items) if items.is_empty() || random.below(2) == 0 => {
            items.insert(
                random.below(items.len() + 1),
                if random.below(2) == 0 { donor } else { part(random) },
            );
        }
        Value::Array(items) => drop(items.remove(random.below(items.len()))),
        Value::Object(fields) => change_fields(fields, donor, random),
        Value::String(text) => change_text(text, &donor, random),
        Value::Number(_) => *place = leaf(random),
        _ => *place = donor,
    }
}

fn change_fields(fields: &mut Map<String, Value>, donor: Value, random: &mut Random) {
    let name = fields.keys().nth(random.below(fields.len().max(1))).cloned().unwrap_or_default();
    let word = WORDS[random.below(WORDS.len())].clone();
    match random.below(4) {
        0 => drop(fields.remove(&name)),
        1 => {
            let value = fields.remove(&name).unwrap_or(donor);
            fields.insert(word, value);
        }
        2 => drop(fields.insert(word, donor)),
        _ => drop(fields.insert(word, part(random))),
    }
}

fn change_text(text: &mut String, donor: &Value, random: &mut Random) {
    match random.below(5) {
        0 => text.truncate(text.floor_char_boundary(random.below(text.len() + 1))),
        1 => text.insert_str(text.floor_char_boundary(random.below(text.len() + 1)), random.of(&HARD)),
        2 => *text = donor.to_string(),
        3 => text.clone_from(&WORDS[random.below(WORDS.len())]),
        _ => *text = text.repeat(2),
    }
}

fn part(random: &mut Random) -> Value {
    PARTS[random.below(PARTS.len())].clone()
}

fn leaf(random: &mut Random) -> Value {
    match random.below(12) {
        0 => Value::Null,
        1 => true.into(),
        2 => false.into(),
        3 => 0.into(),
        4 => (-1).into(),
        5 => u64::MAX.into(),
        6 => i64::MIN.into(),
        7 => 1.5.into(),
        8 => 1e300.into(),
        9 => Value::Array(Vec::new()),
        10 => Value::Object(Map::new()),
        _ => random.of(&HARD).into(),
    }
}

/// Any value within a value, itself included.
fn nth<'a>(value: &'a mut Value, random: &mut Random) -> &'a mut Value {
    let place = random.below(count(value));
    find(value, place).unwrap_or_else(|_| unreachable!("a place that was counted"))
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The value at a place, or how many places are left to go.
fn find(value: &mut Value, place: usize) -> Result<&mut Value, usize> {
    let Some(mut place) = place.checked_sub(1) else { return Ok(value) };
    let children: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Array(items) => Box::new(items.iter_mut()),
        Value::Object(fields) => Box::new(fields.values_mut()),
        _ => return Err(place),
    };
    for child in children {
        match find(child, place) {
            Ok(found) => return Ok(found),
            Err(left) => place = left,
        }
    }
    Err(place)
}

/// Changes the lines of a stream: what they say, their order, how often they come, how they end.
fn change_stream(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let (at, other) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(10) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(other, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => lines.truncate(at + 1),
        4 => lines[at] = [lines[at].trim_ascii_end(), b"\r\n"].concat(),
        _ => {
            for _ in 0..4 {
                let at = random.below(lines.len());
                if let Some(line) = changed_line(&lines[at], random) {
                    lines[at] = line;
                    break;
                }
            }
        }
    }
    lines.concat()
}

/// A line whose JSON says something else; `None` where it has none.
fn changed_line(line: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let start = memchr::memchr2(b'{', b'[', line)?;
    let mut value = serde_json::from_slice(&line[start..]).ok()?;
    change(&mut value, random);
    Some([&line[..start], value.to_string().as_bytes(), b"\n"].concat())
}
