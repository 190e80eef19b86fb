//! What the gateway's process takes, second by second.

use std::fmt::Write as _;
use std::time::Duration;

use crate::house::House;

const MIB: f64 = (1 << 20) as f64;
const HOUR: f64 = 3_600.0;
/// Files and tasks that may be there after the load and were not before: the ledger's own, opened at its first use.
const OWN: usize = 8;

/// What is true at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Since the load began, in seconds.
    pub(crate) second: f64,
    /// Resident memory, in MiB.
    pub(crate) memory: f64,
    pub(crate) sockets: usize,
    pub(crate) files: usize,
    pub(crate) threads: usize,
    /// Tasks of the runtime; `None` where the binary does not tell.
    pub(crate) tasks: Option<usize>,
    /// Answers under way; `None` where the binary does not tell.
    pub(crate) answers: Option<usize>,
    /// Requests that have ended.
    pub(crate) done: usize,
}

/// All of them, in order.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<Sample>);

impl Sample {
    /// Looks now.
    pub(crate) fn of(house: &House, elapsed: Duration, done: usize) -> Self {
        let process = house.process();
        // Before the question below has a connection of its own.
        let (sockets, files) = (process.open_sockets(), process.open_files());
        let page = house.http().get("/metrics", &[]).text();
        let gauge = |name: &str| {
            let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
            value.parse().ok()
        };
        Self {
            second: elapsed.as_secs_f64(),
            memory: process.memory() as f64 / MIB,
            sockets,
            files,
            threads: process.threads(),
            tasks: gauge("waymark_tasks"),
            answers: gauge("waymark_answers_under_way"),
            done,
        }
    }

    /// Whether nothing more is there than at `earlier`, but for what the gateway keeps for itself.
    pub(crate) fn is_as_idle_as(&self, earlier: &Self) -> bool {
        self.sockets <= earlier.sockets
            && self.files <= earlier.files + OWN
            && self.tasks.unwrap_or(0) <= earlier.tasks.unwrap_or(0) + OWN
            && self.answers.unwrap_or(0) == 0
    }
}

impl Samples {
    pub(crate) fn add(&mut self, sample: Sample) {
        if sample.second >= 60.0 && sample.second % 60.0 < 1.0 {
            eprintln!(
                "{:4.0} min: {} requests, {:.1} MiB, {} sockets, {} files",
                sample.second / 60.0,
                sample.done,
                sample.memory,
                sample.sockets,
                sample.files
            );
        }
        self.0.push(sample);
    }

    pub(crate) fn all(&self) -> &[Sample] {
        &self.0
    }

    /// The sample at this share of the load's time.
    pub(crate) fn at(&self, share: f64) -> Option<&Sample> {
        let last = self.0.len().checked_sub(1)?;
        self.0.get((last as f64 * share).round() as usize)
    }

    /// Those of the last two thirds: what a start takes is settled by then.
    pub(crate) fn settled(&self) -> &[Sample] {
        &self.0[self.0.len() / 3..]
    }

    pub(crate) fn to_csv(&self) -> String {
        let mut csv = "second,memory_mib,sockets,files,threads,tasks,answers,requests\n".to_owned();
        let known = |count: Option<usize>| count.map(|count| count.to_string()).unwrap_or_default();
        for sample in &self.0 {
            // A string takes everything.
            let _ = writeln!(
                csv,
                "{:.0},{:.2},{},{},{},{},{},{}",
                sample.second,
                sample.memory,
                sample.sockets,
                sample.files,
                sample.threads,
                known(sample.tasks),
                known(sample.answers),
                sample.done
            );
        }
        csv
    }
}

/// By how much memory grows, in MiB an hour: the slope of the line with the least squares.
pub(crate) fn growth(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (second, memory) = (mean(&|sample| sample.second), mean(&|sample| sample.memory));
    let (mut together, mut alone) = (0.0, 0.0);
    for sample in samples {
        together += (sample.second - second) * (sample.memory - memory);
        alone += (sample.second - second).powi(2);
    }
    if alone > 0.0 { together / alone * HOUR } else { 0.0 }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample(second: f64, memory: f64) -> Sample {
        let (sockets, files, threads) = (1, 12, 4);
        Sample { second, memory, sockets, files, threads, tasks: Some(9), answers: Some(0), done: 0 }
    }

    #[test]
    fn growth_is_the_slope_whatever_the_noise_around_it() {
        let line = |slope: f64, noise: f64| -> Vec<Sample> {
            let at = |second: u32| {
                let swing = if second.is_multiple_of(2) { noise } else { -noise };
                sample(f64::from(second), 30.0 + slope / HOUR * f64::from(second) + swing)
            };
            (0..1_200).map(at).collect()
        };
        assert!((growth(&line(6.0, 0.0)) - 6.0).abs() < 1e-6);
        assert!((growth(&line(6.0, 3.0)) - 6.0).abs() < 0.1);
        assert!(growth(&line(0.0, 3.0)).abs() < 0.1);
        assert_eq!(growth(&[sample(1.0, 30.0)]), 0.0);
    }

    #[test]
    fn the_first_third_is_not_counted() {
        let mut samples = Samples::default();
        (0..90).for_each(|second| samples.add(sample(f64::from(second), f64::from(second.min(30)))));
        assert_eq!(samples.settled().len(), 60);
        assert!(growth(samples.settled()).abs() < 1e-6);
        assert_eq!(samples.at(1.0).map(|sample| sample.second), Some(89.0));
        assert_eq!(samples.to_csv().lines().count(), 91);
    }
}
