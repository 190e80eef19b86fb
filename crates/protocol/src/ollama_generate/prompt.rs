//! Requests, between their own words and the neutral ones.

use serde_json::Value;

use crate::crossing::{lose, lose_rest};
use crate::fim::{FimPrompt, Text, limit, marked, object};
use crate::json::Fields;
use crate::neutral::{Loss, Unsayable};
use crate::request::ParseError;

/// Fields that no other dialect has.
const KNOWN: &[&str] =
    &["keep_alive", "system", "template", "think", "logprobs", "top_logprobs", "shift", "truncate"];

/// Whether a list, text or object that a client sent has nothing in it.
fn is_nothing(json: &str) -> bool {
    matches!(json, "[]" | "\"\"" | "{}")
}

/// Reads a request.
pub(super) fn read(body: &[u8]) -> Result<FimPrompt, ParseError> {
    let mut fields = Fields::read(body)?;
    fields.raw("model");
    let text = Text::take(&mut fields, "prompt")?;
    let suffix = Text::take(&mut fields, "suffix")?;
    let is_empty = text.text.is_empty() && suffix.text.is_empty();
    let is_marked = suffix.text.is_empty() && marked(&text.text).is_some();
    let is_raw = fields.take::<bool>("raw")?.unwrap_or(false);
    let is_code = is_raw || is_marked || !suffix.text.is_empty() || is_empty;
    let mut prompt = FimPrompt::code(text, suffix, None);
    if !is_code {
        prompt.unsayable.push("`prompt`: an instruction".to_owned());
    }
    prompt.stream = fields.take("stream")?.unwrap_or(true);
    for (name, what) in [
        ("images", "`images`: pictures beside code"),
        ("context", "`context`: token ids"),
        ("format", "`format`: a completion of a given form"),
    ] {
        if fields.raw(name).is_some_and(|raw| !is_nothing(raw.get())) {
            prompt.unsayable.push(what.to_owned());
        }
    }
    prompt.warm_up = is_empty && prompt.unsayable.is_empty();
    let is_zero = |raw: &str| matches!(raw.trim_matches('"'), "0" | "0s" | "0m" | "0.0");
    let keep = fields.raw("keep_alive");
    prompt.form.unload = prompt.warm_up && keep.is_some_and(|keep| is_zero(keep.get()));
    if let Some(options) = fields.object("options")? {
        self::options(options, is_marked, &mut prompt)?;
    }
    let said = keep.filter(|_| !prompt.form.unload).map(|_| "keep_alive".to_owned());
    let texts = ["system", "template"].into_iter().filter(|name| {
        let value = fields.raw(name);
        value.is_some_and(|raw| !is_nothing(raw.get()))
    });
    let said: Vec<String> = said.into_iter().chain(texts.map(str::to_owned)).collect();
    lose_rest(&mut prompt.losses, said.into_iter().chain(fields.rest()), KNOWN);
    Ok(prompt)
}

fn options(mut options: Fields<'_>, is_marked: bool, prompt: &mut FimPrompt) -> Result<(), ParseError> {
    prompt.stops(options.texts("stop")?, is_marked);
    prompt.fim.max_tokens = limit(options.int("num_predict")?);
    prompt.sampling.temperature = options.number("temperature")?;
    prompt.sampling.top_p = options.number("top_p")?;
    prompt.sampling.top_k = options.int("top_k")?.filter(|&k| k > 0).and_then(|k| u64::try_from(k).ok());
    prompt.sampling.seed = options.int("seed")?;
    prompt.sampling.frequency_penalty = options.number("frequency_penalty")?;
    prompt.sampling.presence_penalty = options.number("presence_penalty")?;
    for name in options.rest() {
        prompt.lose(&format!("option:{name}"));
    }
    Ok(())
}

/// Writes a request.
pub(super) fn write(prompt: &FimPrompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    prompt.sayable_in(waymark_types::Dialect::OllamaGenerate)?;
    let (fim, sampling) = (&prompt.fim, &prompt.sampling);
    for (is_lost, code) in [(!prompt.extra.is_empty(), "input_extra"), (prompt.user.is_some(), "user")] {
        if is_lost {
            lose(losses, code);
        }
    }
    let options = object([
        ("num_predict", fim.max_tokens.map(Value::from)),
        ("stop", (!sampling.stop.is_empty()).then(|| Value::from(sampling.stop.as_slice()))),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("top_k", sampling.top_k.map(Value::from)),
        ("seed", sampling.seed.map(Value::from)),
        ("frequency_penalty", sampling.frequency_penalty.map(Value::from)),
        ("presence_penalty", sampling.presence_penalty.map(Value::from)),
    ]);
    // An empty prompt only has the model loaded.
    let prefix = if prompt.warm_up { "" } else { fim.prefix.as_str() };
    let has_suffix = !fim.suffix.is_empty() && !prompt.warm_up;
    let fields = [
        ("model", Some(Value::from(model))),
        ("prompt", Some(Value::from(prefix))),
        ("suffix", has_suffix.then(|| Value::from(fim.suffix.as_str()))),
        // Without a suffix the model's template would make an instruction of the code.
        ("raw", (!has_suffix).then_some(Value::Bool(true))),
        ("stream", Some(Value::Bool(prompt.stream))),
        ("options", options.as_object().is_some_and(|options| !options.is_empty()).then_some(options)),
    ];
    Ok(object(fields).to_string().into_bytes())
}
