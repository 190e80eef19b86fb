//! A circuit breaker: what keeps failing is left alone for a while, and then tried by one request.
//!
//! It opens after [`IN_A_ROW`] failures in a row, or when half of at least [`FEWEST`] calls in the last minute failed.
//! Each time a probe fails as well, it stays open for twice as long.

use std::time::Duration;

use waymark_types::Timestamp;

/// Failures in a row that open it.
const IN_A_ROW: u32 = 5;
/// Calls in the window before their share of failures means something.
const FEWEST: u32 = 20;
/// How long it stays open at first, and at most.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);
/// The window: so many spans of time, each so long.
const SPANS: usize = 6;
const SPAN_MICROS: i64 = 10_000_000;

/// One deployment's circuit breaker.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    in_a_row: u32,
    /// How often it has opened since it was last closed.
    opened: u32,
    window: [Span; SPANS],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open(Timestamp),
    /// A probe is under way.
    Probing,
}

/// The calls of a span of time.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    number: i64,
    calls: u32,
    failures: u32,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It may.
    Yes,
    /// One may, to find out.
    Probe,
    /// None may before then.
    No(Timestamp),
}

impl Breaker {
    pub(super) fn admission(&self, now: Timestamp) -> Admission {
        match self.state {
            State::Closed => Admission::Yes,
            State::Open(until) if until <= now => Admission::Probe,
            State::Open(until) => Admission::No(until),
            // Whoever asks while it is found out may come again soon.
            State::Probing => Admission::No(after(now, Duration::from_secs(1))),
        }
    }

    /// What it is called.
    pub(super) fn state(&self, now: Timestamp) -> &'static str {
        match self.admission(now) {
            Admission::Yes => "closed",
            Admission::Probe => "half_open",
            Admission::No(_) if self.state == State::Probing => "half_open",
            Admission::No(_) => "open",
        }
    }

    /// Until when it is open.
    pub(super) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            State::Open(until) => (until > now).then_some(until),
            State::Closed | State::Probing => None,
        }
    }

    /// A probe begins.
    pub(super) fn probe(&mut self) {
        self.state = State::Probing;
    }

    /// The probe said nothing; the next call may.
    pub(super) fn abandoned(&mut self, now: Timestamp) {
        if self.state == State::Probing {
            self.state = State::Open(now);
        }
    }

    /// The probe was dropped before it said anything: the next call may.
    pub(super) fn given_up(&mut self) {
        if self.state == State::Probing {
            self.state = State::Open(Timestamp::from_micros(0));
        }
    }

    /// A call succeeded. One that began before the breaker opened closes it as well: it speaks of the present.
    pub(super) fn succeeded(&mut self, now: Timestamp) {
        if self.state != State::Closed {
            self.window = [Span::default(); SPANS];
        }
        (self.state, self.in_a_row, self.opened) = (State::Closed, 0, 0);
        self.span(now).calls += 1;
    }

    /// A call failed.
    pub(super) fn failed(&mut self, now: Timestamp) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        let span = self.span(now);
        span.calls += 1;
        span.failures += 1;
        let opens = match self.state {
            State::Closed => self.in_a_row >= IN_A_ROW || self.mostly_failed(now),
            State::Probing => true,
            // One that began earlier says nothing new.
            State::Open(_) => false,
        };
        if opens {
            let open = FIRST.saturating_mul(1 << self.opened.min(10)).min(LONGEST);
            self.opened += 1;
            self.state = State::Open(after(now, open));
        }
    }

    fn mostly_failed(&self, now: Timestamp) -> bool {
        let oldest = number(now) - SPANS as i64 + 1;
        let recent = || self.window.iter().filter(|span| span.number >= oldest);
        let calls: u32 = recent().map(|span| span.calls).sum();
        let failures: u32 = recent().map(|span| span.failures).sum();
        calls >= FEWEST && failures * 2 >= calls
    }

    fn span(&mut self, now: Timestamp) -> &mut Span {
        let number = number(now);
        let span = &mut self.window[number.rem_euclid(SPANS as i64) as usize];
        if span.number != number {
            *span = Span { number, ..Span::default() };
        }
        span
    }
}

