//! The calibrated probability that the best candidate is exactly the rest of the line.

use crate::calibration::CONFIDENCE;
use crate::rank::{NONE, RankFeatures};

/// How many numbers describe an answer.
pub const CONFIDENCE_FEATURES: usize = 12;

/// One answer's description.
pub type ConfidenceFeatures = [f64; CONFIDENCE_FEATURES];

/// Describes the best candidate among its rivals; `probabilities` has one more entry, for "none of these".
pub(crate) fn describe(
    features: &[RankFeatures],
    none: &RankFeatures,
    probabilities: &[f64],
    best: usize,
) -> ConfidenceFeatures {
    let candidate = &features[best];
    let probability = probabilities[best];
    let odds = (probability.max(1e-6) / (1.0 - probability).max(1e-6)).ln();
    let others = probabilities[..features.len()].iter().enumerate().filter(|(place, _)| *place != best);
    let runner_up = others.map(|(_, probability)| *probability).fold(0.0, f64::max);
    let support: f64 = candidate[4..8].iter().map(|logarithm| logarithm.exp() - 1.0).sum();
    let near = candidate[4] + candidate[5] > 0.0;
    let start = none[NONE + 3];
    [
        1.0,
        odds,
        odds * start,
        runner_up,
        candidate[0].exp(),
        support.ln_1p(),
        candidate[2],
        f64::from(u8::from(near)),
        candidate[12],
        none[NONE + 5],
        start,
        candidate[14],
    ]
}

/// The probability those features stand for under some weights.
pub fn probability_with(features: &ConfidenceFeatures, weights: &ConfidenceFeatures) -> f64 {
    let score: f64 = features.iter().zip(weights).map(|(feature, weight)| feature * weight).sum();
    1.0 / (1.0 + (-score).exp())
}

/// The probability those features stand for.
pub(crate) fn probability(features: &ConfidenceFeatures) -> f64 {
    probability_with(features, &CONFIDENCE)
}
