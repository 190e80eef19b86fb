//! What is learnt about an answer by looking on while its bytes pass.

use waymark_types::{Dialect, Usage};

use crate::codec;
use crate::sse::Frame;

/// What an answer said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The provider's own word for the model.
    pub served_model: Option<String>,
    /// Tokens, as the provider states them.
    pub usage: Usage,
    /// Why the model stopped, in the dialect's word.
    pub finish: Option<String>,
    /// An error the provider sent in the answer's place or in its middle.
    pub error: Option<String>,
}

/// Where a stream stands after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    Ongoing,
    /// This event is the last of a whole answer.
    Last,
    /// This event says that the answer failed.
    Failed,
}

impl Answer {
    /// Reads a whole answer's body.
    pub fn read_body(&mut self, dialect: Dialect, body: &[u8]) {
        codec(dialect).read_body(body, self);
    }

    /// Reads one event of a streamed answer.
    pub fn read_event(&mut self, dialect: Dialect, frame: &Frame<'_>) -> Progress {
        codec(dialect).read_event(frame, self)
    }

    /// Whether a stream that stopped here without its dialect's last event is whole all the same.
    pub fn is_whole_without_end(&self, dialect: Dialect) -> bool {
        codec(dialect).may_end_silently() && self.finish.is_some() && self.error.is_none()
    }
}
