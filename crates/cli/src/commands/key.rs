//! `waymark key`

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::json;
use waymark_gateway::{KeyError, KeysError, ListedKey, NewKey, SystemClock, Used};
use waymark_store::StoreError;
use waymark_types::{Clock as _, Limits, MicroUsd};

use super::export::moment;
use super::{Outcome, block_on, sources};
use crate::args::{self, Common};
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE, talk};
use crate::settings;
use crate::terminal::{BOLD, DIM, GREEN, grouped};

/// A name or a label has at most this many characters.
const LONGEST: usize = 200;

/// Names that records have for those who ask without a key.
const NOBODYS: [&str; 2] = ["local", "unknown"];

pub(crate) fn run(common: &Common, what: args::Key) -> Outcome {
    match what {
        args::Key::Create(asked) => create(common, *asked),
        args::Key::List => list(common),
        args::Key::Revoke { id } => revoke(common, &id),
    }
}

fn create(common: &Common, asked: args::NewKey) -> Outcome {
    let new = new(asked)?;
    check_names(common, &new)?;
    let data_dir = sources::data_dir(common)?;
    let store = sources::store(common, &data_dir)?;
    let owner = new.owner.clone();
    let made = block_on(async {
        waymark_gateway::create_key(&store, &data_dir, new, &SystemClock)
            .await
            .map_err(|error| undone(&error))
    })?;
    let secret = made.secret.expose();
    if common.json {
        let told = json!({"id": made.id, "owner": owner, "secret": secret, "record": made.record});
        writeln!(io::stdout(), "{told}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(io::stdout(), "{secret}")?;
    talk(format_args!(
        "{GREEN}made{GREEN:#} the key {BOLD}{}{BOLD:#} of {owner}, on record as {}",
        made.id, made.record
    ));
    talk("this is its secret, which is not kept: give it to the client as its API key");
    Ok(ExitCode::SUCCESS)
}

fn new(asked: args::NewKey) -> Result<NewKey, Failure> {
    let owner = asked.owner.trim().to_owned();
    let is_long = |text: &str| text.chars().count() > LONGEST || text.chars().any(char::is_control);
    if owner.is_empty() || is_long(&owner) || is_long(&asked.label) {
        let message = format!("--owner and --label are lines of at most {LONGEST} characters");
        return Err(Failure::new(USAGE, message).hint("name the person, or the program: --owner ann"));
    }
    if NOBODYS.contains(&owner.as_str()) {
        return Err(Failure::new(USAGE, format!("`{owner}` is what records call those who have no key"))
            .hint("choose another name"));
    }
    let dollars = |flag: &str, text: Option<String>| -> Result<Option<MicroUsd>, Failure> {
        let read = |text: String| {
            let refused = |problem: &str, hint: &str| {
                Failure::new(USAGE, format!("{flag} {text} {problem}")).hint(hint)
            };
            let amount = settings::dollars(&text)
                .map_err(|problem| refused(&problem, "write US dollars, such as 2.50"))?;
            match amount.0 > Limits::MOST {
                true => Err(refused("is more than can be counted", "leave it out to set no limit")),
                false => Ok(amount),
            }
        };
        text.map(read).transpose()
    };
    let expires = asked.expires.as_deref().map(|text| moment("--expires", text)).transpose()?;
    if let Some(expires) = expires.filter(|expires| *expires <= SystemClock.now()) {
        return Err(Failure::new(USAGE, format!("--expires {expires} is over")).hint("name a time to come"));
    }
    Ok(NewKey {
        owner,
        label: asked.label,
        routes: asked.routes,
        models: asked.models,
        limits: Limits {
            budget_day: dollars("--budget-day", asked.budget_day)?,
            budget_month: dollars("--budget-month", asked.budget_month)?,
            tokens_day: asked.tokens_day,
            tokens_month: asked.tokens_month,
            requests_per_minute: asked.requests_per_minute,
            tokens_per_minute: asked.tokens_per_minute,
        },
        expires,
    })
}

/// Routes and models must be there, where a configuration says which are.
fn check_names(common: &Common, new: &NewKey) -> Result<(), Failure> {
    if common.config.is_none() || (new.routes.is_empty() && new.models.is_empty()) {
        return Ok(());
    }
    let settings = sources::load(common, sources::Given::default())?;
    let config = settings.config();
    let routes: Vec<&String> = config.routes.keys().collect();
    let models: Vec<&String> = config.models.keys().collect();
    for (kind, asked, known) in [("route", &new.routes, routes), ("model", &new.models, models)] {
        if let Some(name) = asked.iter().find(|name| !known.contains(name)) {
            let known: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
            return Err(Failure::new(USAGE, format!("there is no {kind} `{name}`"))
                .hint(format!("known: {}", known.join(", "))));
        }
    }
    Ok(())
}

fn revoke(common: &Common, id: &str) -> Outcome {
    let data_dir = sources::data_dir(common)?;
    let store = sources::store(common, &data_dir)?;
    let record = block_on(async {
        let revoked = waymark_gateway::revoke_key(&store, &data_dir, id, &SystemClock).await;
        revoked.map_err(|error| undone(&error))
    })?;
    if common.json {
        writeln!(io::stdout(), "{}", json!({"id": id, "record": record}))?;
    } else {
        writeln!(anstream::stdout(), "{GREEN}revoked{GREEN:#} the key {id}, on record as {record}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(common: &Common) -> Outcome {
    let data_dir = sources::data_dir(common)?;
    let store = sources::store(common, &data_dir)?;
    let listed = block_on(async {
        waymark_gateway::list_keys(&store, &SystemClock).await.map_err(|error| undone(&error))
    })?;
    if common.json {
        writeln!(io::stdout(), "{}", json!({"keys": listed}))?;
        return Ok(ExitCode::SUCCESS);
    }
    if listed.is_empty() {
        talk("there are no keys; `waymark key create --owner NAME` makes one");
    }
    for key in &listed {
        tell(key)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(key: &ListedKey) -> io::Result<()> {
    let mut out = anstream::stdout();
    let owner = key.owner.as_deref().unwrap_or("somebody who was erased");
    let label = key.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    let state = match key.state {
        "active" => key.expires.map(|expires| format!("until {expires}")).unwrap_or_default(),
        state => state.to_owned(),
    };
    writeln!(out, "{BOLD}{}{BOLD:#}  {owner}{label}  {DIM}{state}{DIM:#}", key.id)?;
    if !key.routes.is_empty() || !key.models.is_empty() {
        let names: Vec<&str> = key.routes.iter().chain(&key.models).map(String::as_str).collect();
        writeln!(out, "    may use     {}", names.join(", "))?;
    }
    let limits = key.limits;
    for (period, used, budget, tokens) in [
        ("today", &key.today, limits.budget_day, limits.tokens_day),
        ("this month", &key.this_month, limits.budget_month, limits.tokens_month),
    ] {
        writeln!(out, "    {period:<11} {}", words(used, budget, tokens))?;
    }
    Ok(())
}

fn words(used: &Used, budget: Option<MicroUsd>, tokens: Option<u64>) -> String {
    let money = MicroUsd(used.cost_micro_usd.0.saturating_add(used.assumed_cost_micro_usd.0));
    let assumed = match used.assumed_cost_micro_usd.0 {
        0 => String::new(),
        _ => format!(", {} of it assumed", used.assumed_cost_micro_usd),
    };
    let of_money = budget.map(|budget| format!(" of {budget}")).unwrap_or_default();
    let of_tokens = tokens.map(|tokens| format!(" of {}", grouped(tokens))).unwrap_or_default();
    let total = used.tokens.saturating_add(used.assumed_tokens);
    format!(
        "{money}{of_money}{assumed}, {}{of_tokens} tokens, {} requests",
        grouped(total),
        grouped(used.requests)
    )
}

fn undone(error: &KeysError) -> Failure {
    match error {
        KeysError::Refused(why) => {
            Failure::new(CHECK_FAILED, why).hint("`waymark key list` tells which there are")
        }
        KeysError::Store(StoreError::Missing { .. }) => Failure::from_error(UNREACHABLE, error)
            .hint("`waymark key create` makes one; name another place with --data-dir or --config"),
        KeysError::Directory(KeyError::File { .. } | KeyError::KeyElsewhere { .. }) => {
            Failure::from_error(UNREACHABLE, error)
                .hint("a change to a key is signed: run it where the ledger's key is")
        }
        _ => Failure::from_error(UNREACHABLE, error),
    }
}
