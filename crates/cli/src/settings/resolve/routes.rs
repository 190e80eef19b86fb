//! Routes: ladders and fallbacks of models that exist.

use std::collections::{BTreeMap, BTreeSet};

use waymark_gateway::{HedgeConfig, RouteConfig};

use super::Resolver;
use crate::settings::key::KeyPath;
use crate::settings::layers::{Entry, Layers};
use crate::settings::origin::Origin;
use crate::settings::problem::{Fault, echo, suggestion};
use crate::settings::value::Value;

/// The route that takes whatever nothing else claims.
const AUTO: &str = "auto";

/// The share of completions that may be hedged unless the configuration says otherwise.
const HEDGE_BUDGET: f64 = 0.05;

/// Without a ladder of its own, the route `auto` has every model, in the order of declaration.
pub(super) fn complete_auto(layers: &mut Layers) {
    let key = KeyPath::new(["routes", AUTO, "ladder"]);
    let models: Vec<String> = layers.named("models").iter().map(|(name, _)| (*name).to_owned()).collect();
    if !models.is_empty() && layers.get(&key).is_none() && !layers.doubts(&key) {
        // The file may have declared the route without its ladder; then that stays its place.
        if !layers.named("routes").iter().any(|(name, _)| *name == AUTO) {
            layers.declare(&key, &Origin::Default);
        }
        layers.derive(key, Value::List(models));
    }
}

impl Resolver<'_> {
    pub(super) fn routes(&mut self) -> BTreeMap<String, RouteConfig> {
        let named = self.layers.named("routes");
        named.into_iter().filter_map(|(name, at)| Some((name.to_owned(), self.route(name, at)?))).collect()
    }

    fn route(&mut self, name: &str, declared: &Origin) -> Option<RouteConfig> {
        let table = KeyPath::new(["routes", name]);
        let key = table.child("ladder");
        let ladder = self.layers.get(&key);
        if ladder.is_none() {
            self.missing(&table, "ladder", declared);
        }
        let ladder = ladder.and_then(|entry| self.known_models(&key, entry));
        let fallback = self.fallback(&table.child("fallback"), ladder);
        let shadow = self.shadow(&table.child("shadow"));
        let gates = self.gates_of(&table.child("gates"));
        Some(RouteConfig {
            ladder: ladder?.to_vec(),
            fallback,
            climb_at: self.thousandths(&table.child("climb_at")),
            payback_turns: self.small_count(&table.child("payback_turns")),
            switch_limit: self.dollars(&table.child("switch_limit")),
            cache_life: self.span(&table.child("cache_life")),
            shadow,
            gates,
            deadline: self.span(&table.child("deadline")),
            hedge: self.hedge(&table),
        })
    }

    /// The route that decides beside this one, which must be there and another one.
    fn shadow(&mut self, key: &KeyPath) -> Option<String> {
        let (name, origin) = self.layers.text(key)?;
        self.check_target(key, name, &["routes"], origin);
        if key.segments().get(1).is_some_and(|route| route == name) {
            self.refuse(key, Fault::new("names the route itself"), origin);
        }
        Some(name.to_owned())
    }

    fn hedge(&mut self, table: &KeyPath) -> Option<HedgeConfig> {
        let key = table.child("hedge_budget");
        let budget = self.layers.get(&key);
        let Some(after) = self.span(&table.child("hedge_after")) else {
            if let Some(budget) = budget {
                let fault = Fault::new("has no use without `hedge_after`");
                let hint = "say how long the first place may be silent, such as hedge_after = \"300ms\"";
                self.refuse(&key, fault.hint(hint), &budget.origin);
            }
            return None;
        };
        let share = match budget {
            Some(Entry { value: Value::Fraction(share), .. }) => *share,
            _ => HEDGE_BUDGET,
        };
        Some(HedgeConfig { after, budget_ppm: (share * 1e6).round() as u32 })
    }

    fn fallback(&mut self, table: &KeyPath, ladder: Option<&[String]>) -> BTreeMap<String, Vec<String>> {
        let mut fallback = BTreeMap::new();
        for (rung, entry) in self.layers.below(table) {
            let key = table.child(rung);
            let Some(models) = self.known_models(&key, entry) else { continue };
            if models.iter().any(|model| model == rung) {
                self.refuse(&key, Fault::new("names the model it stands in for"), &entry.origin);
            }
            if let Some(ladder) = ladder
                && !ladder.iter().any(|model| model == rung)
            {
                let fault =
                    Fault::new(format!("stands in for {}, which is not on this route's ladder", echo(rung)));
                let hint = suggestion(rung, ladder.iter().map(String::as_str));
                self.refuse(&key, Fault { hint, ..fault }, &entry.origin);
            }
            fallback.insert(rung.to_owned(), models.to_vec());
        }
        fallback
    }

    /// The names in a list, each checked to be a model and to stand there once.
    fn known_models<'e>(&mut self, key: &KeyPath, entry: &'e Entry) -> Option<&'e [String]> {
        let names = entry.value.list()?;
        let mut seen = BTreeSet::new();
        for name in names {
            if seen.insert(name) {
                self.check_target(key, name, &["models"], &entry.origin);
            } else {
                self.refuse(key, Fault::new(format!("names {} more than once", echo(name))), &entry.origin);
            }
        }
        Some(names)
    }
}
