//! What the ledger says of an attempt.

use waymark_ledger::Attempt;
use waymark_types::{Cause, Next, Outcome, Timestamp};

use super::{Place, Reached};
use crate::path::shortened;

/// An attempt as it stands until it ends, and for good when it is cancelled.
pub(super) fn provisional(place: &Place<'_>, started: Timestamp) -> Attempt {
    Attempt {
        provider: place.provider.to_owned(),
        model: place.model.to_owned(),
        served_model: None,
        started,
        ended: started,
        status: None,
        outcome: Outcome::Cancelled,
        error: Some(Cause::Cancelled.to_string()),
        next: Next::Exhausted,
        served: false,
        converted: None,
        lost: Vec::new(),
        discarded: None,
    }
}

/// Whether an attempt has not ended, as far as the log says.
pub(in crate::path) fn is_open(attempt: &Attempt) -> bool {
    attempt.outcome == Outcome::Cancelled && attempt.error.as_deref() == Some(Cause::Cancelled.as_str())
}

/// The attempt that was not made, and why.
pub(super) fn refused(place: &Place<'_>, cause: Cause, now: Timestamp) -> Attempt {
    let error = Some(cause.to_string());
    Attempt { outcome: Outcome::Refused, error, ..provisional(place, now) }
}

/// An attempt that has ended.
pub(super) fn ended(attempt: Attempt, reached: &Reached, now: Timestamp) -> Attempt {
    let failure = reached.failure();
    let outcome = match (reached, failure) {
        (Reached::Suggestion(completion), _) if completion.suggestion.is_none() => Outcome::Declined,
        (_, None) => Outcome::Succeeded,
        (Reached::Stream(_), Some(_)) => Outcome::StreamFailed,
        (_, Some(failure)) => of_cause(failure.cause),
    };
    let (status, served_model) = match reached {
        Reached::Whole(whole) => (Some(whole.head.status.as_u16()), whole.answer.served_model.clone()),
        Reached::Stream(stream) => (Some(stream.head().status.as_u16()), None),
        Reached::Suggestion(completion) => (None, Some(completion.version.clone())),
        Reached::WarmedUp | Reached::Nothing(_) => (None, None),
    };
    // The embedded model is named by its corpus, which is known only now.
    let model = match reached {
        Reached::Suggestion(completion) => completion.version.clone(),
        _ => attempt.model,
    };
    let served_model = served_model.as_deref().map(shortened);
    let error = match reached {
        // Why the embedded model declines: it is unsure, or what it would say does not fit.
        Reached::Suggestion(completion) => completion.declined.map(|declined| declined.as_str().to_owned()),
        _ => failure.map(|failure| failure.cause.to_string()),
    };
    Attempt { outcome, error, status, served_model, model, ended: now, ..attempt }
}

fn of_cause(cause: Cause) -> Outcome {
    match cause {
        Cause::FirstByteTimeout | Cause::ConnectTimeout | Cause::Stalled | Cause::Deadline => {
            Outcome::TimedOut
        }
        Cause::BreakerOpen | Cause::AtCapacity => Outcome::Refused,
        _ => Outcome::Failed,
    }
}
