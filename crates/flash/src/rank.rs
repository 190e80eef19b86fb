//! Ranks candidates: a linear score for each and for "none of these", made into probabilities.
//!
//! The score starts from the vote and adds what the vote cannot see: how near the copies stand, which identifiers are
//! new here, whether the following line agrees. Its weights are fitted on public history (see `calibration`).

use rustc_hash::FxHashSet;

use crate::buffer::Buffer;
use crate::calibration::RANK;
use crate::candidates::Pool;
use crate::confidence::{self, ConfidenceFeatures};

/// The most candidates scored, by vote.
pub(crate) const SCORED: usize = 48;

/// How many numbers describe a candidate.
pub const RANK_FEATURES: usize = 26;

/// The first of the numbers that describe "none of these".
pub(crate) const NONE: usize = 19;

/// The place of the mark that a candidate inserts nothing.
const EMPTY: usize = 13;

/// Tokens around the cursor whose identifiers count as seen.
const SEEN_BEFORE: usize = 1_500;
const SEEN_AFTER: usize = 500;

/// One candidate's description.
pub type RankFeatures = [f64; RANK_FEATURES];

/// Scored candidates.
pub(crate) struct Ranking {
    /// The description of each scored candidate, in the pool's order.
    pub(crate) features: Vec<RankFeatures>,
    /// The description of "none of these".
    pub(crate) none: RankFeatures,
    /// Which candidate to offer, and how it stands among its rivals.
    pub(crate) choice: Option<Choice>,
}

/// The candidate to offer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Its place among the scored candidates.
    pub best: usize,
    /// What the confidence is computed from.
    pub features: ConfidenceFeatures,
}

/// Scores the pool's candidates.
pub(crate) fn rank(pool: &Pool<'_>, buffer: &Buffer<'_>) -> Ranking {
    let features = describe(pool, buffer);
    let none = describe_none(pool, buffer);
    let choice = choose(&features, &none, &RANK);
    Ranking { features, none, choice }
}

/// The probability of each candidate under some weights, and last that of "none of these".
pub fn probabilities(features: &[RankFeatures], none: &RankFeatures, weights: &RankFeatures) -> Vec<f64> {
    let score = |features: &RankFeatures| features.iter().zip(weights).map(|(f, w)| f * w).sum::<f64>();
    let mut scores: Vec<f64> = features.iter().chain([none]).map(score).collect();
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
    let total: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= total);
    scores
}

/// The most probable candidate that inserts something.
pub fn choose(features: &[RankFeatures], none: &RankFeatures, weights: &RankFeatures) -> Option<Choice> {
    let probabilities = probabilities(features, none, weights);
    let mut best: Option<usize> = None;
    for (place, features) in features.iter().enumerate() {
        let inserts = features[EMPTY] == 0.0;
        if inserts && best.is_none_or(|best| probabilities[place] > probabilities[best]) {
            best = Some(place);
        }
    }
    let best = best?;
    Some(Choice { best, features: confidence::describe(features, none, &probabilities, best) })
}

fn ln1p(count: u32) -> f64 {
    f64::from(count).ln_1p()
}

fn flag(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}

fn describe(pool: &Pool<'_>, buffer: &Buffer<'_>) -> Vec<RankFeatures> {
    let votes: u64 = pool.candidates.iter().map(|candidate| candidate.vote).sum();
    let softs: u64 = pool.candidates.iter().map(|candidate| candidate.soft).sum();
    let start = flag(buffer.line_tokens == 0);
    let seen = seen_near(buffer);
    let next_line = buffer.next_line_tokens();
    let scored = pool.candidates.iter().take(SCORED);
    scored
        .map(|candidate| {
            let site = &pool.sites[candidate.sites[0] as usize];
            let words = (site.token..site.token + candidate.numbers.len()).filter(|&token| {
                let first = site.lexed.token(token).as_bytes().first();
                first.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            });
            let (mut unseen, mut identifiers) = (0u32, 0u32);
            for token in words {
                identifiers += 1;
                unseen += u32::from(!seen.contains(&site.numbers[token]));
            }
            let line = buffer.line_tokens as u32;
            let beyond = candidate.longest.saturating_sub(line + 1).min(10);
            [
                (candidate.vote as f64 / votes as f64).ln(),
                (candidate.soft as f64 / softs as f64).ln(),
                ln1p(candidate.longest),
                f64::from(candidate.longest.min(64)) / 64.0,
                ln1p(candidate.counts[0]),
                ln1p(candidate.counts[1]),
                ln1p(candidate.counts[2]),
                ln1p(candidate.counts[3]),
                candidate.distance.map_or(0.0, |distance| 1.0 / (1.0 + ln1p(distance))),
                f64::from(unseen) / f64::from(identifiers.max(1)),
                ln1p(unseen),
                flag(candidate.agrees_next),
                ln1p(candidate.numbers.len() as u32),
                flag(candidate.text.trim().is_empty()),
                flag(candidate.typed),
                f64::from(beyond) / 10.0,
                start * ln1p(candidate.counts[0]),
                start * ln1p(unseen),
                start * flag(!next_line.is_empty() && candidate.numbers == next_line),
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
            ]
        })
        .collect()
}

fn describe_none(pool: &Pool<'_>, buffer: &Buffer<'_>) -> RankFeatures {
    let longest = pool.candidates.iter().map(|candidate| candidate.longest).max().unwrap_or(0);
    let votes: u64 = pool.candidates.iter().map(|candidate| candidate.vote).sum();
    let mut none = [0.0; RANK_FEATURES];
    none[NONE] = 1.0;
    none[NONE + 1] = (votes as f64).ln_1p();
    none[NONE + 2] = ln1p(longest);
    none[NONE + 3] = flag(buffer.line_tokens == 0);
    none[NONE + 4] = flag(longest <= 2);
    none[NONE + 5] = ln1p(pool.candidates.len() as u32);
    none[NONE + 6] = flag(buffer.partial.is_some());
    none
}

fn seen_near(buffer: &Buffer<'_>) -> FxHashSet<u32> {
    let before = &buffer.before_numbers[buffer.before_numbers.len().saturating_sub(SEEN_BEFORE)..];
    let after = &buffer.after_numbers[..buffer.after_numbers.len().min(SEEN_AFTER)];
    before.iter().chain(after).copied().collect()
}
