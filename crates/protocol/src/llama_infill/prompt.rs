//! Requests, between their own words and the neutral ones.

use serde_json::{Value, json};

use crate::crossing::{lose, lose_rest};
use crate::fim::{ExtraFile, Fim, FimPrompt, Text, limit, object};
use crate::json::Fields;
use crate::neutral::{Loss, Unsayable};
use crate::request::ParseError;

/// Fields that no other dialect has.
const KNOWN: &[&str] = &[
    "dry_multiplier",
    "ignore_eos",
    "lora",
    "min_keep",
    "min_p",
    "mirostat",
    "n_indent",
    "n_keep",
    "n_probs",
    "post_sampling_probs",
    "repeat_last_n",
    "repeat_penalty",
    "return_tokens",
    "samplers",
    "t_max_predict_ms",
    "typical_p",
];

/// Fields about the server's own memory and logs, which change nothing of the answer.
const HOUSEKEEPING: [&str; 6] =
    ["model", "cache_prompt", "id_slot", "n_cache_reuse", "t_max_prompt_ms", "timings_per_token"];

/// Reads a request. Anything but text is left to llama.cpp itself: its texts may be token ids, too.
pub(super) fn read(body: &[u8]) -> Result<FimPrompt, ParseError> {
    let mut fields = Fields::read(body)?;
    let mut unsayable = Vec::new();
    let mut texts: [Text; 3] = Default::default();
    for (text, name) in texts.iter_mut().zip(["input_prefix", "prompt", "input_suffix"]) {
        match fields.raw(name) {
            Some(raw) if raw.get().starts_with('[') => unsayable.push(format!("`{name}`: token ids")),
            Some(raw) => *text = Text::read(raw, name)?,
            None => {}
        }
    }
    let [prefix, line, suffix] = texts;
    // The line so far goes behind the middle marker: to the left of the cursor like the rest.
    let text = Text { text: prefix.text + &line.text, is_mended: prefix.is_mended || line.is_mended };
    let (wanted, also) = (fields.int("n_predict")?, fields.int("max_tokens")?);
    let mut prompt = FimPrompt { unsayable, warm_up: wanted == Some(0), ..FimPrompt::default() };
    if text.is_mended || suffix.is_mended {
        prompt.lose("lone_surrogate");
    }
    let max_tokens = limit(wanted.or(also));
    prompt.fim = Fim { prefix: text.text, suffix: suffix.text, max_tokens, path: None };
    extra(&mut fields, &mut prompt)?;
    rest(fields, &mut prompt)?;
    Ok(prompt)
}

fn extra(fields: &mut Fields<'_>, prompt: &mut FimPrompt) -> Result<(), ParseError> {
    for raw in fields.list("input_extra")? {
        let mut file = Fields::of(raw, "input_extra")?;
        let text = Text::take(&mut file, "text")?;
        if text.is_mended {
            prompt.lose("lone_surrogate");
        }
        let filename = Text::take(&mut file, "filename")?.text;
        prompt.extra.push(ExtraFile { filename, text: text.text });
    }
    Ok(())
}

fn rest(mut fields: Fields<'_>, prompt: &mut FimPrompt) -> Result<(), ParseError> {
    prompt.stops(fields.texts("stop")?, false);
    prompt.sampling.temperature = fields.number("temperature")?;
    prompt.sampling.top_p = fields.number("top_p")?;
    prompt.sampling.top_k = fields.int("top_k")?.filter(|&k| k > 0).and_then(|k| u64::try_from(k).ok());
    // Both stand for a seed of the server's choice.
    prompt.sampling.seed = fields.int("seed")?.filter(|&seed| seed != -1 && seed != i64::from(u32::MAX));
    prompt.sampling.frequency_penalty = fields.number("frequency_penalty")?;
    prompt.sampling.presence_penalty = fields.number("presence_penalty")?;
    prompt.stream = fields.take("stream")?.unwrap_or(false);
    prompt.form.fields = fields.texts("response_fields")?;
    // One answer is what every other dialect gives; of several wanted, one is better than none.
    for name in ["n_cmpl", "n"] {
        if fields.int(name)?.is_some_and(|count| count > 1) {
            prompt.lose("n");
        }
    }
    for name in ["grammar", "json_schema"] {
        if fields.raw(name).is_some_and(|form| !matches!(form.get(), "\"\"" | "{}")) {
            prompt.unsayable.push(format!("`{name}`: a completion of a given form"));
        }
    }
    if fields.raw("logit_bias").is_some_and(|biases| !matches!(biases.get(), "[]" | "{}")) {
        prompt.lose("logit_bias");
    }
    if fields.raw("samplers").is_some_and(|samplers| samplers.get() != "[]") {
        prompt.lose("samplers");
    }
    for name in HOUSEKEEPING {
        fields.raw(name);
    }
    lose_rest(&mut prompt.losses, fields.rest(), KNOWN);
    Ok(())
}

/// Writes a request.
pub(super) fn write(prompt: &FimPrompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    prompt.sayable_in(waymark_types::Dialect::LlamaInfill)?;
    let (fim, sampling) = (&prompt.fim, &prompt.sampling);
    if prompt.user.is_some() {
        lose(losses, "user");
    }
    let extra: Vec<Value> =
        prompt.extra.iter().map(|file| json!({"filename": file.filename, "text": file.text})).collect();
    let max_tokens = if prompt.warm_up { Some(0) } else { fim.max_tokens };
    let fields = [
        // Servers of one model do not look at it; those that load several do.
        ("model", Some(Value::from(model))),
        ("input_prefix", Some(Value::from(fim.prefix.as_str()))),
        ("input_suffix", Some(Value::from(fim.suffix.as_str()))),
        ("input_extra", (!extra.is_empty()).then(|| Value::from(extra))),
        ("prompt", Some(Value::from(""))),
        ("n_predict", max_tokens.map(Value::from)),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("top_k", sampling.top_k.map(Value::from)),
        ("stop", (!sampling.stop.is_empty()).then(|| Value::from(sampling.stop.as_slice()))),
        ("seed", sampling.seed.map(Value::from)),
        ("frequency_penalty", sampling.frequency_penalty.map(Value::from)),
        ("presence_penalty", sampling.presence_penalty.map(Value::from)),
        ("stream", Some(Value::Bool(prompt.stream))),
    ];
    Ok(object(fields).to_string().into_bytes())
}
