//! Sides: whatever takes turns in a measurement, and what each turn cost.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::machine;
use crate::samples::{Blocks, interleave};

/// One call's times in milliseconds: to the first byte, and in all.
pub(crate) type Times = [f64; 2];

/// Something that is called again and again.
pub(crate) struct Side<'a> {
    /// What tables call it.
    pub(crate) name: &'static str,
    /// Times to the first byte.
    pub(crate) first: Blocks,
    /// Times in all.
    pub(crate) total: Blocks,
    work: Box<dyn FnMut() -> Result<Times> + 'a>,
    process: Option<u32>,
    seconds: f64,
}

impl<'a> Side<'a> {
    /// A side whose every call is `work`.
    pub(crate) fn new(name: &'static str, work: impl FnMut() -> Result<Times> + 'a) -> Self {
        let work = Box::new(work);
        Self { name, first: Blocks::default(), total: Blocks::default(), work, process: None, seconds: 0.0 }
    }

    /// The process whose processor time is this side's.
    pub(crate) fn in_process(self, process: Option<u32>) -> Self {
        Self { process, ..self }
    }

    /// Microseconds of processor time a call.
    pub(crate) fn processor(&self) -> Option<f64> {
        self.process.map(|_| self.seconds * 1e6 / self.total.count().max(1) as f64)
    }

    fn block(&mut self, calls: usize, counts: bool) -> Result<()> {
        let before = self.process.and_then(machine::processor_time);
        let times = (0..calls).map(|_| (self.work)()).collect::<Result<Vec<_>>>()?;
        let after = self.process.and_then(machine::processor_time);
        if counts {
            self.seconds += before.zip(after).map_or(0.0, |(before, after)| after - before);
            self.first.push(times.iter().map(|[first, _]| *first).collect());
            self.total.push(times.iter().map(|[_, total]| *total).collect());
        }
        Ok(())
    }
}

/// Lets the sides take turns, `calls` at a time.
pub(crate) fn take_turns(rounds: usize, calls: usize, sides: &mut [Side<'_>]) -> Result<()> {
    interleave(rounds, sides, |side, counts| side.block(calls, counts))
}

/// Times one thing that has no first byte of its own.
pub(crate) fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<Times> {
    let started = Instant::now();
    work()?;
    Ok([millis(started.elapsed()); 2])
}

/// Milliseconds, fractions included.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
