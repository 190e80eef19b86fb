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
    /// The request comes from somewhere it may not come from.
    Forbidden,
    /// The service cannot answer now, or not as it is configured.
    Unavailable,
    /// The upstream failed, or sent what is no answer.
    Upstream,
    /// The upstream sent nothing in time.
    Timeout,
}

impl ErrorKind {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::TooLarge => 413,
            Self::UnsupportedEncoding => 415,
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
            Self::Forbidden => "permission_error",
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
            Self::Forbidden => "permission_error",
            Self::Unavailable => "overloaded_error",
            Self::Upstream => "api_error",
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
