//! Samples, and the rounds in which sides take turns.

use anyhow::Result;

/// The value below which `share` of the samples lie; the samples need not be sorted.
pub(crate) fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// The middle of the samples.
pub(crate) fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// Samples in blocks, one block a round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks(Vec<Vec<f64>>);

impl Blocks {
    /// Takes the next round's block.
    pub(crate) fn push(&mut self, block: Vec<f64>) {
        self.0.push(block);
    }

    /// Every sample of every block.
    pub(crate) fn all(&self) -> Vec<f64> {
        self.0.concat()
    }

    /// How many samples there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The middle of all samples.
    pub(crate) fn median(&self) -> f64 {
        median(&self.all())
    }

    /// The 99th percentile of all samples.
    pub(crate) fn p99(&self) -> f64 {
        quantile(&self.all(), 0.99)
    }

    /// What this side has on top of `baseline`: the middle of the rounds' differences between block medians.
    pub(crate) fn added(&self, baseline: &Self) -> f64 {
        median(&self.differences(baseline))
    }

    /// The rounds' differences between block medians, quartile to quartile.
    pub(crate) fn spread(&self, baseline: &Self) -> [f64; 2] {
        let differences = self.differences(baseline);
        [0.25, 0.75].map(|share| quantile(&differences, share))
    }

    fn differences(&self, baseline: &Self) -> Vec<f64> {
        self.0.iter().zip(&baseline.0).map(|(own, other)| median(own) - median(other)).collect()
    }
}

/// Lets the sides take turns for `rounds` rounds, after one that does not count. Every other round goes the other
/// way round, so that what drifts does not favour a side. `block` is told whether the round counts.
pub(crate) fn interleave<S>(
    rounds: usize,
    sides: &mut [S],
    mut block: impl FnMut(&mut S, bool) -> Result<()>,
) -> Result<()> {
    for round in 0..=rounds {
        let counts = round > 0;
        if round % 2 == 0 {
            sides.iter_mut().try_for_each(|side| block(side, counts))?;
        } else {
            sides.iter_mut().rev().try_for_each(|side| block(side, counts))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let samples: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|share| quantile(&samples, share)), [0.0, 50.0, 99.0, 100.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn added_time_is_paired_by_round() {
        let (mut direct, mut through) = (Blocks::default(), Blocks::default());
        for drift in [0.0, 100.0, 1.0] {
            direct.push(vec![drift + 1.0; 3]);
            through.push(vec![drift + 3.0; 3]);
        }
        assert_eq!(through.added(&direct), 2.0);
        assert_eq!(through.spread(&direct), [2.0, 2.0]);
    }

    #[test]
    fn rounds_alternate_and_the_first_does_not_count() {
        let mut turns = Vec::new();
        let block = |side: &mut char, counts| {
            turns.push((*side, counts));
            Ok(())
        };
        interleave(1, &mut ['a', 'b'], block).unwrap();
        assert_eq!(turns, [('a', false), ('b', false), ('b', true), ('a', true)]);
    }
}
