//! `generationConfig`: how an answer is drawn, its form, and the reasoning before it.

use serde_json::{Map, Value, json};

use super::model::Model;
use super::schema;
use crate::crossing::{lose, lose_rest};
use crate::json::Fields;
use crate::neutral::{Effort, Loss, OutputFormat, Prompt, Reasoning};
use crate::request::ParseError;

/// Settings that no other dialect has.
const KNOWN: &[&str] = &[
    "audio_timestamp",
    "image_config",
    "logprobs",
    "media_resolution",
    "model_selection_config",
    "response_logprobs",
    "routing_config",
    "speech_config",
];

/// The most texts that may end an answer.
const MOST_STOPS: usize = 5;

/// Reads the settings into `prompt`.
pub(super) fn read(mut fields: Fields<'_>, prompt: &mut Prompt) -> Result<(), ParseError> {
    prompt.max_output = fields.count("maxOutputTokens")?;
    let sampling = &mut prompt.sampling;
    sampling.temperature = fields.number("temperature")?;
    sampling.top_p = fields.number("topP")?;
    sampling.top_k = fields.count("topK")?;
    sampling.stop = fields.texts("stopSequences")?;
    sampling.seed = fields.int("seed")?;
    sampling.frequency_penalty = fields.number("frequencyPenalty")?;
    sampling.presence_penalty = fields.number("presencePenalty")?;
    if let Some(thinking) = fields.object("thinkingConfig")? {
        prompt.reasoning = Some(read_thinking(thinking)?);
    }
    prompt.output = read_output(&mut fields, prompt)?;
    if let Some(count) = fields.count("candidateCount")?.filter(|&count| count > 1) {
        prompt.unsayable.push(format!("`candidateCount`: {count} answers to one request"));
    }
    if fields.texts("responseModalities")?.iter().any(|modality| !modality.eq_ignore_ascii_case("text")) {
        prompt.unsayable.push("`responseModalities`: an answer that is not text".to_owned());
    }
    lose_rest(&mut prompt.losses, fields.rest(), KNOWN);
    Ok(())
}

fn read_output(fields: &mut Fields<'_>, prompt: &mut Prompt) -> Result<Option<OutputFormat>, ParseError> {
    let mut media_type: Option<String> = fields.take("responseMimeType")?;
    let mut schema: Option<Value> = fields.take("responseJsonSchema")?;
    if let Some(openapi) = fields.take("responseSchema")? {
        schema = schema.or_else(|| Some(schema::to_json_schema(openapi, &mut prompt.losses)));
    }
    for format in fields.list("responseFormat")? {
        let mut format = Fields::of(format, "responseFormat")?;
        if let Some(mut text) = format.object("text")? {
            media_type = text.take("mimeType")?.or(media_type);
            schema = text.take("schema")?.or(schema);
        }
        if format.rest().next().is_some() {
            prompt.unsayable.push("`responseFormat`: an answer that is not text".to_owned());
        }
    }
    let media_type = media_type.unwrap_or_default().to_ascii_lowercase();
    if media_type.contains("enum") {
        prompt.unsayable.push("`responseMimeType`: a bare value out of an `enum`".to_owned());
        return Ok(None);
    }
    let any = media_type.contains("json").then_some(OutputFormat::JsonObject);
    let by = |schema| OutputFormat::JsonSchema { name: None, description: None, schema, strict: None };
    Ok(schema.map(by).or(any))
}

fn read_thinking(mut fields: Fields<'_>) -> Result<Reasoning, ParseError> {
    let level: Option<String> = fields.take("thinkingLevel")?;
    let budget = fields.int("thinkingBudget")?;
    Ok(Reasoning {
        effort: level.and_then(|level| match level.to_ascii_uppercase().as_str() {
            "MINIMAL" => Some(Effort::Minimal),
            "LOW" => Some(Effort::Low),
            "MEDIUM" => Some(Effort::Medium),
            "HIGH" => Some(Effort::High),
            _ => None,
        }),
        budget: budget.and_then(|budget| u64::try_from(budget).ok()).filter(|&budget| budget > 0),
        adaptive: budget.is_some_and(|budget| budget < 0),
        off: budget == Some(0),
        visible: fields.take("includeThoughts")?.unwrap_or(false),
    })
}

