//! Whether a call may be made: what its key allows, how fast it comes, and whether there is room for it.

use std::sync::Arc;

use waymark_protocol::{ErrorKind, Fault, Request};
use waymark_routing::Plan;
use waymark_store::{Amount, Budget, Counter, Spent};
use waymark_types::{Limits, MicroUsd, RecordId, Timestamp};

use super::book::Key;
use super::estimate::Estimate;
use super::hold::{Hold, bytes_per_token};
use super::rates::Slow;
use super::window::Windows;
use super::{EVERYBODY, Unpriced};
use crate::state::State;

/// A call that is not made.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) fault: Fault,
    /// After how many seconds it may be asked again with success.
    pub(crate) retry_after: Option<u64>,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault, retry_after: None }
    }
}

/// Somebody that use is counted for.
pub(super) struct Account {
    /// What it is called where it is counted.
    pub(super) name: String,
    /// What a client is told of it.
    pub(super) shown: String,
    pub(super) limits: Limits,
}

/// Who a call with `key` is counted for.
fn accounts(state: &State, key: Option<&Key>) -> Vec<Account> {
    let mut accounts = Vec::new();
    if let Some(key) = key {
        let (name, shown) = (format!("key:{}", key.id), format!("the key {}", key.id));
        accounts.push(Account { name, shown, limits: key.terms.limits });
        let owner = key.owner.as_deref().unwrap_or_default();
        let (name, shown) = (format!("owner:{}", key.terms.owner), format!("{owner}, over all keys"));
        accounts.push(Account { name, shown, limits: state.config.limits.per_owner });
    }
    let everybody = state.config.limits.everybody;
    if everybody.has_budget() || everybody.has_rate() {
        let (name, shown) = (EVERYBODY.to_owned(), "everybody together".to_owned());
        accounts.push(Account { name, shown, limits: everybody });
    }
    accounts
}

/// Whether the key allows what was decided.
pub(crate) fn permitted(key: Option<&Key>, plan: &Plan) -> Result<(), Fault> {
    let Some(terms) = key.map(|key| &key.terms) else { return Ok(()) };
    if terms.routes.is_empty() && terms.models.is_empty() {
        return Ok(());
    }
    let named = plan.steps.first().map_or("", |step| step.name.as_str());
    let (code, allowed, what) = match &plan.route {
        Some(route) => ("route_not_allowed", terms.routes.contains(route), format!("the route `{route}`")),
        None => {
            let allowed = terms.models.iter().any(|model| model == named);
            ("model_not_allowed", allowed, format!("the model `{named}`"))
        }
    };
    if allowed {
        return Ok(());
    }
    let listed = |kind: &str, names: &[String]| match names {
        [] => None,
        names => Some(format!("{kind} {}", names.join(", "))),
    };
    let may: Vec<_> = [listed("the routes", &terms.routes), listed("the models", &terms.models)]
        .into_iter()
        .flatten()
        .collect();
    let id = key.map_or("", |key| &key.id);
    let message =
        format!("the key {id} may not use {what}; it may use {}. Ask for one of these", may.join(" and "));
    Err(Fault { kind: ErrorKind::Forbidden, code, message })
}

/// Lets a call through or refuses it. What is let through is counted by what is returned, where it is counted at all.
pub(crate) async fn admit(
    state: &Arc<State>,
    record: RecordId,
    arrived: Timestamp,
    key: Option<&Key>,
    request: &Request,
    plan: &Plan,
) -> Result<Option<Hold>, Refused> {
    permitted(key, plan)?;
    let accounts = accounts(state, key);
    if accounts.is_empty() {
        return Ok(None);
    }
    let depends = |limits: &Limits| limits.has_budget() || limits.tokens_per_minute.is_some();
    let look = accounts.iter().any(|account| depends(&account.limits));
    let output = state.config.limits.output_tokens;
    let estimate = Estimate::of(request, plan, &state.snapshot.policy, output, look);
    for account in &accounts {
        let now = state.clock.now();
        state
            .limits
            .rates
            .take(account, estimate.input, now)
            .await
            .map_err(|slow| too_fast(account, &slow))?;
    }
    let windows = Windows::at(arrived);
    let budgets = budgets(&accounts, &windows);
    let reserved = !budgets.is_empty() && estimate.leaves;
    if reserved {
        reserve(state, record, &accounts, budgets, &estimate, &windows).await?;
    }
    let counters =
        accounts.iter().filter(|account| is_counted(account)).flat_map(|account| both(account, &windows));
    let rated = accounts.iter().filter(|account| account.limits.tokens_per_minute.is_some());
    Ok(Some(Hold {
        state: Arc::clone(state),
        record,
        counters: counters.collect(),
        rated: rated.map(|account| (account.name.clone(), account.limits)).collect(),
        estimate,
        bytes_per_token: bytes_per_token(request.dialect, request.stream),
        reserved,
        settled: false,
    }))
}

/// Keys and their owners are always counted, so that it can be told what they used; everybody only under a budget.
fn is_counted(account: &Account) -> bool {
    account.name != EVERYBODY || account.limits.has_budget()
}

fn both(account: &Account, windows: &Windows) -> [Counter; 2] {
    let counter = |period: &String| Counter { account: account.name.clone(), period: period.clone() };
    [counter(&windows.day), counter(&windows.month)]
}

fn budgets(accounts: &[Account], windows: &Windows) -> Vec<Budget> {
    let budget = |account: &Account| {
        let limits = account.limits;
        let [day, month] = both(account, windows);
        let micros = |amount: Option<MicroUsd>| amount.map(|amount| amount.0);
        [
            Budget { counter: day, cost: micros(limits.budget_day), tokens: limits.tokens_day },
            Budget { counter: month, cost: micros(limits.budget_month), tokens: limits.tokens_month },
        ]
    };
    let all = accounts.iter().flat_map(budget);
    all.filter(|budget| budget.cost.is_some() || budget.tokens.is_some()).collect()
}

