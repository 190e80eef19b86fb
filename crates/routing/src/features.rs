//! What a decision needs to know of a request.

use waymark_types::{Dialect, Task};

/// What a decision needs to know of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    /// The client's dialect.
    pub dialect: Dialect,
    /// What kind of work it is.
    pub task: Task,
    /// The rule that told so, where it took one: a stable code.
    pub rule: Option<&'static str>,
    /// What a dialect of completions is used for.
    pub shape: Shape,
    /// The model the client asked for.
    pub requested_model: String,
}

/// What a request in a dialect of completions is; that of every other request is `Plain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// A text to go on with.
    #[default]
    Plain,
    /// Code on both sides of the cursor.
    Fill,
    /// An instruction, which is a conversation of one turn.
    Instruction,
    /// Nothing to answer: a model is to be made ready, whatever it is for.
    WarmUp,
    /// A prompt that no other dialect can say: token ids, say.
    Foreign,
}
