//! How much time a request has.

use std::time::Duration;

use axum::http::HeaderMap;
use tokio::time::Instant;
use waymark_protocol::{ErrorKind, Fault};

/// What a client says that its answer may take, in seconds, from first byte to last.
const OURS: &str = "x-waymark-deadline";
/// What clients made by Stainless, OpenAI's and Anthropic's among them, say that they wait for a byte, in seconds.
const THEIRS: &str = "x-stainless-timeout";
/// More than this is no limit.
const LONGEST: f64 = 86_400.0;

/// When a request's time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Deadline {
    /// For the first byte.
    first: Option<Instant>,
    /// For the whole answer.
    whole: Option<Instant>,
}

impl Deadline {
    /// Of a request that arrived `since` ago with these headers, on a route that allows so much.
    pub(super) fn of(headers: &HeaderMap, route: Option<Duration>, since: Duration) -> Self {
        let now = Instant::now();
        let at = |time: Duration| now.checked_add(time.saturating_sub(since));
        let asked = asked(headers).ok().flatten();
        let whole = [route, asked].into_iter().flatten().min().and_then(at);
        let waited = seconds(headers, THEIRS).and_then(Result::ok).and_then(at);
        Self { first: [whole, waited].into_iter().flatten().min(), whole }
    }

    /// When the first byte must be there.
    pub(super) fn first(self) -> Option<Instant> {
        self.first
    }

    /// When the whole answer must be.
    pub(super) fn whole(self) -> Option<Instant> {
        self.whole
    }

    /// How much time is left until the first byte must be there; `None` when there is no limit.
    pub(super) fn left(self) -> Option<Duration> {
        self.first.map(|first| first.saturating_duration_since(Instant::now()))
    }
}

/// What the client asks for in Waymark's own words.
pub(super) fn asked(headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    seconds(headers, OURS).transpose().map_err(|()| Fault {
        kind: ErrorKind::InvalidRequest,
        code: "bad_deadline",
        message: format!("the header {OURS} is a number of seconds above zero, such as 30 or 2.5"),
    })
}

fn seconds(headers: &HeaderMap, name: &str) -> Option<Result<Duration, ()>> {
    let text = headers.get(name)?.to_str().unwrap_or_default().trim();
    Some(match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 => Duration::try_from_secs_f64(seconds.min(LONGEST)).map_err(|_| ()),
        _ => Err(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(headers: &[(&'static str, &'static str)], route: Option<u64>) -> [Option<u64>; 2] {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let deadline =
            Deadline::of(&headers.collect(), route.map(Duration::from_secs), Duration::from_secs(1));
        [deadline.first, deadline.whole]
            .map(|at| at.map(|at| at.saturating_duration_since(Instant::now()).as_secs()))
    }

    #[tokio::test(start_paused = true)]
    async fn the_tightest_counts_and_what_has_passed_is_taken_off() {
        assert_eq!(left(&[], None), [None, None]);
        assert_eq!(left(&[], Some(60)), [Some(59), Some(59)]);
        assert_eq!(left(&[(OURS, "10")], Some(60)), [Some(9), Some(9)]);
        assert_eq!(left(&[(OURS, "100")], Some(60)), [Some(59), Some(59)]);
        assert_eq!(left(&[(THEIRS, "20")], Some(60)), [Some(19), Some(59)]);
        assert_eq!(left(&[(THEIRS, "600")], None), [Some(599), None]);
        assert_eq!(left(&[(THEIRS, "whatever")], None), [None, None]);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let told =
            |text: &str| asked(&[(OURS.parse().unwrap(), text.parse().unwrap())].into_iter().collect());
        assert_eq!(told("2.5"), Ok(Some(Duration::from_millis(2_500))));
        for text in ["0", "-1", "soon", "", "nan"] {
            assert_eq!(told(text).unwrap_err().code, "bad_deadline", "{text}");
        }
        assert_eq!(asked(&HeaderMap::new()), Ok(None));
    }
}
