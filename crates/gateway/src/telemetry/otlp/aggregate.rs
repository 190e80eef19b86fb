//! Histograms over answers, cumulative since the server started.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use waymark_types::Timestamp;

use super::Told;
use super::attributes::Attributes;
use super::semconv as name;
use super::span::{decisive, nanos, operation, provider_name};
use crate::telemetry::names::Names;

/// Series of one histogram; what further models would add goes into one that says so.
const SERIES: usize = 1_000;

/// The conventions' bounds, in tokens.
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// The conventions' bounds, in seconds.
const DURATIONS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_CHUNKS: &[f64] =
    &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// OTLP's number for sums since a start.
const CUMULATIVE: u8 = 2;

/// What a series is told apart by.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Labels {
    operation: &'static str,
    provider: Option<&'static str>,
    request_model: Option<String>,
    response_model: Option<String>,
    error: Option<String>,
    token_type: Option<&'static str>,
    overflow: bool,
}

#[derive(Debug, Clone)]
struct Series {
    counts: Vec<u64>,
    sum: f64,
    least: f64,
    most: f64,
}

struct Histogram {
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    bounds: &'static [f64],
    series: BTreeMap<Labels, Series>,
}

impl Histogram {
    fn new(name: &'static str, unit: &'static str, about: &'static str, bounds: &'static [f64]) -> Self {
        Self { name, unit, about, bounds, series: BTreeMap::new() }
    }

    fn observe(&mut self, labels: Labels, value: f64) {
        let full = self.series.len() >= SERIES && !self.series.contains_key(&labels);
        let labels = if full { Labels { overflow: true, ..Labels::default() } } else { labels };
        let counts = self.bounds.len() + 1;
        let empty =
            || Series { counts: vec![0; counts], sum: 0.0, least: f64::INFINITY, most: f64::NEG_INFINITY };
        let series = self.series.entry(labels).or_insert_with(empty);
        // A bound is within its bucket.
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = series.counts.get_mut(bucket) {
            *count += 1;
        }
        series.sum += value;
        series.least = series.least.min(value);
        series.most = series.most.max(value);
    }

    fn metric(&self, started: Timestamp, now: Timestamp) -> Value {
        let points: Vec<Value> =
            self.series.iter().map(|(labels, series)| self.point(labels, series, started, now)).collect();
        json!({
            "name": self.name,
            "unit": self.unit,
            "description": self.about,
            "histogram": {"aggregationTemporality": CUMULATIVE, "dataPoints": points},
        })
    }

    fn point(&self, labels: &Labels, series: &Series, started: Timestamp, now: Timestamp) -> Value {
        json!({
            "attributes": labels.attributes().into_value(),
            "startTimeUnixNano": nanos(started),
            "timeUnixNano": nanos(now),
            "count": series.counts.iter().sum::<u64>().to_string(),
            "sum": series.sum,
            "min": series.least,
            "max": series.most,
            "bucketCounts": series.counts.iter().map(u64::to_string).collect::<Vec<_>>(),
            "explicitBounds": self.bounds,
        })
    }
}

impl Labels {
    fn attributes(&self) -> Attributes {
        if self.overflow {
            return Attributes::default().flag(name::OVERFLOW, true);
        }
        Attributes::default()
            .text(name::OPERATION, self.operation)
            .text(name::PROVIDER, self.provider)
            .text(name::REQUEST_MODEL, self.request_model.as_deref())
            .text(name::RESPONSE_MODEL, self.response_model.as_deref())
            .text(name::ERROR, self.error.as_deref())
            .text(name::TOKEN_TYPE, self.token_type)
    }
}

/// The histograms of the conventions.
pub(super) struct Aggregate {
    tokens: Histogram,
    durations: Histogram,
    first_chunks: Histogram,
}

impl Aggregate {
    pub(super) fn new() -> Self {
        let (durations, first_chunks) =
            ("GenAI operation duration.", "Time to receive the first chunk of a streamed answer.");
        Self {
            tokens: Histogram::new(
                name::TOKEN_USAGE,
                "{token}",
                "Number of input and output tokens used.",
                TOKENS,
            ),
            durations: Histogram::new(name::DURATION, "s", durations, DURATIONS),
            first_chunks: Histogram::new(name::TIME_TO_FIRST_CHUNK, "s", first_chunks, FIRST_CHUNKS),
        }
    }

    /// Adds an answer.
    pub(super) fn add(&mut self, told: &Told, names: &Names) {
        let (intent, completion) = (&told.intent, &told.completion);
        let kind = decisive(completion).and_then(|attempt| names.kind(&attempt.provider));
        let labels = Labels {
            operation: operation(intent),
            provider: kind.map(provider_name),
            request_model: completion.resolved_model.clone(),
            response_model: completion.served_model.clone(),
            error: told.error.clone(),
            ..Labels::default()
        };
        let seconds = |until: Timestamp| until.micros_since(intent.started) as f64 / 1e6;
        let counts = [("input", completion.usage.input), ("output", completion.usage.output)];
        for (token_type, count) in counts {
            if let Some(count) = count {
                let labels = Labels { token_type: Some(token_type), error: None, ..labels.clone() };
                self.tokens.observe(labels, count as f64);
            }
        }
        if let Some(first_byte) = told.first_byte {
            self.first_chunks.observe(Labels { error: None, ..labels.clone() }, seconds(first_byte));
        }
        if let Some(ended) = completion.ended {
            self.durations.observe(labels, seconds(ended));
        }
    }

    /// Everything so far, in OTLP's form.
    pub(super) fn metrics(&self, started: Timestamp, now: Timestamp) -> Vec<Value> {
        let all = [&self.tokens, &self.durations, &self.first_chunks];
        let told = all.into_iter().filter(|histogram| !histogram.series.is_empty());
        told.map(|histogram| histogram.metric(started, now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram() -> Histogram {
        Histogram::new(name::DURATION, "s", "about", DURATIONS)
    }

    #[test]
    fn a_bound_belongs_to_its_bucket_and_what_is_beyond_to_the_last() {
        let mut durations = histogram();
        for value in [0.005, 0.01, 0.02, 100.0] {
            durations.observe(Labels::default(), value);
        }
        let series = &durations.series[&Labels::default()];
        assert_eq!((&series.counts[..2], series.counts[14]), (&[2, 1][..], 1));
        assert_eq!((series.least, series.most), (0.005, 100.0));
    }

    #[test]
    fn series_beyond_the_limit_share_one() {
        let mut durations = histogram();
        for number in 0..SERIES + 10 {
            durations.observe(Labels { response_model: Some(number.to_string()), ..Labels::default() }, 1.0);
        }
        assert_eq!(durations.series.len(), SERIES + 1);
        let overflow = Labels { overflow: true, ..Labels::default() };
        assert_eq!(durations.series[&overflow].counts.iter().sum::<u64>(), 10);
    }
}
