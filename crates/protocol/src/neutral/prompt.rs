//! A request for an answer within a conversation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request for an answer within a conversation. The model's name is not part of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// Instructions that stand above the conversation: text blocks only.
    pub system: Vec<Block>,
    /// The conversation, oldest first. Neighbouring turns of one role are as the client sent them.
    pub turns: Vec<Turn>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// How the client's own dialect declares those of `tools` that it does not declare as plain functions, by their
    /// names in `tools`. Dialects that only know functions need not look here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tool_forms: BTreeMap<String, ToolForm>,
    /// Whether it must or must not call something.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several tools at once.
    pub parallel_tools: Option<bool>,
    /// The most tokens to put out, reasoning included.
    pub max_output: Option<u64>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// The form the answer must have.
    pub output: Option<OutputFormat>,
    /// How much to reason first.
    pub reasoning: Option<Reasoning>,
    /// The end user, by the client's own key.
    pub user: Option<String>,
    /// A stream is asked for.
    pub stream: bool,
    /// In a stream, usage is asked for (OpenAI's `stream_options.include_usage`; always so elsewhere).
    pub stream_usage: bool,
    /// What the client said that has no place here; the reader's losses.
    pub losses: Vec<super::Loss>,
    /// What the request cannot do without and only the client's own dialect can say, in the client's terms.
    pub unsayable: Vec<String>,
    /// Whose words it is written in, where those who speak a dialect differ; the writer's to know, not the reader's.
    #[serde(skip)]
    pub flavour: Flavour,
}

/// Whose form of a dialect a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// That of the dialect's maker.
    #[default]
    Original,
    /// That of most others who serve it.
    Imitation,
    /// Mistral's form of OpenAI's chat.
    Mistral,
}

impl Prompt {
    /// Whether the request can be put into `dialect` at all; asked before every conversion.
    pub fn sayable_in(&self, dialect: waymark_types::Dialect) -> Result<(), super::Unsayable> {
        match self.unsayable.first() {
            Some(what) => Err(super::Unsayable { what: what.clone(), dialect }),
            None => Ok(()),
        }
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person or program that asks. Tool results are theirs too.
    User,
    /// The model.
    Assistant,
    /// Instructions in the middle of a conversation (OpenAI's `developer` and `system` messages after the first turn).
    System,
}

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub blocks: Vec<Block>,
}

/// A piece of a turn or of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// A cache breakpoint behind it.
        cache: Option<CacheMark>,
    },
    /// A picture.
    Image {
        /// Where it is.
        media: Media,
        /// OpenAI's `detail`: `low`, `high` or `auto`.
        detail: Option<String>,
        /// A cache breakpoint behind it.
        cache: Option<CacheMark>,
    },
    /// A document, such as a PDF.
    Document {
        /// Where it is.
        media: Media,
        /// Its name.
        name: Option<String>,
        /// A cache breakpoint behind it.
        cache: Option<CacheMark>,
    },
    /// Sound.
    Audio {
        /// Where it is.
        media: Media,
    },
    /// The model calls a tool.
    ToolCall {
        /// The call's id. Dialects without ids get `call_<position>`, the same on both sides of a conversion.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments: the JSON text of an object, exactly as the model put it out.
        arguments: String,
        /// A cache breakpoint behind it.
        cache: Option<CacheMark>,
        /// An opaque token the provider wants back with the call (Gemini's `thoughtSignature`).
        signature: Option<String>,
    },
    /// What a tool gave back.
    ToolResult {
        /// The call's id.
        id: String,
        /// The tool's name, where it is known: looked up among earlier calls when the dialect leaves it out.
        name: Option<String>,
        /// Text, images and documents.
        content: Vec<Block>,
        /// The call failed.
        is_error: bool,
        /// A cache breakpoint behind it.
        cache: Option<CacheMark>,
    },
    /// The model's reasoning, or a summary of it.
    Thinking {
        /// The text; may be empty when only the signature is there.
        text: String,
        /// The provider's proof that the text is its own: an Anthropic signature, OpenAI's encrypted content. It is
        /// of use to that provider only; each starts with a mark of its dialect's (`waymark/anthropic`,
        /// `waymark/openai`, `waymark/gemini`, `waymark/chat`), so that they are told apart when a client
        /// of another dialect hands them back.
        signature: Option<String>,
        /// The provider's id of the reasoning item (OpenAI Responses).
        id: Option<String>,
    },
    /// Reasoning the provider shows only to itself (Anthropic's `redacted_thinking`).
    RedactedThinking {
        /// The opaque data.
        data: String,
    },
    /// The model declines.
    Refusal {
        /// In its words.
        text: String,
    },
}

