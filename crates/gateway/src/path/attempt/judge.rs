//! What follows a failed attempt.

use std::time::Duration;

use waymark_protocol::Failure;
use waymark_types::Cause;

/// The longest first wait before a call is made again, which doubles with each.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait of our own making.
const LONGEST: Duration = Duration::from_secs(8);
/// The longest wait that a provider may ask for while another place could answer, and while none could.
const PATIENCE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(20)];

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same place is asked again after this time.
    Again(Duration),
    /// The next place is asked.
    Elsewhere,
    /// Only a rung above can do better.
    Up,
    /// Nothing can do better.
    Final,
}

/// What there is beside the place that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prospects {
    /// How often the place may be asked again.
    pub(super) retries: u32,
    /// How often it was.
    pub(super) tries: u32,
    /// Whether another place of the same rung is left.
    pub(super) sideways: bool,
    /// How much time the request has left; `None` is without a limit.
    pub(super) left: Option<Duration>,
}

/// Judges a failure. `chance` is from 0 to 1.
pub(super) fn judge(failure: &Failure, prospects: &Prospects, chance: f64) -> Verdict {
    match course(failure.cause) {
        Course::Final => Verdict::Final,
        Course::Up => Verdict::Up,
        Course::Elsewhere => Verdict::Elsewhere,
        Course::Again { was_slow } => match again(failure, prospects, was_slow, chance) {
            Some(wait) => Verdict::Again(wait),
            None => Verdict::Elsewhere,
        },
    }
}

/// How long to wait before the same place is asked again; `None` when it is not.
fn again(failure: &Failure, prospects: &Prospects, was_slow: bool, chance: f64) -> Option<Duration> {
    let Prospects { retries, tries, sideways, left } = *prospects;
    // Where another place is at hand, one more try is worth the cache that the prompt has here, and no more.
    let allowed = if sideways { retries.min(u32::from(!was_slow)) } else { retries };
    if tries >= allowed || failure.retry == Some(false) {
        return None;
    }
    let wait = failure.wait.unwrap_or_default();
    if wait > PATIENCE[usize::from(!sideways)] {
        return None;
    }
    let wait = wait.max(backoff(tries, chance));
    left.is_none_or(|left| wait < left).then_some(wait)
}

/// Full jitter: anything from nothing to a bound that doubles with each try. What failed together does not come back
/// together.
fn backoff(tries: u32, chance: f64) -> Duration {
    FIRST.saturating_mul(1 << tries.min(16)).min(LONGEST).mul_f64(chance.clamp(0.0, 1.0))
}

enum Course {
    Again { was_slow: bool },
    Elsewhere,
    Up,
    Final,
}

fn course(cause: Cause) -> Course {
    match cause {
        Cause::RateLimited
        | Cause::Overloaded
        | Cause::ServerError
        | Cause::ConnectFailed
        | Cause::BrokeOff => Course::Again { was_slow: false },
        Cause::Timeout | Cause::ConnectTimeout | Cause::FirstByteTimeout => Course::Again { was_slow: true },
        Cause::QuotaExhausted
        | Cause::Auth
        | Cause::NotFound
        | Cause::DnsFailed
        | Cause::TlsFailed
        | Cause::Stalled
        | Cause::NoAnswer
        | Cause::Misconfigured
        | Cause::NotConvertible
        | Cause::BreakerOpen
        | Cause::AtCapacity
        | Cause::HedgeLost => Course::Elsewhere,
        Cause::ContextOverflow | Cause::ContentRefused => Course::Up,
        Cause::BadRequest | Cause::Deadline | Cause::Cancelled => Course::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Prospects = Prospects { retries: 2, tries: 0, sideways: false, left: None };
    const TOGETHER: Prospects = Prospects { sideways: true, ..ALONE };

    fn after(cause: Cause, prospects: Prospects) -> Verdict {
        judge(&cause.into(), &prospects, 1.0)
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else_is() {
        for &cause in Cause::ALL {
            let passes = matches!(
                cause,
                Cause::RateLimited
                    | Cause::Overloaded
                    | Cause::ServerError
                    | Cause::Timeout
                    | Cause::ConnectFailed
                    | Cause::ConnectTimeout
                    | Cause::FirstByteTimeout
                    | Cause::BrokeOff
            );
            let again = matches!(after(cause, ALONE), Verdict::Again(_));
            assert_eq!(again, passes, "{cause}");
        }
        assert_eq!(after(Cause::BadRequest, TOGETHER), Verdict::Final);
        assert_eq!(after(Cause::ContextOverflow, TOGETHER), Verdict::Up);
        assert_eq!(after(Cause::QuotaExhausted, ALONE), Verdict::Elsewhere);
    }

    #[test]
    fn waits_double_within_bounds_and_chance_spreads_them() {
        let wait = |tries, chance| {
            judge(&Cause::ServerError.into(), &Prospects { retries: 99, tries, ..ALONE }, chance)
        };
        let millis = |millis| Verdict::Again(Duration::from_millis(millis));
        assert_eq!([wait(0, 1.0), wait(1, 1.0), wait(2, 1.0)], [millis(250), millis(500), millis(1_000)]);
        assert_eq!(wait(60, 1.0), millis(8_000));
        assert_eq!([wait(1, 0.5), wait(1, 0.0)], [millis(250), millis(0)]);
        assert_eq!(after(Cause::ServerError, Prospects { tries: 2, ..ALONE }), Verdict::Elsewhere);
        assert_eq!(after(Cause::ServerError, Prospects { retries: 0, ..ALONE }), Verdict::Elsewhere);
    }

    #[test]
    fn with_another_place_at_hand_it_is_one_try_and_none_after_a_long_silence() {
        assert!(matches!(after(Cause::ServerError, TOGETHER), Verdict::Again(_)));
        assert_eq!(after(Cause::ServerError, Prospects { tries: 1, ..TOGETHER }), Verdict::Elsewhere);
        assert_eq!(after(Cause::FirstByteTimeout, TOGETHER), Verdict::Elsewhere);
        assert!(matches!(after(Cause::FirstByteTimeout, ALONE), Verdict::Again(_)));
    }

    #[test]
    fn what_the_provider_asks_for_is_kept_where_there_is_time() {
        let limited =
            |seconds| Failure { wait: Some(Duration::from_secs(seconds)), ..Cause::RateLimited.into() };
        let wait = |seconds, prospects| judge(&limited(seconds), &prospects, 0.0);
        let seconds = |seconds| Verdict::Again(Duration::from_secs(seconds));
        assert_eq!([wait(3, ALONE), wait(1, TOGETHER)], [seconds(3), seconds(1)]);
        assert_eq!([wait(3, TOGETHER), wait(60, ALONE)], [Verdict::Elsewhere; 2]);
        let hurried = Prospects { left: Some(Duration::from_secs(2)), ..ALONE };
        assert_eq!([wait(1, hurried), wait(3, hurried)], [seconds(1), Verdict::Elsewhere]);
        let never = Failure { retry: Some(false), ..Cause::ServerError.into() };
        assert_eq!(judge(&never, &ALONE, 0.0), Verdict::Elsewhere);
    }
}
