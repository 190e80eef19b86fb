//! Errors as clients of each dialect expect them.

/// What kind of error it is; each dialect has its own name and HTTP status for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be read or makes no sense.
    InvalidRequest,
    /// The body is larger than this server takes.
    TooLarge,
    /// The body is compressed, or encoded in another way that this server does not read.
    UnsupportedEncoding,
    /// The body did not come in time.
    RequestTimeout,
    /// There is nothing at this path, or no such model.
    NotFound,
    /// The method does not fit the path.
    MethodNotAllowed,
    /// The key is missing or not known.
    Unauthenticated,
    /// The request comes from somewhere it may not come from.
    Forbidden,
    /// There were too many requests.
    RateLimited,
    /// The money or the tokens that may be used are used up: asking again soon does not help.
    Exhausted,
    /// The upstream says that it is broken.
    Internal,
    /// The service cannot answer now, or not as it is configured.
    Unavailable,
    /// The upstream failed, or sent what is no answer.
    Upstream,
    /// The upstream sent nothing in time.
    Timeout,
}

impl ErrorKind {
    /// What an upstream's HTTP status says.
    pub fn of_status(status: u16) -> Self {
        match status {
            400 | 422 => Self::InvalidRequest,
            401 => Self::Unauthenticated,
            402 => Self::Exhausted,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            500 => Self::Internal,
            503 | 529 => Self::Unavailable,
            _ => Self::Upstream,
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Unauthenticated => 401,
            Self::Exhausted => 402,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::TooLarge => 413,
            Self::UnsupportedEncoding => 415,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Upstream => 502,
            Self::Unavailable => 503,
            Self::Timeout => 504,
        }
    }

    /// OpenAI's `type`.
    pub(crate) fn openai(self) -> &'static str {
        match self {
            Self::InvalidRequest
            | Self::TooLarge
            | Self::UnsupportedEncoding
            | Self::NotFound
            | Self::MethodNotAllowed => "invalid_request_error",
            Self::Unauthenticated => "authentication_error",
            Self::Forbidden => "permission_error",
            Self::RateLimited => "rate_limit_error",
            Self::Exhausted => "insufficient_quota",
            Self::Internal => "server_error",
            Self::Unavailable => "service_unavailable_error",
            Self::Upstream => "upstream_error",
            Self::Timeout | Self::RequestTimeout => "timeout_error",
        }
    }

    /// Anthropic's `error.type`.
    pub(crate) fn anthropic(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::UnsupportedEncoding | Self::MethodNotAllowed => {
                "invalid_request_error"
            }
            Self::TooLarge => "request_too_large",
            Self::NotFound => "not_found_error",
            Self::Unauthenticated => "authentication_error",
            Self::Forbidden => "permission_error",
            Self::RateLimited => "rate_limit_error",
            Self::Exhausted => "billing_error",
            Self::Unavailable => "overloaded_error",
            Self::Internal | Self::Upstream => "api_error",
            Self::Timeout | Self::RequestTimeout => "timeout_error",
        }
    }
}

/// An error to be told to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind it is.
    pub kind: ErrorKind,
    /// The stable reason code, which is the record's too.
    pub code: &'static str,
    /// What happened and what to do next, in the caller's terms.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use waymark_types::Dialect;

    use super::*;

    #[test]
    fn what_an_upstreams_status_says_stays_what_it_is_in_every_dialect() {
        for (status, openai, anthropic, gemini) in [
            (400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
            (401, "authentication_error", "authentication_error", "UNAUTHENTICATED"),
            (402, "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED"),
            (403, "permission_error", "permission_error", "PERMISSION_DENIED"),
            (404, "invalid_request_error", "not_found_error", "NOT_FOUND"),
            (429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"),
            (500, "server_error", "api_error", "INTERNAL"),
            (503, "service_unavailable_error", "overloaded_error", "UNAVAILABLE"),
            (504, "timeout_error", "timeout_error", "DEADLINE_EXCEEDED"),
        ] {
            let kind = ErrorKind::of_status(status);
            assert_eq!((kind.status(), kind.openai(), kind.anthropic()), (status, openai, anthropic));
            let fault = Fault { kind, code: "upstream_error", message: "told".to_owned() };
            let body: serde_json::Value =
                serde_json::from_slice(&crate::error_body(Dialect::Gemini, &fault)).unwrap();
            assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&status.into(), &gemini.into()));
        }
        assert_eq!(ErrorKind::of_status(529), ErrorKind::Unavailable);
        assert_eq!(ErrorKind::of_status(418), ErrorKind::Upstream);
    }
}
