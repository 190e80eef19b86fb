//! What a decision needs to know of a request.

use std::sync::Arc;

use waymark_types::{Capability, Dialect, Task};

use crate::content::Finding;
use crate::conversation::Conversation;
use crate::ladder::Standing;

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
    /// What the model must be able to do.
    pub needs: Needs,
    /// What happened so far, for work that may climb.
    pub conversation: Arc<Conversation>,
    /// Where the conversation stands, where that is remembered.
    pub standing: Option<Standing>,
    /// What content rules found in it.
    pub content: Vec<Finding>,
}

/// How the rules end that tell a call which sums a conversation up.
const COMPACTION: &str = "-compaction";

impl Features {
    /// Whether the assistant has the conversation summed up.
    pub(crate) fn sums_up(&self) -> bool {
        self.rule.is_some_and(|rule| rule.ends_with(COMPACTION))
    }
}

/// What a request takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// How many tokens it has, estimated; 0 where nobody counted.
    pub input_tokens: u64,
    /// The most tokens that its answer may have, where it says so.
    pub output_tokens: Option<u64>,
    /// What else.
    pub capabilities: Vec<Capability>,
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
