//! Requests, between their own words and the neutral ones.

use serde_json::Value;

use crate::crossing::{lose, lose_rest};
use crate::fim::{FimPrompt, Text, limit, marked, object};
use crate::json::Fields;
use crate::neutral::{Loss, Unsayable};
use crate::request::ParseError;

/// Fields that no other dialect has.
const KNOWN: &[&str] = &["min_tokens", "metadata"];

/// Reads a request.
pub(super) fn read(body: &[u8]) -> Result<FimPrompt, ParseError> {
    let mut fields = Fields::read(body)?;
    fields.raw("model");
    let text = Text::take(&mut fields, "prompt")?;
    let suffix = Text::take(&mut fields, "suffix")?;
    let is_marked = suffix.text.is_empty() && marked(&text.text).is_some();
    let mut prompt = FimPrompt::code(text, suffix, limit(fields.int("max_tokens")?));
    prompt.stops(fields.texts("stop")?, is_marked);
    prompt.sampling.temperature = fields.number("temperature")?;
    prompt.sampling.top_p = fields.number("top_p")?;
    prompt.sampling.seed = fields.int("random_seed")?;
    prompt.stream = fields.take("stream")?.unwrap_or(false);
    lose_rest(&mut prompt.losses, fields.rest(), KNOWN);
    Ok(prompt)
}

/// Writes a request.
pub(super) fn write(prompt: &FimPrompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    prompt.sayable_in(waymark_types::Dialect::MistralFim)?;
    let (fim, sampling) = (&prompt.fim, &prompt.sampling);
    let seed = sampling.seed.filter(|&seed| seed >= 0);
    for (is_lost, code) in [
        (!prompt.extra.is_empty(), "input_extra"),
        (sampling.top_k.is_some(), "top_k"),
        (seed != sampling.seed, "seed"),
        (sampling.frequency_penalty.is_some(), "frequency_penalty"),
        (sampling.presence_penalty.is_some(), "presence_penalty"),
        (prompt.user.is_some(), "user"),
    ] {
        if is_lost {
            lose(losses, code);
        }
    }
    let fields = [
        ("model", Some(Value::from(model))),
        ("prompt", Some(Value::from(fim.prefix.as_str()))),
        ("suffix", (!fim.suffix.is_empty()).then(|| Value::from(fim.suffix.as_str()))),
        ("max_tokens", fim.max_tokens.map(Value::from)),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("stop", (!sampling.stop.is_empty()).then(|| Value::from(sampling.stop.as_slice()))),
        ("random_seed", seed.map(Value::from)),
        ("stream", prompt.stream.then_some(Value::Bool(true))),
    ];
    Ok(object(fields).to_string().into_bytes())
}
