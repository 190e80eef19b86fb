//! What happened in a conversation, as its request tells it: what a decision takes for evidence.

/// A conversation, oldest event first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversation {
    /// What happened.
    pub events: Vec<Event>,
    /// Whether its dialect marks the results that are errors; where it does not, they are known by their words.
    pub marks_errors: bool,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A person wrote; what a client adds by itself is left out.
    User {
        /// What.
        text: String,
    },
    /// The model wrote.
    Assistant {
        /// What.
        text: String,
    },
    /// The model called a tool.
    Call {
        /// The call's id.
        id: String,
        /// The tool.
        tool: String,
        /// Its arguments as the model put them out: JSON, or free text for tools that take any.
        arguments: String,
        /// Whether the tool takes any text.
        freeform: bool,
    },
    /// A tool answered.
    Result {
        /// The call's id.
        id: String,
        /// What came back.
        text: String,
        /// The client calls it an error.
        is_error: bool,
    },
    /// The model declined.
    Refusal,
}

impl Event {
    /// Whether the model did it.
    pub(crate) fn is_the_models(&self) -> bool {
        matches!(self, Self::Assistant { .. } | Self::Call { .. } | Self::Refusal)
    }

    /// What is said; nothing by a call or a refusal.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::User { text } | Self::Assistant { text } | Self::Result { text, .. } => text,
            Self::Call { .. } | Self::Refusal => "",
        }
    }

    /// How long it is, in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Call { tool, arguments, .. } => tool.len() + arguments.len(),
            other => other.text().len(),
        }
    }
}

impl Conversation {
    /// How many events there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.events.len()).unwrap_or(u32::MAX)
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How often the model has spoken: whatever it does between two events of others is one turn.
    pub fn turns(&self) -> u32 {
        u32::try_from(self.asked().count()).unwrap_or(u32::MAX)
    }

    /// Where the model was asked: before each of its turns.
    pub(crate) fn asked(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.events.len()).filter(|at| self.begins_a_turn(*at))
    }

    fn begins_a_turn(&self, at: usize) -> bool {
        let is_the_models = |at: usize| self.events.get(at).is_some_and(Event::is_the_models);
        is_the_models(at) && !at.checked_sub(1).is_some_and(is_the_models)
    }
}
