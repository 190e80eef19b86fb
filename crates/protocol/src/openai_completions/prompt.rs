//! Requests, between their own words and the neutral ones.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::crossing::{lose, lose_rest};
use crate::fim::{FimPrompt, Text, limit, marked};
use crate::json::Fields;
use crate::neutral::{Loss, Unsayable};
use crate::request::ParseError;

/// Fields that no other dialect has.
const KNOWN: &[&str] = &["n", "best_of", "logprobs", "logit_bias", "min_p", "repetition_penalty", "metadata"];

/// How many tokens are put out when a request does not say.
const DEFAULT_LIMIT: u32 = 16;

/// What is asked for where a client of another dialect sets no limit, which cannot be said here.
const NO_LIMIT: u32 = 1024;

/// A prompt in one of its forms.
pub(super) enum Said {
    /// One text.
    Text(Text),
    /// Token ids of some model.
    Tokens,
    /// More than one prompt.
    Several,
}

/// Reads the prompt, which may come as a text, as token ids, or as a list of either.
pub(super) fn said(raw: &RawValue) -> Result<Said, ParseError> {
    if !raw.get().starts_with('[') {
        return Text::read(raw, "prompt").map(Said::Text);
    }
    let items: Vec<&RawValue> = crate::json::parse(raw, "prompt")?;
    match items.as_slice() {
        [one] if one.get().starts_with('"') => Text::read(one, "prompt").map(Said::Text),
        [one] if one.get().starts_with('[') => Ok(Said::Tokens),
        [first, ..] if first.get().starts_with(['"', '[']) => Ok(Said::Several),
        [] => Err(ParseError::Field {
            field: "prompt",
            problem: "empty; send the text before the cursor".to_owned(),
        }),
        _ => Ok(Said::Tokens),
    }
}

/// Reads a request.
pub(super) fn read(body: &[u8]) -> Result<FimPrompt, ParseError> {
    let mut fields = Fields::read(body)?;
    fields.raw("model");
    let max_tokens = fields.int("max_tokens")?;
    let suffix = Text::take(&mut fields, "suffix")?;
    let missing = || ParseError::Field {
        field: "prompt",
        problem: "missing; send the text before the cursor".to_owned(),
    };
    let said = said(fields.raw("prompt").ok_or_else(missing)?)?;
    let (text, unsayable) = match said {
        Said::Text(text) => (text, None),
        Said::Tokens => (Text::default(), Some("`prompt`: token ids")),
        Said::Several => (Text::default(), Some("`prompt`: several prompts in one request")),
    };
    let is_marked = suffix.text.is_empty() && marked(&text.text).is_some();
    let own = text.text.clone();
    let limit = limit(max_tokens).or(Some(DEFAULT_LIMIT));
    let mut prompt = FimPrompt::code(text, suffix, limit);
    prompt.unsayable.extend(unsayable.map(str::to_owned));
    if max_tokens == Some(0) {
        prompt.unsayable.push("`max_tokens`: 0, a prompt that is only to be scored".to_owned());
    }
    prompt.form.echo = fields.take::<bool>("echo")?.unwrap_or(false).then_some(own);
    prompt.stops(fields.texts("stop")?, is_marked);
    rest(fields, &mut prompt)?;
    Ok(prompt)
}

fn rest(mut fields: Fields<'_>, prompt: &mut FimPrompt) -> Result<(), ParseError> {
    prompt.sampling.temperature = fields.number("temperature")?;
    prompt.sampling.top_p = fields.number("top_p")?;
    prompt.sampling.top_k = fields.count("top_k")?;
    prompt.sampling.seed = fields.int("seed")?;
    prompt.sampling.frequency_penalty = fields.number("frequency_penalty")?;
    prompt.sampling.presence_penalty = fields.number("presence_penalty")?;
    prompt.user = fields.take("user")?;
    prompt.stream = fields.take("stream")?.unwrap_or(false);
    if let Some(mut options) = fields.object("stream_options")? {
        prompt.form.stream_usage = options.take("include_usage")?.unwrap_or(false);
    }
    if let Some(mut own) = fields.object("waymark")? {
        prompt.fim.path = own.take("path")?;
    }
    // One answer is what every other dialect gives; of several wanted, one is better than none.
    for name in ["n", "best_of"] {
        if fields.int(name)?.is_some_and(|count| count > 1) {
            prompt.lose(name);
        }
    }
    if fields.raw("logit_bias").is_some_and(|biases| biases.get() != "{}") {
        prompt.lose("logit_bias");
    }
    if fields.raw("logprobs").is_some_and(|logprobs| !matches!(logprobs.get(), "0" | "false")) {
        prompt.lose("logprobs");
    }
    lose_rest(&mut prompt.losses, fields.rest(), KNOWN);
    Ok(())
}

/// Writes a request.
pub(super) fn write(prompt: &FimPrompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    prompt.sayable_in(waymark_types::Dialect::OpenAiCompletions)?;
    let (fim, sampling) = (&prompt.fim, &prompt.sampling);
    for (is_lost, code) in [
        (!prompt.extra.is_empty(), "input_extra"),
        (sampling.top_k.is_some(), "top_k"),
        (sampling.stop.len() > 4, "stop"),
        (fim.max_tokens.is_none(), "no_limit"),
    ] {
        if is_lost {
            lose(losses, code);
        }
    }
    let stop = sampling.stop.get(..4).unwrap_or(&sampling.stop);
    let fields = [
        ("model", Some(Value::from(model))),
        ("prompt", Some(Value::from(fim.prefix.as_str()))),
        ("suffix", (!fim.suffix.is_empty()).then(|| Value::from(fim.suffix.as_str()))),
        // Servers stop after a few tokens where the request does not say.
        ("max_tokens", Some(Value::from(fim.max_tokens.unwrap_or(NO_LIMIT)))),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("stop", (!stop.is_empty()).then(|| Value::from(stop))),
        ("seed", sampling.seed.map(Value::from)),
        ("frequency_penalty", sampling.frequency_penalty.map(Value::from)),
        ("presence_penalty", sampling.presence_penalty.map(Value::from)),
        ("user", prompt.user.as_deref().map(Value::from)),
        ("stream", prompt.stream.then_some(Value::Bool(true))),
        ("stream_options", prompt.stream.then(|| json!({"include_usage": true}))),
    ];
    Ok(crate::fim::object(fields).to_string().into_bytes())
}
