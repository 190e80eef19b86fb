//! Writes what is set: how much to reason, how to draw tokens, what form the answer has.

use serde::Serialize;
use serde_json::{Value, json};

use super::tools;
use crate::anthropic_messages::generation::{Generation, Off, Thinking as Way};
use crate::anthropic_messages::schema;
use crate::crossing::lose;
use crate::neutral::{Effort, Loss, OutputFormat, Prompt, Reasoning};

/// The least budget the provider takes.
const LEAST_BUDGET: u64 = 1_024;
/// What is left for the answer itself where a request names a budget but no limit.
const ANSWER: u64 = 8_192;

/// How much to reason, and within how many tokens.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Settled {
    pub(super) thinking: Option<Thinking>,
    pub(super) effort: Option<&'static str>,
    pub(super) max_tokens: u64,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Thinking {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'static str>,
}

impl Thinking {
    fn plain(kind: &'static str) -> Self {
        Self { kind, budget_tokens: None, display: None }
    }

    /// Whether the model is asked to think.
    pub(super) fn is_on(&self) -> bool {
        matches!(self.kind, "enabled" | "adaptive")
    }
}

/// The budget that stands for an effort, for models that know budgets only.
fn budget_of(effort: Effort) -> u64 {
    match effort {
        Effort::Minimal => 1_024,
        Effort::Low => 4_096,
        Effort::Medium => 10_240,
        Effort::High => 24_576,
        Effort::Max => 31_999,
    }
}

/// The effort that stands for a budget, for models that know efforts only.
fn effort_of(budget: u64) -> Effort {
    match budget {
        ..=4_096 => Effort::Low,
        4_097..=16_384 => Effort::Medium,
        _ => Effort::High,
    }
}

fn word(effort: Effort, most: Effort) -> &'static str {
    match effort.min(most) {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "max",
    }
}

/// Settles reasoning and `max_tokens`, which depend on each other: a budget is part of the limit.
pub(super) fn reasoning(prompt: &Prompt, generation: Generation, losses: &mut Vec<Loss>) -> Settled {
    let mut settled = Settled {
        max_tokens: prompt.max_output.unwrap_or_else(|| generation.max_output()),
        ..Settled::default()
    };
    let Some(reasoning) = &prompt.reasoning else { return settled };
    if reasoning.off {
        switch_off(reasoning, generation, &mut settled, losses);
        return settled;
    }
    match generation.thinking() {
        Way::Never => lose(losses, "reasoning"),
        Way::Budget => by_budget(reasoning, generation, &mut settled, prompt.max_output, losses),
        // Other servers' models, and those of Anthropic's that still take a budget.
        Way::Either if !reasoning.adaptive && (reasoning.budget.is_some() || !generation.is_known()) => {
            by_budget(reasoning, generation, &mut settled, prompt.max_output, losses);
        }
        Way::Either | Way::Adaptive => adaptively(reasoning, generation, &mut settled, losses),
    }
    // Whether the model thinks by itself or not: asked to, it may not be made to call a tool.
    if tools::is_forced(prompt) && settled.thinking.take_if(|thinking| thinking.is_on()).is_some() {
        lose(losses, "reasoning");
    }
    settled
}

fn switch_off(reasoning: &Reasoning, generation: Generation, settled: &mut Settled, losses: &mut Vec<Loss>) {
    // Above `high` the models think in any case.
    let wanted = reasoning.effort.map(|effort| word(effort, Effort::High));
    settled.effort = wanted.filter(|_| generation.has_effort());
    match generation.off() {
        Off::Disabled => settled.thinking = Some(Thinking::plain("disabled")),
        Off::BetweenTools => settled.thinking = Some(Thinking::plain("between_tools")),
        Off::Omitted => {}
        Off::Never => {
            settled.effort = Some("low");
            lose(losses, "reasoning_off");
        }
    }
}

/// How the reasoning is shown. It is said outright, since the generations differ in what they do unasked; other
/// servers may not know the setting.
fn display(reasoning: &Reasoning, generation: Generation) -> Option<&'static str> {
    generation.is_known().then_some(if reasoning.visible { "summarized" } else { "omitted" })
}