impl Block {
    /// A text block without a cache breakpoint.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), cache: None }
    }
}

/// Bytes in the request, or where the provider finds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Media {
    /// In the request.
    Inline {
        /// MIME type.
        media_type: String,
        /// Base64, standard alphabet.
        data: String,
    },
    /// At an address the provider fetches.
    Url {
        /// The address.
        url: String,
    },
    /// Uploaded earlier to the same provider.
    Uploaded {
        /// The provider's id.
        id: String,
    },
}

/// A cache breakpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheMark {
    /// How long the cache should live, in the dialect's word: `5m`, `1h`.
    pub ttl: Option<String>,
}

/// A tool the client runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters: Value,
    /// The schema must be kept to exactly.
    pub strict: Option<bool>,
    /// A cache breakpoint behind it.
    pub cache: Option<CacheMark>,
}

/// How a dialect declares a tool that its entry in [`Prompt::tools`] offers as a plain function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolForm {
    /// Its name there; [`Tool::name`] has to differ where a group is part of it.
    pub name: String,
    /// The group it is in.
    pub namespace: Option<Namespace>,
    /// What it takes.
    pub kind: ToolKind,
}

/// A group of tools (OpenAI Responses `namespace`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// What its tools are for.
    pub description: Option<String>,
}

/// What a tool takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ToolKind {
    /// A JSON object, as functions do.
    Function,
    /// Any text (OpenAI `custom` tools). The function has one argument for it, the string `input`.
    Freeform {
        /// The text's form, in the dialect's words: a grammar.
        format: Option<Value>,
    },
    /// One of the dialect's own tools that the client runs (OpenAI Responses `local_shell`, `apply_patch`).
    BuiltIn {
        /// As the client declared it.
        declaration: Value,
    },
}

/// Whether a tool must be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As the model sees fit.
    Auto,
    /// None may be called.
    None,
    /// Some tool must be called.
    Required,
    /// This tool must be called.
    Named(String),
}

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sampling {
    /// Temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Only the k likeliest.
    pub top_k: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Seed.
    pub seed: Option<i64>,
    /// Penalty by frequency.
    pub frequency_penalty: Option<f64>,
    /// Penalty by presence.
    pub presence_penalty: Option<f64>,
}

/// The form the answer must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OutputFormat {
    /// Any JSON object.
    JsonObject,
    /// JSON by this schema.
    JsonSchema {
        /// The schema's name.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema.
        schema: Value,
        /// Whether it must be kept to exactly.
        strict: Option<bool>,
    },
}

/// How much to reason before answering.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reasoning {
    /// How hard.
    pub effort: Option<Effort>,
    /// How many tokens at most (Anthropic `budget_tokens`, Gemini `thinkingBudget`).
    pub budget: Option<u64>,
    /// The provider chooses how much (Anthropic `adaptive`, Gemini budget −1).
    pub adaptive: bool,
    /// Switched off explicitly.
    pub off: bool,
    /// The reasoning, or a summary of it, shall be part of the answer.
    pub visible: bool,
}

/// How hard to reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as there is (`xhigh`, `max`).
    Max,
}
