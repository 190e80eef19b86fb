//! From the name a client asks for to what it means here.

use crate::features::Features;
use crate::policy::{Model, Policy, Route};
use crate::stock::{PICKER, likeness};

/// The route that takes whatever nothing else claims.
pub(crate) const DEFAULT_ROUTE: &str = "auto";

/// What a requested name turned out to mean.
pub(crate) enum Meaning<'a> {
    Route(&'a str, &'a Route),
    Model(&'a str, &'a Model),
    Nothing,
}

/// A route, a configured model or an alias for either; else what a stock name means; else the route `auto`.
pub(crate) fn resolve<'a>(
    features: &'a Features,
    policy: &'a Policy,
    reasons: &mut Vec<String>,
) -> Meaning<'a> {
    let requested = features.requested_model.as_str();
    if let Some(meaning) = named(requested, policy) {
        return meaning;
    }
    let alias = policy.aliases.get(requested).map(String::as_str);
    let listed = || requested.strip_prefix(PICKER).map(|name| name.strip_suffix("[1m]").unwrap_or(name));
    if let Some(target) = alias.or_else(listed)
        && let Some(meaning) = named(target, policy)
    {
        reasons.push(format!("alias:{target}"));
        return meaning;
    }
    if let Some(meaning) = stock(features, policy, reasons) {
        return meaning;
    }
    named(DEFAULT_ROUTE, policy).unwrap_or(Meaning::Nothing)
}

fn named<'a>(name: &'a str, policy: &'a Policy) -> Option<Meaning<'a>> {
    match (policy.routes.get(name), policy.models.get(name)) {
        (Some(route), _) => Some(Meaning::Route(name, route)),
        (None, Some(model)) => Some(Meaning::Model(name, model)),
        (None, None) => None,
    }
}

/// What a name means that the configuration has not given: the model whose provider calls it so, or the route for the
/// name's tier, as far as they can do the request. `None` leaves it to the route `auto`.
fn stock<'a>(features: &'a Features, policy: &'a Policy, reasons: &mut Vec<String>) -> Option<Meaning<'a>> {
    let requested = features.requested_model.as_str();
    let able = |model: &&Model| model.obstacle(features, true).is_none();
    let alike = policy
        .models
        .iter()
        .filter(|(_, model)| able(model))
        .filter_map(|(name, model)| Some((likeness(requested, &model.id)?, name, model)));
    if let Some((_, name, model)) = alike.min_by_key(|(likeness, ..)| *likeness) {
        reasons.push(format!("provider_id:{name}"));
        return Some(Meaning::Model(name, model));
    }
    let Some((pattern, tier)) = policy.stock.tier(requested) else {
        reasons.push("unknown_name".to_owned());
        return None;
    };
    reasons.push(format!("stock:{pattern}:{tier}"));
    policy.stock.routes_of(tier, features.task).into_iter().find_map(|name| {
        let route = policy.routes.get(name)?;
        let able = |model: &String| {
            policy.models.get(model).is_some_and(|model| model.obstacle(features, false).is_none())
        };
        route.ladder.iter().any(able).then_some(Meaning::Route(name, route))
    })
}
