//! How much may be used: money and tokens by the day and the month, requests and tokens by the minute.

use serde::{Deserialize, Serialize};

use crate::MicroUsd;

/// What somebody may use at most; `None` is without limit. Days and months are UTC's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Money in a day.
    #[serde(rename = "budget_day_micro_usd", skip_serializing_if = "Option::is_none")]
    pub budget_day: Option<MicroUsd>,
    /// Money in a month.
    #[serde(rename = "budget_month_micro_usd", skip_serializing_if = "Option::is_none")]
    pub budget_month: Option<MicroUsd>,
    /// Tokens in a day, input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_day: Option<u64>,
    /// Tokens in a month, input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_month: Option<u64>,
    /// Requests in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens in a minute, input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
}

impl Limits {
    /// The most that a limit may be, in micro-USD or as a count: more than anybody uses, and few enough that every database
    /// has the integer with room for sums.
    pub const MOST: u64 = 1_000_000_000_000_000;

    /// Whether a day or a month has a limit.
    pub fn has_budget(&self) -> bool {
        self.budget_day.is_some()
            || self.budget_month.is_some()
            || self.tokens_day.is_some()
            || self.tokens_month.is_some()
    }

    /// Whether a minute has a limit.
    pub fn has_rate(&self) -> bool {
        self.requests_per_minute.is_some() || self.tokens_per_minute.is_some()
    }
}