async fn reserve(
    state: &State,
    record: RecordId,
    accounts: &[Account],
    budgets: Vec<Budget>,
    estimate: &Estimate,
    windows: &Windows,
) -> Result<(), Refused> {
    let in_money = budgets.iter().any(|budget| budget.cost.is_some());
    if in_money && estimate.unpriced && state.config.limits.unpriced == Unpriced::Refuse {
        let message =
            "there is a budget of money, and no price is known for a model that this request may reach; \
                       set models.NAME.price, or limits.unpriced = \"allow\" to count tokens alone"
                .to_owned();
        return Err(Fault { kind: ErrorKind::Forbidden, code: "price_unknown", message }.into());
    }
    let unreadable = |problem: String| {
        let message = format!("no call is made while it cannot be counted: {problem}");
        Refused::from(Fault { kind: ErrorKind::Unavailable, code: "ledger_unavailable", message })
    };
    let amount = estimate.amount();
    if state.limits.purse.reserve(record, budgets.clone(), amount).await.map_err(unreadable)? {
        return Ok(());
    }
    let counters: Vec<Counter> = budgets.iter().map(|budget| budget.counter.clone()).collect();
    let spent =
        state.recorder.store().spent(&counters).await.map_err(|error| unreadable(error.to_string()))?;
    let spent_of = |budget: &Budget| spent.get(&budget.counter).copied().unwrap_or_default();
    // What was in the way may have gone since; then the first is as good as any to tell.
    let full = budgets.iter().find(|budget| !budget.has_room(&spent_of(budget), amount)).or(budgets.first());
    let Some(full) = full else { return Ok(()) };
    let account = accounts.iter().find(|account| account.name == full.counter.account);
    let shown = account.map_or("everybody", |account| &account.shown);
    Err(Fault {
        kind: ErrorKind::Exhausted,
        code: "budget_spent",
        message: budget_spent(shown, full, &spent_of(full), amount, windows),
    }
    .into())
}

fn budget_spent(shown: &str, full: &Budget, spent: &Spent, wanted: Amount, windows: &Windows) -> String {
    let is_day = full.counter.period == windows.day;
    let (period, turns) =
        if is_day { ("today", windows.next_day) } else { ("this month", windows.next_month) };
    let used = spent.counted.plus(spent.assumed);
    let short_of_money = full.cost.filter(|most| spent.total().plus(wanted).cost > *most);
    let (budget, used, under_way, more) = match (short_of_money, full.tokens) {
        (None, Some(most)) => (
            format!("{most} tokens"),
            used.tokens.to_string(),
            spent.reserved.tokens.to_string(),
            wanted.tokens.to_string(),
        ),
        (most, _) => (
            money(most.or(full.cost).unwrap_or_default()),
            money(used.cost),
            money(spent.reserved.cost),
            money(wanted.cost),
        ),
    };
    let next = turns.to_string();
    let next = next.split('.').next().unwrap_or_default();
    format!(
        "the budget of {shown} for {period} has no room for this request: of {budget}, {used} are used and {under_way} \
         may be by calls under way, and this one may come to {more}. It begins anew at {next}Z; until then ask whoever \
         runs this Waymark for more, or ask for a shorter answer"
    )
}

/// An amount in as few digits as it takes: some clients take a 500 anywhere in an error for a status that is worth asking
/// again.
fn money(micros: u64) -> String {
    let text = MicroUsd(micros).to_string();
    let short = text.trim_end_matches('0');
    let decimals = short.rsplit('.').next().map_or(0, str::len);
    format!("{short}{}", "0".repeat(2_usize.saturating_sub(decimals)))
}

fn too_fast(account: &Account, slow: &Slow) -> Refused {
    let Slow { most, of, seconds } = slow;
    let message =
        format!("{} may send {most} {of} a minute, and has; try again in {seconds} s", account.shown);
    let fault = Fault { kind: ErrorKind::RateLimited, code: "rate_limited", message };
    Refused { fault, retry_after: Some(*seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_in_as_few_digits_as_it_takes() {
        for (micros, text) in [(0, "$0.00"), (500_000, "$0.50"), (5_000_000, "$5.00"), (1, "$0.000001")] {
            assert_eq!(money(micros), text);
        }
    }

    fn budget(cost: Option<u64>, tokens: Option<u64>) -> Budget {
        let counter = Counter { account: "key:1".to_owned(), period: "2026-11-27".to_owned() };
        Budget { counter, cost, tokens }
    }

    #[test]
    fn a_spent_budget_says_what_is_used_and_when_it_begins_anew() {
        let now = "2026-11-27T12:00:00Z".parse().unwrap();
        let windows = Windows::at(now);
        let spent = Spent {
            counted: Amount { cost: 4_000_000, tokens: 90 },
            reserved: Amount { cost: 900_000, tokens: 5 },
            ..Spent::default()
        };
        let wanted = Amount { cost: 200_000, tokens: 20 };
        let words = budget_spent("the key 1", &budget(Some(5_000_000), None), &spent, wanted, &windows);
        let expected = "the budget of the key 1 for today has no room for this request: of $5.00, $4.00 are used and \
                        $0.90 may be by calls under way, and this one may come to $0.20. It begins anew at \
                        2026-11-28T00:00:00Z; until then ask";
        assert!(words.starts_with(expected), "{words}");
        let words = budget_spent("ann", &budget(Some(9_000_000), Some(100)), &spent, wanted, &windows);
        assert!(words.contains("of 100 tokens, 90 are used and 5 may be"), "{words}");
    }
}
