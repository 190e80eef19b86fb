//! `waymark route explain`

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value};
use waymark_gateway::{Decided, ExplainError, Explained, Rung, explain_route};
use waymark_routing::Switch;
use waymark_types::{Dialect, MicroUsd, Next};

use super::super::{Outcome, sources};
use super::table::{Column, Table};
use crate::args::{Common, Explain};
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE, talk};
use crate::terminal::{BOLD, DIM, GREEN, RED, grouped, repaid, short, thousandths};

pub(crate) fn run(common: &Common, asked: &Explain) -> Outcome {
    let body = read(&asked.request)?;
    let headers = asked.header.iter().map(|text| header(text)).collect::<Result<Vec<_>, _>>()?;
    let dialect = match asked.dialect {
        Some(dialect) => dialect,
        None => told(&body, &headers)?,
    };
    let settings = sources::load(common, sources::Given::default())?;
    let body = body.into();
    let explained = explain_route(settings.config(), dialect, &headers, asked.model.clone(), &body)
        .map_err(|error| unexplained(&error, dialect))?;
    if common.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, &explained).map_err(io::Error::from)?;
        writeln!(stdout)?;
    } else {
        print(&explained, dialect, &mut anstream::stdout().lock())?;
    }
    if common.config.is_none() {
        talk("decided without a configuration: name one with --config waymark.toml");
    }
    let refused = explained.decided.refusal.is_some();
    Ok(if refused { ExitCode::from(CHECK_FAILED) } else { ExitCode::SUCCESS })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unread = |error: io::Error| {
        Failure::new(UNREACHABLE, format!("could not read {}: {error}", path.display()))
            .hint("name a file with the request's body, or `-` for standard input")
    };
    if path.as_os_str() == "-" {
        let mut body = Vec::new();
        io::stdin().lock().read_to_end(&mut body).map_err(unread)?;
        return Ok(body);
    }
    fs::read(path).map_err(unread)
}

fn header(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        Failure::new(USAGE, format!("--header {text} has no value")).hint("write --header NAME=VALUE")
    })?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// The dialect that a body gives away by its fields.
fn told(body: &[u8], headers: &[(String, String)]) -> Result<Dialect, Failure> {
    let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        Failure::new(USAGE, format!("the request is no JSON object: {error}"))
            .hint("give the request's body as its client sends it")
    })?;
    let has = |name: &str| fields.contains_key(name);
    let says = |name: &str| headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
    let tools = fields.get("tools").and_then(Value::as_array).into_iter().flatten();
    let anthropic = has("system")
        || has("stop_sequences")
        || says("anthropic-version")
        || tools.into_iter().any(|tool| tool.get("input_schema").is_some());
    let dialect = if has("messages") {
        Some(if anthropic { Dialect::AnthropicMessages } else { Dialect::OpenAiChat })
    } else if has("contents") {
        Some(Dialect::Gemini)
    } else if has("input_prefix") || has("input_suffix") {
        Some(Dialect::LlamaInfill)
    } else if has("prompt") {
        Some(Dialect::OpenAiCompletions)
    } else if has("input") && (has("instructions") || has("tools") || has("reasoning") || has("store")) {
        Some(Dialect::OpenAiResponses)
    } else {
        None
    };
    dialect.ok_or_else(|| {
        let known: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.as_str()).collect();
        Failure::new(USAGE, "the request does not tell its dialect")
            .hint(format!("say it with --dialect, one of {}", known.join(", ")))
    })
}

fn unexplained(error: &ExplainError, dialect: Dialect) -> Failure {
    let failure = Failure::from_error(USAGE, error);
    match error {
        ExplainError::Request(_) => {
            failure.hint(format!("the request was read as {dialect}; name another with --dialect"))
        }
        ExplainError::Snapshot(_) | ExplainError::Content(_) | ExplainError::Header(_) => failure,
    }
}

fn print(explained: &Explained, dialect: Dialect, out: &mut dyn Write) -> io::Result<()> {
    let mut row = |label: &str, value: &str| writeln!(out, "{DIM}{label:<10}{DIM:#}{value}");
    row("requested", &explained.requested_model)?;
    let rule = explained.task_rule.map_or(String::new(), |rule| format!(", by the rule {rule}"));
    row("task", &format!("{} in {dialect}{rule}", explained.task))?;
    let mut size = vec![format!("about {} tokens", grouped(explained.input_tokens))];
    size.push(format!("{} events", grouped(u64::from(explained.events))));
    size.push(format!("{} turns of the model's", grouped(u64::from(explained.turns))));
    if !explained.needs.is_empty() {
        let needs: Vec<&str> = explained.needs.iter().map(|need| need.as_str()).collect();
        size.push(format!("needs {}", needs.join(", ")));
    }
    row("size", &size.join("; "))?;
    row("policy", &format!("{}, snapshot {}", explained.policy, short(&explained.snapshot)))?;
    writeln!(out)?;
    decided(&explained.decided, out)?;
    if let Some(shadow) = &explained.shadow {
        writeln!(out, "\n{BOLD}in the shadow, recorded and not acted on{BOLD:#}")?;
        decided(shadow, out)?;
    }
    Ok(())
}