fn number(now: Timestamp) -> i64 {
    now.as_micros().div_euclid(SPAN_MICROS)
}

pub(super) fn after(now: Timestamp, span: Duration) -> Timestamp {
    let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.as_micros().saturating_add(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many seconds after the start.
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_795_780_800_000_000 + seconds * 1_000_000)
    }

    /// One that has just opened.
    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        (0..IN_A_ROW).for_each(|_| breaker.failed(at(0)));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            (1..IN_A_ROW).for_each(|_| breaker.failed(at(0)));
            assert_eq!(breaker.admission(at(0)), Admission::Yes);
            breaker.succeeded(at(0));
        }
        let breaker = opened();
        assert_eq!((breaker.admission(at(0)), breaker.state(at(0))), (Admission::No(at(5)), "open"));
        assert_eq!(breaker.until(at(0)), Some(at(5)));
    }

    #[test]
    fn one_probe_at_a_time_finds_out_and_closes_it() {
        let mut breaker = opened();
        assert_eq!(breaker.admission(at(4)), Admission::No(at(5)));
        assert_eq!((breaker.admission(at(5)), breaker.state(at(5))), (Admission::Probe, "half_open"));
        breaker.probe();
        assert!(matches!(breaker.admission(at(5)), Admission::No(_)));
        assert_eq!(breaker.state(at(5)), "half_open");
        breaker.succeeded(at(6));
        assert_eq!((breaker.admission(at(6)), breaker.state(at(6))), (Admission::Yes, "closed"));
        (1..IN_A_ROW).for_each(|_| breaker.failed(at(7)));
        assert_eq!(breaker.admission(at(7)), Admission::Yes, "what failed before counts no more");
    }

    #[test]
    fn each_failed_probe_doubles_the_time_up_to_a_bound() {
        let (mut breaker, mut now) = (opened(), 5);
        for open in [10, 20, 40, 60, 60] {
            breaker.probe();
            breaker.failed(at(now));
            assert_eq!(breaker.admission(at(now)), Admission::No(at(now + open)));
            now += open;
        }
        breaker.probe();
        breaker.succeeded(at(now));
        (0..IN_A_ROW).for_each(|_| breaker.failed(at(now)));
        assert_eq!(breaker.admission(at(now)), Admission::No(at(now + 5)), "a success starts anew");
    }

    #[test]
    fn a_probe_that_says_nothing_leaves_it_to_the_next() {
        let mut breaker = opened();
        breaker.probe();
        breaker.abandoned(at(6));
        assert_eq!(breaker.admission(at(6)), Admission::Probe);
        breaker.probe();
        breaker.given_up();
        assert_eq!(breaker.admission(at(6)), Admission::Probe);
    }

    #[test]
    fn half_of_many_calls_failing_opens_it_and_older_ones_do_not_count() {
        let failing = |between: i64| {
            let mut breaker = Breaker::default();
            for call in 0..i64::from(FEWEST) {
                match call % 2 {
                    0 => breaker.succeeded(at(call * between)),
                    _ => breaker.failed(at(call * between)),
                }
            }
            breaker.state(at(i64::from(FEWEST) * between))
        };
        assert_eq!(failing(0), "open");
        assert_eq!(failing(10), "closed", "twenty calls in 200 seconds are too few a minute");
    }

    #[test]
    fn calls_that_began_before_it_opened_change_nothing_when_they_fail() {
        let mut breaker = opened();
        breaker.failed(at(1));
        assert_eq!(breaker.admission(at(1)), Admission::No(at(5)));
        breaker.succeeded(at(2));
        assert_eq!(breaker.admission(at(2)), Admission::Yes);
    }
}
