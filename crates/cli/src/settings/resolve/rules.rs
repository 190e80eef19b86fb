//! Rules that conversations climb by: those that ship, as the configuration changes them and adds to them.

use std::time::Duration;

use waymark_routing::{Rule, Rules, WHOLE};
use waymark_types::MicroUsd;
use waymark_types::Signal;

use super::Resolver;
use crate::settings::duration;
use crate::settings::key::KeyPath;
use crate::settings::origin::Origin;
use crate::settings::problem::Fault;
use crate::settings::value::Value;

impl Resolver<'_> {
    /// Every rule, the configuration's own ones among them.
    pub(super) fn rules(&mut self) -> Rules {
        // What ships is tested to be readable.
        let mut rules = Rules::shipped().unwrap_or_default();
        for (name, declared) in self.layers.named("rules") {
            if let Some(rule) = self.climbing_rule(name, rules.rules.get(name), declared) {
                rules.rules.insert(name.to_owned(), rule);
            }
        }
        rules
    }

    fn climbing_rule(&mut self, name: &str, shipped: Option<&Rule>, declared: &Origin) -> Option<Rule> {
        let table = KeyPath::new(["rules", name]);
        let signal = self.layers.text(&table.child("signal")).and_then(|(signal, _)| signal.parse().ok());
        if signal.is_none() && shipped.is_none() {
            self.missing(&table, "signal", declared);
        }
        let signal = signal.or(shipped.map(|rule| rule.signal))?;
        let given = shipped.cloned().unwrap_or_else(|| plain(signal));
        let patterns = |this: &Self, key: &str| {
            this.layers.get(&table.child(key)).and_then(|entry| entry.value.list()).map(<[String]>::to_vec)
        };
        let rule = Rule {
            version: 0,
            signal,
            patterns: patterns(self, "patterns").unwrap_or(given.patterns),
            levels: given.levels,
            tools: patterns(self, "tools").unwrap_or(given.tools),
            commands: patterns(self, "commands").unwrap_or(given.commands),
            at_least: self.small_count(&table.child("at_least")).unwrap_or(given.at_least),
            within: self.small_count(&table.child("within")).unwrap_or(given.within),
            in_a_row: self.switch(&table.child("in_a_row")).unwrap_or(given.in_a_row),
            weight: self.thousandths(&table.child("weight")).unwrap_or(given.weight),
            enabled: self.switch(&table.child("enabled")).unwrap_or(given.enabled),
        };
        let problem = match signal {
            Signal::UserSays | Signal::ResultSays if rule.patterns.is_empty() => {
                Some(Fault::new("has no `patterns`").hint("say in regular expressions what it shall find"))
            }
            Signal::Rising if rule.levels.is_empty() => {
                let hint = "change the one that ships, `tool_error_rising`, or take another signal";
                Some(Fault::new("has no levels of severity").hint(hint))
            }
            _ if rule.at_least == 0 => Some(Fault::new("fires without evidence: `at_least` is 0")),
            _ => None,
        };
        if let Some(fault) = problem {
            self.refuse(&table, fault, declared);
        }
        Some(rule)
    }

    /// A whole number.
    pub(super) fn count(&self, key: &KeyPath) -> Option<u64> {
        match self.layers.get(key)?.value {
            Value::Count(number) => Some(number),
            _ => None,
        }
    }

    /// A whole number that is not large.
    pub(super) fn small_count(&self, key: &KeyPath) -> Option<u32> {
        self.count(key).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// A fraction in thousandths, in which it is recorded.
    pub(super) fn thousandths(&self, key: &KeyPath) -> Option<u32> {
        match self.layers.get(key)?.value {
            Value::Fraction(number) => Some((number * f64::from(WHOLE)).round() as u32),
            _ => None,
        }
    }

    /// An amount of money.
    pub(super) fn dollars(&self, key: &KeyPath) -> Option<MicroUsd> {
        match self.layers.get(key)?.value {
            Value::Usd(amount) => Some(amount),
            _ => None,
        }
    }

    /// A span of time.
    pub(super) fn span(&self, key: &KeyPath) -> Option<Duration> {
        self.layers.text(key).and_then(|(text, _)| duration::parse(text).ok())
    }

    fn switch(&self, key: &KeyPath) -> Option<bool> {
        match self.layers.get(key)?.value {
            Value::Switch(on) => Some(on),
            _ => None,
        }
    }
}

/// A new rule before the configuration has said anything of it.
fn plain(signal: Signal) -> Rule {
    Rule {
        version: 0,
        signal,
        patterns: Vec::new(),
        levels: Vec::new(),
        tools: Vec::new(),
        commands: Vec::new(),
        at_least: 1,
        within: 0,
        in_a_row: false,
        weight: WHOLE / 2,
        enabled: true,
    }
}