fn decided(told: &Decided, out: &mut dyn Write) -> io::Result<()> {
    let route = told.route.as_deref().unwrap_or("none: a model was asked for by name");
    writeln!(out, "{DIM}route     {DIM:#}{route}")?;
    match (&told.refusal, &told.rung) {
        (Some(refusal), _) => {
            writeln!(out, "{DIM}decision  {DIM:#}{RED}refused{RED:#} ({}): {refusal}", told.reason)?;
        }
        (None, rung) => {
            let rung = rung.as_deref().unwrap_or("none");
            writeln!(out, "{DIM}decision  {DIM:#}{GREEN}{rung}{GREEN:#} ({})", told.reason)?;
        }
    }
    writeln!(out, "{DIM}reasons   {DIM:#}{}", told.reasons.join(", "))?;
    let models = if told.candidates.is_empty() { &told.plan } else { &told.candidates };
    if !models.is_empty() {
        writeln!(out)?;
        candidates(models, told).write(out)?;
    }
    if let Some(climb_at) = told.climb_at {
        writeln!(out)?;
        evidence(told, climb_at, out)?;
    }
    match &told.switch {
        Some(switch) => writeln!(out, "{}", change(switch, told)),
        None => Ok(()),
    }
}

fn candidates(models: &[Rung], told: &Decided) -> Table<'static> {
    let mut table = Table::new(&[
        (Column::Words, "rung"),
        (Column::Words, "model"),
        (Column::Words, "at its provider"),
        (Column::Number, "$/M in"),
        (Column::Aside, "what becomes of it"),
    ]);
    for model in models {
        let price = model.input_price.map_or_else(|| "–".to_owned(), |price| dollars(price, 2));
        table.row([
            model.rung.clone(),
            model.name.clone(),
            format!("{}/{}", model.provider, model.model),
            price,
            fate(model, told),
        ]);
    }
    table
}

fn fate(model: &Rung, told: &Decided) -> String {
    let planned = told.plan.iter().position(|step| step.name == model.name);
    match (model.obstacle, planned, model.arrival) {
        (Some("task"), ..) => "cannot: not for this task".to_owned(),
        (Some("dialect"), ..) => "cannot: its provider does not speak the dialect".to_owned(),
        (Some("context"), ..) => "cannot: too long for it".to_owned(),
        (Some("other_vectors" | "other_rung"), ..) => "cannot: its vectors do not compare".to_owned(),
        (Some(lacking), ..) => format!("cannot: {lacking}"),
        (None, Some(0), _) => "asked first".to_owned(),
        (None, Some(_), Some(Next::Descend)) => {
            "below the rung taken: asked last, should all others fail".to_owned()
        }
        (None, Some(_), Some(Next::Fallback)) => "stands in where the one before fails".to_owned(),
        (None, Some(_), _) => "next, where all before fail or decline".to_owned(),
        (None, None, _) => "not asked: below the rung taken".to_owned(),
    }
}

fn evidence(told: &Decided, climb_at: u32, out: &mut dyn Write) -> io::Result<()> {
    if !told.evidence.is_empty() {
        let mut table =
            Table::new(&[(Column::Words, "evidence"), (Column::Number, "times"), (Column::Number, "weight")]);
        for seen in &told.evidence {
            table.row([
                format!("{}@{}", seen.rule, seen.version),
                seen.count.to_string(),
                thousandths(seen.weight),
            ]);
        }
        table.write(out)?;
    }
    let (score, at) = (thousandths(told.score), thousandths(climb_at));
    let reached = if told.score >= climb_at { "enough to climb" } else { "not enough to climb" };
    writeln!(out, "score {score}, climbs at {at}: {reached}")
}

fn change(switch: &Switch, told: &Decided) -> String {
    let made = told.rung.as_ref() == Some(&switch.to);
    let what = if made { "change" } else { "change weighed and left" };
    let cost = switch
        .cost
        .map_or_else(|| "at a price nobody stated".to_owned(), |cost| format!("for ${}", dollars(cost, 4)));
    let turn = match switch.saved_per_turn {
        None => "what a turn then costs is not known".to_owned(),
        Some(saved) => {
            let amount = dollars(MicroUsd(saved.unsigned_abs()), 4);
            format!("each turn then costs ${amount} {}", if saved >= 0 { "less" } else { "more" })
        }
    };
    let repaid = match switch.repaid_after {
        Some(turns) => repaid(turns),
        None if switch.saved_per_turn.is_some() => ", never repaid".to_owned(),
        None => String::new(),
    };
    let tokens = grouped(switch.uncached_tokens);
    format!(
        "{what}: {} → {}, reads about {tokens} tokens afresh {cost}; {turn}{repaid}",
        switch.from, switch.to
    )
}

fn dollars(amount: MicroUsd, digits: usize) -> String {
    format!("{:.digits$}", amount.0 as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_gives_its_dialect_away() {
        for (body, dialect) in [
            (r#"{"model":"m","messages":[]}"#, Some("openai-chat")),
            (r#"{"model":"m","system":"s","messages":[]}"#, Some("anthropic-messages")),
            (
                r#"{"model":"m","messages":[],"tools":[{"name":"a","input_schema":{}}]}"#,
                Some("anthropic-messages"),
            ),
            (r#"{"model":"m","messages":[],"tools":[{"type":"function"}]}"#, Some("openai-chat")),
            (r#"{"model":"m","input":"x","instructions":"y"}"#, Some("openai-responses")),
            (r#"{"contents":[]}"#, Some("gemini")),
            (r#"{"model":"m","prompt":"x"}"#, Some("openai-completions")),
            (r#"{"input_prefix":"x","input_suffix":"y"}"#, Some("llama-infill")),
            (r#"{"model":"m","input":"x"}"#, None),
            ("[]", None),
        ] {
            let found = told(body.as_bytes(), &[]).ok().map(Dialect::as_str);
            assert_eq!(found, dialect, "{body}");
        }
        let headers = [("Anthropic-Version".to_owned(), "2023-06-01".to_owned())];
        assert_eq!(told(br#"{"messages":[]}"#, &headers).ok(), Some(Dialect::AnthropicMessages));
    }
}