/// Writes the settings; `None` when there are none.
pub(super) fn write(prompt: &Prompt, model: &Model, losses: &mut Vec<Loss>) -> Option<Value> {
    let mut out = Map::new();
    let sampling = &prompt.sampling;
    if sampling.stop.len() > MOST_STOPS {
        lose(losses, "stop");
    }
    let stop = &sampling.stop[..sampling.stop.len().min(MOST_STOPS)];
    let seed = sampling.seed.and_then(|seed| i32::try_from(seed).ok());
    if seed.is_none() && sampling.seed.is_some() {
        lose(losses, "seed");
    }
    let settings = [
        ("maxOutputTokens", json!(prompt.max_output)),
        ("temperature", json!(sampling.temperature)),
        ("topP", json!(sampling.top_p)),
        ("topK", json!(sampling.top_k)),
        ("stopSequences", if stop.is_empty() { Value::Null } else { json!(stop) }),
        ("seed", json!(seed)),
        ("frequencyPenalty", json!(sampling.frequency_penalty)),
        ("presencePenalty", json!(sampling.presence_penalty)),
    ];
    let said = settings.into_iter().filter(|(_, value)| !value.is_null());
    out.extend(said.map(|(name, value)| (name.to_owned(), value)));
    match &prompt.output {
        None => {}
        Some(OutputFormat::JsonObject) => {
            out.insert("responseMimeType".to_owned(), json!("application/json"));
        }
        Some(OutputFormat::JsonSchema { name, description, schema, .. }) => {
            if name.is_some() || description.is_some() {
                lose(losses, "schema_name");
            }
            out.insert("responseMimeType".to_owned(), json!("application/json"));
            out.insert("responseJsonSchema".to_owned(), schema.clone());
        }
    }
    if let Some(reasoning) = &prompt.reasoning {
        out.insert("thinkingConfig".to_owned(), write_thinking(reasoning, model, losses));
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// A level and a budget exclude each other, and each generation takes one of them.
fn write_thinking(reasoning: &Reasoning, model: &Model, losses: &mut Vec<Loss>) -> Value {
    let mut out = Map::new();
    if reasoning.visible {
        out.insert("includeThoughts".to_owned(), json!(true));
    }
    let (name, value) = match (reasoning.effort, reasoning.budget) {
        _ if reasoning.off => off(model, losses),
        (Some(effort), budget) if model.has_levels() => {
            if budget.is_some() {
                lose(losses, "reasoning_budget");
            }
            ("thinkingLevel", json!(level(effort, model)))
        }
        (effort, Some(budget)) => {
            if effort.is_some() {
                lose(losses, "reasoning_effort");
            }
            if budget > model.max_budget() {
                lose(losses, "reasoning_budget");
            }
            ("thinkingBudget", json!(budget.min(model.max_budget())))
        }
        (Some(effort), None) => ("thinkingBudget", json!(budget_for(effort))),
        (None, None) if reasoning.adaptive => ("thinkingBudget", json!(-1)),
        (None, None) => return Value::Object(out),
    };
    out.insert(name.to_owned(), value);
    Value::Object(out)
}

/// No reasoning, or the least where a model cannot do without.
fn off(model: &Model, losses: &mut Vec<Loss>) -> (&'static str, Value) {
    match (model.wants_signatures(), model.is_pro()) {
        (false, false) => return ("thinkingBudget", json!(0)),
        _ => lose(losses, "reasoning_off"),
    }
    match model.has_levels() {
        true => ("thinkingLevel", json!(level(Effort::Minimal, model))),
        false => ("thinkingBudget", json!(128)),
    }
}

fn level(effort: Effort, model: &Model) -> &'static str {
    match effort {
        Effort::Minimal if !model.is_pro() => "MINIMAL",
        Effort::Minimal | Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High | Effort::Max => "HIGH",
    }
}

/// Google's own table for OpenAI's efforts.
fn budget_for(effort: Effort) -> u64 {
    match effort {
        Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 8192,
        Effort::High | Effort::Max => 24_576,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_asked_for_as_each_generation_takes_it() {
        let effort = |effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
        let budget = |budget| Reasoning { budget: Some(budget), ..Reasoning::default() };
        let off = Reasoning { off: true, ..Reasoning::default() };
        let cases = [
            ("gemini-3.5-flash", effort(Effort::Minimal), json!({"thinkingLevel": "MINIMAL"}), ""),
            ("gemini-3.1-pro", effort(Effort::Minimal), json!({"thinkingLevel": "LOW"}), ""),
            ("gemini-3.1-pro", effort(Effort::Max), json!({"thinkingLevel": "HIGH"}), ""),
            ("gemini-2.5-flash", effort(Effort::Medium), json!({"thinkingBudget": 8192}), ""),
            ("gemini-2.5-flash", budget(31_999), json!({"thinkingBudget": 24_576}), "reasoning_budget"),
            ("gemini-2.5-pro", budget(31_999), json!({"thinkingBudget": 31_999}), ""),
            ("gemini-2.5-flash", off.clone(), json!({"thinkingBudget": 0}), ""),
            ("gemini-2.5-pro", off.clone(), json!({"thinkingBudget": 128}), "reasoning_off"),
            ("gemini-3.1-pro", off, json!({"thinkingLevel": "LOW"}), "reasoning_off"),
            (
                "gemini-3.1-pro",
                Reasoning {
                    effort: Some(Effort::High),
                    budget: Some(9),
                    visible: true,
                    ..Reasoning::default()
                },
                json!({"thinkingLevel": "HIGH", "includeThoughts": true}),
                "reasoning_budget",
            ),
            (
                "gemini-2.5-pro",
                Reasoning { adaptive: true, ..Reasoning::default() },
                json!({"thinkingBudget": -1}),
                "",
            ),
        ];
        for (name, reasoning, expected, lost) in cases {
            let mut losses = Vec::new();
            assert_eq!(
                write_thinking(&reasoning, &Model::named(name), &mut losses),
                expected,
                "{name} {reasoning:?}"
            );
            let codes: Vec<&str> = losses.iter().map(|loss| loss.code.as_str()).collect();
            assert_eq!(codes.join(","), lost, "{name} {reasoning:?}");
        }
    }
}
