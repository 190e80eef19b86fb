//! Which of several deployments to ask: two are drawn by weight, and the first of them is asked, unless it is slower or
//! has more to do than the second (the power of two choices).

/// How many times dearer the first may be before the second is asked.
const MARGIN: f64 = 1.5;

/// Latencies below this, in seconds, are all alike: models take longer, and what is quicker differs by chance.
const NOISE: f64 = 0.1;

/// A deployment that may be asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) weight: u32,
    /// Calls under way.
    pub(super) in_flight: usize,
    /// How long it takes to begin to answer, in seconds.
    pub(super) latency: f64,
    /// Whether it asked to be left alone for now.
    pub(super) cooling: bool,
}

impl Candidate {
    /// How long a further call would take, for a deployment of `lightest` weight or more.
    fn cost(&self, lightest: u32) -> f64 {
        let capacity = f64::from(self.weight.max(1)) / f64::from(lightest.max(1));
        self.latency.max(NOISE) * (self.in_flight as f64 / capacity + 1.0)
    }
}

/// Chooses one of `candidates`, which are not empty, by these random bytes.
pub(super) fn choose(candidates: &[Candidate], random: [u8; 16]) -> usize {
    let warm = |at: &usize| !candidates[*at].cooling;
    let mut open: Vec<usize> = (0..candidates.len()).filter(warm).collect();
    if open.is_empty() {
        open = (0..candidates.len()).collect();
    }
    let [first, second] = [&random[..8], &random[8..]]
        .map(|half| half.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)));
    let first = open.swap_remove(draw(candidates, &open, first));
    if open.is_empty() {
        return first;
    }
    let second = open[draw(candidates, &open, second)];
    let lightest = candidates.iter().map(|candidate| candidate.weight).min().unwrap_or(1);
    let [of_first, of_second] = [first, second].map(|at| candidates[at].cost(lightest));
    if of_first > of_second * MARGIN { second } else { first }
}

/// A place in `open`, drawn by weight.
fn draw(candidates: &[Candidate], open: &[usize], random: u64) -> usize {
    let weight = |at: &usize| u64::from(candidates[*at].weight.max(1));
    let total: u64 = open.iter().map(weight).sum();
    let mut left = random % total.max(1);
    for (place, at) in open.iter().enumerate() {
        match left.checked_sub(weight(at)) {
            Some(rest) => left = rest,
            None => return place,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    const EQUAL: Candidate = Candidate { weight: 1, in_flight: 0, latency: 0.1, cooling: false };

    /// How often each is chosen in 12,000 evenly spread draws.
    fn shares(candidates: &[Candidate]) -> Vec<usize> {
        let mut shares = vec![0; candidates.len()];
        for draw in 0..12_000_u64 {
            // A low-discrepancy walk: every residue comes up as often as every other.
            let [first, second] = [draw, draw / 120].map(u64::to_be_bytes);
            let mut random = [0; 16];
            random[..8].copy_from_slice(&first);
            random[8..].copy_from_slice(&second);
            shares[choose(candidates, random)] += 1;
        }
        shares
    }

    #[test]
    fn equals_share_and_weights_tell_shares() {
        assert_eq!(shares(&[EQUAL; 3]), [4_000; 3]);
        let heavy = Candidate { weight: 3, ..EQUAL };
        assert_eq!(shares(&[heavy, EQUAL]), [9_000, 3_000]);
    }

    #[test]
    fn the_slow_and_the_busy_are_passed_over() {
        let slow = Candidate { latency: 1.0, ..EQUAL };
        assert_eq!(shares(&[EQUAL, slow]), [12_000, 0]);
        assert_eq!(shares(&[EQUAL, EQUAL, slow])[2], 0);
        let busy = Candidate { in_flight: 4, ..EQUAL };
        assert_eq!(shares(&[busy, EQUAL]), [0, 12_000]);
        let strong = Candidate { in_flight: 4, weight: 10, ..EQUAL };
        assert!(shares(&[strong, EQUAL])[0] > 10_000, "it can bear more");
    }

    #[test]
    fn those_who_asked_to_be_left_alone_come_last() {
        let cooling = Candidate { cooling: true, ..EQUAL };
        assert_eq!(shares(&[cooling, EQUAL, cooling]), [0, 12_000, 0]);
        assert_eq!(shares(&[cooling; 2]), [6_000, 6_000]);
    }
}