fn by_budget(
    reasoning: &Reasoning,
    generation: Generation,
    settled: &mut Settled,
    limit: Option<u64>,
    losses: &mut Vec<Loss>,
) {
    let most = if generation.has_max_effort() { Effort::Max } else { Effort::High };
    settled.effort = reasoning.effort.filter(|_| generation.has_effort()).map(|effort| word(effort, most));
    let wanted = reasoning.budget.unwrap_or_else(|| budget_of(reasoning.effort.unwrap_or(Effort::Medium)));
    let wanted = wanted.max(LEAST_BUDGET);
    if limit.is_none() {
        // The models' own limits lie well above what an effort asks for, so there is room for the answer too.
        settled.max_tokens = settled.max_tokens.max(wanted.saturating_add(ANSWER));
    }
    // A limit that the client named holds: half of it is for the answer, unless the client divided it otherwise.
    let divided = reasoning.budget.is_some() || limit.is_none();
    let room = match wanted < settled.max_tokens && divided {
        true => wanted,
        false => wanted.min(settled.max_tokens / 2),
    };
    if room < LEAST_BUDGET {
        lose(losses, "reasoning");
        return;
    }
    if reasoning.budget.is_some_and(|budget| budget != room) {
        lose(losses, "reasoning_budget");
    }
    settled.thinking = Some(Thinking {
        kind: "enabled",
        budget_tokens: Some(room),
        display: display(reasoning, generation),
    });
}

fn adaptively(reasoning: &Reasoning, generation: Generation, settled: &mut Settled, losses: &mut Vec<Loss>) {
    let effort = reasoning.effort.or(reasoning.budget.map(effort_of));
    if effort == Some(Effort::Minimal) {
        lose(losses, "effort_minimal");
    }
    if reasoning.budget.is_some() {
        lose(losses, "reasoning_budget");
    }
    settled.effort = effort.map(|effort| word(effort, Effort::Max));
    settled.thinking =
        Some(Thinking { kind: "adaptive", budget_tokens: None, display: display(reasoning, generation) });
}

/// How tokens are drawn.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Sampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<String>,
}

/// Writes how tokens are drawn, as far as the model lets anyone say so.
pub(super) fn sampling(
    prompt: &Prompt,
    generation: Generation,
    thinks: bool,
    losses: &mut Vec<Loss>,
) -> Sampling {
    let asked = &prompt.sampling;
    let mut lose = |code: &str, is_lost: bool| {
        if is_lost {
            lose(losses, code);
        }
        is_lost
    };
    lose("seed", asked.seed.is_some());
    lose("frequency_penalty", asked.frequency_penalty.is_some_and(|penalty| penalty != 0.0));
    lose("presence_penalty", asked.presence_penalty.is_some_and(|penalty| penalty != 0.0));
    // A sequence of blanks alone is answered with 400.
    lose("stop_blank", asked.stop.iter().any(|stop| stop.trim().is_empty()));
    let stop_sequences = asked.stop.iter().filter(|stop| !stop.trim().is_empty()).cloned().collect();
    // Thinking leaves only the defaults; so do the newer models. The defaults themselves may go unsaid.
    let fixed = !generation.samples() || (thinks && generation.is_known());
    let mut temperature = asked.temperature;
    if lose("temperature_above_1", !fixed && temperature.is_some_and(|temperature| temperature > 1.0)) {
        temperature = Some(1.0);
    }
    if fixed {
        lose("temperature", temperature.is_some_and(|temperature| temperature != 1.0));
        temperature = None;
    }
    let two_ways = generation.samples_one_way() && temperature.is_some();
    let top_p = asked.top_p.filter(|top_p| !fixed && !two_ways && *top_p < 1.0);
    lose("top_p", top_p.is_none() && asked.top_p.is_some_and(|top_p| top_p < 1.0));
    let top_k = asked.top_k.filter(|_| !fixed);
    lose("top_k", top_k.is_none() && asked.top_k.is_some());
    Sampling { temperature, top_p, top_k, stop_sequences }
}

/// `output_config`.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct OutputConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Value>,
}

/// Writes the answer's form, or says what makes that impossible. A JSON object of any shape cannot be demanded; those
/// who want one have to say so in the prompt as well, so the model is told.
pub(super) fn output(
    prompt: &Prompt,
    generation: Generation,
    effort: Option<&'static str>,
    losses: &mut Vec<Loss>,
) -> Result<Option<OutputConfig>, String> {
    let format = match &prompt.output {
        None => None,
        Some(OutputFormat::JsonObject) => {
            lose(losses, "json_object");
            None
        }
        Some(OutputFormat::JsonSchema { .. }) if !generation.has_schemas() => {
            return Err("an answer by a JSON schema, from this model,".to_owned());
        }
        Some(OutputFormat::JsonSchema { name, description, schema, .. }) => {
            let free = |_| "an answer by a JSON schema whose objects may have any members".to_owned();
            let mut schema = schema::adapt(schema, losses).map_err(free)?;
            // The schema's own words are the only place for these.
            for (key, text) in [("title", name), ("description", description)] {
                if let (Some(text), Some(map)) = (text, schema.as_object_mut()) {
                    map.entry(key).or_insert_with(|| json!(text));
                }
            }
            Some(json!({"type": "json_schema", "schema": schema}))
        }
    };
    Ok((effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format }))
}
