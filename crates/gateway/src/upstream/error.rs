//! A call that brought no response.

use std::error::Error;
use std::io;

use thiserror::Error;
use waymark_types::Cause;

/// A call that brought no response.
#[derive(Debug, Error)]
#[error("{}", self.told())]
pub(crate) struct CallError {
    provider: String,
    cause: Cause,
    /// What else there is to say.
    problem: &'static str,
}

impl CallError {
    /// What the cause alone tells.
    pub(crate) fn new(provider: &str, cause: Cause) -> Self {
        Self { provider: provider.to_owned(), cause, problem: "" }
    }

    /// What came is no answer.
    pub(crate) fn no_answer(provider: &str, problem: &'static str) -> Self {
        Self { problem, ..Self::new(provider, Cause::NoAnswer) }
    }

    /// The call cannot be made as configured.
    pub(crate) fn misconfigured(provider: &str, problem: &'static str) -> Self {
        Self { problem, ..Self::new(provider, Cause::Misconfigured) }
    }

    /// Why.
    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }

    /// What a failed transfer with `provider` means.
    pub(crate) fn from_transfer(provider: &str, error: &reqwest::Error) -> Self {
        let cause = match (error.is_connect(), error.is_timeout()) {
            (true, true) => Cause::ConnectTimeout,
            (true, false) => of_connecting(error),
            (false, true) => Cause::FirstByteTimeout,
            (false, false) => Cause::BrokeOff,
        };
        Self::new(provider, cause)
    }

    fn told(&self) -> String {
        let Self { provider, problem, .. } = self;
        match self.cause {
            Cause::DnsFailed => format!("could not connect to {provider}: its host name leads nowhere"),
            Cause::TlsFailed => {
                format!("could not connect to {provider}: no encrypted connection came about")
            }
            Cause::ConnectTimeout => format!("could not connect to {provider} in time"),
            Cause::ConnectFailed => format!("could not connect to {provider}"),
            Cause::FirstByteTimeout => format!("{provider} sent nothing in time"),
            Cause::Stalled => format!("{provider} stopped sending in the middle of its answer"),
            Cause::Deadline => format!("{provider} had not answered when the request's time was up"),
            Cause::NoAnswer => format!("{provider} sent no answer: {problem}"),
            Cause::Misconfigured => format!("provider {provider} cannot be called: {problem}"),
            _ => format!("the connection to {provider} broke off"),
        }
    }
}

/// Whether an error, or one within it, is that what came was not what encryption begins with. What an error holds is no
/// source of it.
fn is_of_tls(error: &io::Error) -> bool {
    let within = error.get_ref().and_then(|within| within.downcast_ref::<io::Error>());
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        || within.is_some_and(is_of_tls)
}

/// Why no connection came about, as far as the error tells.
fn of_connecting(error: &reqwest::Error) -> Cause {
    let mut next = error.source();
    while let Some(error) = next {
        // The resolver's failure has no type that can be seen from here.
        if error.to_string().starts_with("dns error") {
            return Cause::DnsFailed;
        }
        if error.downcast_ref::<io::Error>().is_some_and(is_of_tls) {
            return Cause::TlsFailed;
        }
        next = error.source();
    }
    Cause::ConnectFailed
}
