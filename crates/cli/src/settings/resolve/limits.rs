//! Limits: what everybody and each owner may use, and who needs a key.

use waymark_gateway::{KeyUse, LimitsConfig, Unpriced};
use waymark_types::{Limits, MicroUsd};

use super::Resolver;
use crate::settings::key::KeyPath;
use crate::settings::layers::Entry;
use crate::settings::problem::Fault;
use crate::settings::value::Value;

impl Resolver<'_> {
    pub(super) fn limits(&mut self) -> LimitsConfig {
        LimitsConfig {
            keys: match self.fixed("server.keys") {
                Some("required") => Some(KeyUse::Required),
                Some("optional") => Some(KeyUse::Optional),
                _ => None,
            },
            everybody: self.limits_at("limits"),
            per_owner: self.limits_at("limits.per_owner"),
            unpriced: match self.fixed("limits.unpriced") {
                Some("refuse") => Unpriced::Refuse,
                _ => Unpriced::Allow,
            },
            output_tokens: self.limit("limits", "output_tokens").unwrap_or(4_096),
        }
    }

    fn limits_at(&mut self, table: &'static str) -> Limits {
        Limits {
            budget_day: self.limit(table, "budget_day").map(MicroUsd),
            budget_month: self.limit(table, "budget_month").map(MicroUsd),
            tokens_day: self.limit(table, "tokens_day"),
            tokens_month: self.limit(table, "tokens_month"),
            requests_per_minute: self.limit(table, "requests_per_minute"),
            tokens_per_minute: self.limit(table, "tokens_per_minute"),
        }
    }

    /// A limit: micro-USD or a count.
    fn limit(&mut self, table: &'static str, name: &str) -> Option<u64> {
        let key = KeyPath::fixed(table).child(name);
        let Entry { value, origin } = self.layers.get(&key)?;
        let number = match value {
            Value::Usd(MicroUsd(number)) | Value::Count(number) => *number,
            _ => return None,
        };
        if number > Limits::MOST {
            let fault = Fault::new("is more than can be counted").hint("leave it out to set no limit");
            self.refuse(&key, fault, origin);
        } else if name.ends_with("per_minute") && number == 0 {
            let fault = Fault::new("must not be zero").hint("leave it out to set no limit");
            self.refuse(&key, fault, origin);
        }
        Some(number)
    }
}
