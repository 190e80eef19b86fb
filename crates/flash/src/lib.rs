//! The embedded code model: it completes the line at a cursor from the repository's own text, in microseconds, with
//! no weights to download and a citation for every suggestion.
//!
//! It looks for contexts like the cursor's in the indexed commit, the saved edits and the live buffer, ranks what
//! followed them, and declines when it is not sure. It copies lines; it does not compose them, and it must never be
//! presented as a language model. It speaks no HTTP and reaches nothing but the local `git`.

mod base;
mod buffer;
mod calibration;
mod candidates;
mod complete;
mod confidence;
mod corpus;
mod document;
mod error;
pub mod git;
mod join;
mod language;
mod lexer;
mod licence;
mod model;
mod overlay;
mod rank;
pub mod replay;
mod request;
mod selection;
mod state;
mod syntax;
mod watch;

pub use crate::confidence::{CONFIDENCE_FEATURES, ConfidenceFeatures, probability_with};
pub use crate::error::Error;
pub use crate::model::Flash;
pub use crate::rank::{Choice, RANK_FEATURES, RankFeatures, choose, probabilities};
pub use crate::request::{
    Citation, Completion, CompletionRequest, Declined, LanguageShare, Progress, Source, Stats, Suggestion,
};
pub use crate::watch::Watch;

/// Below this confidence the model declines, unless the request says otherwise.
pub const DEFAULT_THRESHOLD: f64 = calibration::THRESHOLD;
