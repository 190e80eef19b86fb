//! Paired bootstrap by cluster: the same tasks are drawn for every policy, whole repositories at a time.

use serde::Serialize;

use super::comparison::Interval;
use super::tally::Tally;

/// How intervals are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resampling {
    /// Where the random numbers begin: the same seed draws the same samples.
    pub seed: u64,
    /// How many samples are drawn; at least one.
    pub resamples: u32,
}

impl Resampling {
    /// As many as intervals of 95 % want.
    pub const USUAL: Self = Self { seed: 0, resamples: 2_000 };

    /// Draws as many clusters as there are, with repetition, and gives the sums of each sample to `take`.
    pub(super) fn each(self, clusters: &[Tally], mut take: impl FnMut(&Tally)) {
        let mut sample = Tally::default();
        self.draw(clusters, |drawn| {
            sample.clear();
            drawn.for_each(|cluster| sample += cluster);
            take(&sample);
        });
    }

    /// Draws as many clusters as there are, with repetition, and gives those of each sample to `take`.
    fn draw<T>(self, clusters: &[T], mut take: impl FnMut(&mut dyn Iterator<Item = &T>)) {
        let mut random = SplitMix64(self.seed);
        for _ in 0..self.resamples {
            take(&mut clusters.iter().filter_map(|_| clusters.get(random.below(clusters.len()))));
        }
    }
}

/// By how much one sum exceeds another, as a share of the other, over clusters that have a part of both: sessions, say.
/// `None` where there are too few to draw from, or nothing to compare with.
pub fn excess(clusters: &[(f64, f64)], resampling: Resampling) -> Option<Interval> {
    let share = |(of, than): (f64, f64)| of / than - 1.0;
    let add = |sums: (f64, f64), part: &(f64, f64)| (sums.0 + part.0, sums.1 + part.1);
    // What has no part of either changes neither, and a sample of nothing else would tell nothing.
    let clusters: Vec<(f64, f64)> = clusters.iter().copied().filter(|part| *part != (0.0, 0.0)).collect();
    let estimate = share(clusters.iter().fold((0.0, 0.0), add));
    if clusters.len() < 2 || !estimate.is_finite() {
        return None;
    }
    let mut samples = Vec::new();
    resampling.draw(&clusters, |drawn| samples.push(share(drawn.fold((0.0, 0.0), add))));
    Some(interval(estimate, samples))
}

/// The middle 95 % of what the samples came to. Few clusters can draw the estimate itself outside: then it is the end.
pub(super) fn interval(estimate: f64, mut samples: Vec<f64>) -> Interval {
    for sample in &mut samples {
        // Nothing solved costs without end, on either side of a difference.
        if sample.is_nan() {
            *sample = f64::INFINITY;
        }
    }
    samples.sort_by(f64::total_cmp);
    let beyond = samples.len() / 40;
    let low = samples.get(beyond).copied().unwrap_or(estimate);
    let high =
        samples.len().checked_sub(beyond + 1).and_then(|at| samples.get(at)).copied().unwrap_or(estimate);
    Interval { estimate, low: low.min(estimate), high: high.max(estimate) }
}

/// SplitMix64 by Sebastiano Vigna (<https://prng.di.unimi.it/splitmix64.c>).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut random = SplitMix64(1_234_567);
        let words = [random.next(), random.next(), random.next()];
        assert_eq!(words, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn an_excess_is_of_sums_and_held_by_its_interval() {
        let of = |clusters: &[(f64, f64)]| excess(clusters, Resampling::USUAL);
        let found = of(&[(1.0, 2.0), (3.0, 2.0), (8.0, 4.0)]).unwrap();
        assert_eq!((found.estimate, found.low, found.high), (0.5, -0.5, 1.0));
        assert_eq!(
            of(&[(1.0, 2.0), (2.0, 4.0)]).unwrap(),
            Interval { estimate: -0.5, low: -0.5, high: -0.5 }
        );
        assert_eq!(of(&[(1.0, 2.0), (0.0, 0.0)]), None);
        assert_eq!(of(&[(1.0, 0.0), (1.0, 0.0)]), None);
    }

    #[test]
    fn an_interval_is_the_middle_of_the_samples_and_holds_the_estimate() {
        let samples: Vec<f64> = (0..1_000).rev().map(f64::from).collect();
        assert_eq!(interval(500.0, samples.clone()), Interval { estimate: 500.0, low: 25.0, high: 974.0 });
        assert_eq!(interval(-1.0, samples), Interval { estimate: -1.0, low: -1.0, high: 974.0 });
        assert_eq!(interval(3.0, vec![]), Interval { estimate: 3.0, low: 3.0, high: 3.0 });
        assert_eq!(interval(1.0, vec![f64::NAN, 1.0]).high, f64::INFINITY);
    }
}
