//! Closed sets of names with stable text codes: what records, headers and metrics say.

use thiserror::Error;

/// The text names no member of the set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no {set}; known: {known}")]
pub struct UnknownLabel {
    set: &'static str,
    text: String,
    known: String,
}

/// Defines an enum whose members are written as fixed codes, in text and in JSON alike.
macro_rules! labels {
    ($(#[$meta:meta])* $name:ident, $set:literal { $($(#[$member_meta:meta])* $member:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$member_meta])* #[serde(rename = $code)] $member),+ }

        impl $name {
            /// Every member, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$member),+];

            /// The stable code of this member.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $code),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownLabel;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|label| label.as_str() == text).ok_or_else(|| UnknownLabel {
                    set: $set,
                    text: text.to_owned(),
                    known: Self::ALL.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

labels! {
    /// A wire dialect: the shape of a request, its answer, its stream and its errors.
    Dialect, "dialect" {
        /// OpenAI `POST /v1/chat/completions`.
        OpenAiChat = "openai-chat",
        /// OpenAI `POST /v1/completions`, with `suffix`.
        OpenAiCompletions = "openai-completions",
        /// OpenAI `POST /v1/responses`.
        OpenAiResponses = "openai-responses",
        /// Anthropic `POST /v1/messages`.
        AnthropicMessages = "anthropic-messages",
        /// Gemini `:generateContent` and `:streamGenerateContent`.
        Gemini = "gemini",
        /// Ollama `POST /api/chat`.
        OllamaChat = "ollama-chat",
        /// Ollama `POST /api/generate`.
        OllamaGenerate = "ollama-generate",
        /// llama.cpp `POST /infill`.
        LlamaInfill = "llama-infill",
        /// Mistral `POST /v1/fim/completions`.
        MistralFim = "mistral-fim",
        /// OpenAI `POST /v1/embeddings`.
        OpenAiEmbeddings = "openai-embeddings",
        /// Ollama `POST /api/embed`, and `/api/embeddings` before it.
        OllamaEmbed = "ollama-embed",
        /// Gemini `:embedContent` and `:batchEmbedContents`.
        GeminiEmbed = "gemini-embed",
        /// OpenAI `POST /v1/images/generations`.
        OpenAiImages = "openai-images",
        /// OpenAI `POST /v1/audio/transcriptions`.
        OpenAiTranscriptions = "openai-transcriptions",
        /// OpenAI `POST /v1/audio/speech`.
        OpenAiSpeech = "openai-speech",
    }
}

labels! {
    /// How an upstream is spoken to.
    ProviderKind, "provider kind" {
        /// Anything that speaks OpenAI's dialects; its base URL ends in a version segment.
        OpenAi = "openai",
        /// OpenAI's dialects as Azure serves them; its base URL is the resource's.
        AzureOpenAi = "azure-openai",
        /// Anything that speaks Anthropic's dialect; its base URL has no `/v1`.
        Anthropic = "anthropic",
        /// Google's Gemini; its base URL has no version.
        Gemini = "gemini",
        /// Mistral; its base URL ends in `/v1`.
        Mistral = "mistral",
        /// Ollama by its own dialect; its base URL has no `/api`.
        Ollama = "ollama",
        /// llama.cpp's server; its base URL has no `/v1`.
        LlamaCpp = "llama-cpp",
        /// The model inside this binary.
        Embedded = "embedded",
    }
}

labels! {
    /// What kind of work a request is, told from its shape and headers.
    Task, "task" {
        /// Code at a cursor.
        Completion = "completion",
        /// A conversation without tools.
        Chat = "chat",
        /// A step of an agent with tools.
        AgentStep = "agent_step",
        /// A step of an agent that another agent started.
        SubagentStep = "subagent_step",
        /// What an assistant asks for beside its work: a title, a summary.
        Utility = "utility",
        /// Texts turned into vectors.
        Embedding = "embedding",
        /// A picture.
        Image = "image",
        /// Speech turned into text.
        Transcription = "transcription",
        /// Text turned into speech.
        Speech = "speech",
    }
}

labels! {
    /// What a rule looks for in a conversation.
    Signal, "signal" {
        /// A call that failed: its client says so, its result reads like an error, or has one of the patterns.
        Failure = "failure",
        /// Failures, each more severe than all before.
        Rising = "rising",
        /// The same call once more, with nothing changed in between; the same edit once more in any case.
        Repeated = "repeated",
        /// A call that no tool could take: its arguments are cut off, or its result has one of the patterns.
        Malformed = "malformed",
        /// Words of the user, once the model has spoken.
        UserSays = "user_says",
        /// Words in a tool's result.
        ResultSays = "result_says",
        /// The model declined: its provider says so, or its words have one of the patterns.
        Refusal = "refusal",
    }
}

labels! {
    /// What follows where a content rule fits. The model inside this program may be given anything: nothing leaves with it.
    #[derive(Default)]
    ContentAction, "content action" {
        /// It is a reason on record, and nothing else.
        #[default]
        Record = "record",
        /// The secrets are taken out of what is sent.
        Redact = "redact",
        /// Only the providers named may be sent it.
        Restrict = "restrict",
        /// No provider may be sent it.
        Refuse = "refuse",
    }
}

labels! {
    /// What an answer must hold to before it is delivered.
    GateKind, "kind of gate" {
        /// It parses: calls have whole arguments, and text is JSON where that was asked for.
        Json = "json",
        /// It holds to the schemas of its request besides.
        Schema = "schema",
        /// A command that reads it ends well.
        Command = "command",
    }
}

labels! {
    /// What a model may be able to do beside text.
    Capability, "capability" {
        /// Calling tools.
        Tools = "tools",
        /// Looking at pictures.
        Images = "images",
        /// Keeping to a JSON schema.
        JsonSchema = "json_schema",
        /// Reasoning before it answers.
        Reasoning = "reasoning",
    }
}

labels! {
    /// How a request, or one attempt at it, ended.
    Outcome, "outcome" {
        /// The answer is whole.
        Succeeded = "succeeded",
        /// The embedded model had nothing it was sure enough of; the answer is empty.
        Declined = "declined",
        /// An error came instead of an answer.
        Failed = "failed",
        /// No byte of an answer came in time.
        TimedOut = "timed_out",
        /// The answer broke off after it had begun.
        StreamFailed = "stream_failed",
        /// The client went away.
        Cancelled = "cancelled",
        /// Waymark itself refused the request; no upstream was asked.
        Refused = "refused",
        /// Waymark stopped before the answer was whole; how it ended upstream is not known.
        Interrupted = "interrupted",
    }
}

labels! {
    /// What followed an attempt.
    Next, "next step" {
        /// This attempt's outcome is the request's.
        Done = "done",
        /// The same deployment was asked again.
        Retry = "retry",
        /// Another one was asked as well, while this one was still silent.
        Hedge = "hedge",
        /// The same rung elsewhere was tried.
        Fallback = "fallback",
        /// The next rung was tried.
        Escalate = "escalate",
        /// A rung below was tried, since nothing from this one on answers.
        Descend = "descend",
        /// Nothing was left to try.
        Exhausted = "exhausted",
    }
}

impl Task {
    /// Whether it is a part of a conversation that goes on.
    pub const fn converses(self) -> bool {
        matches!(self, Self::Chat | Self::AgentStep | Self::SubagentStep)
    }
}

labels! {
    /// Why an attempt failed: what the provider said, or what was seen from here.
    Cause, "cause" {
        /// Too many requests or tokens for now.
        RateLimited = "rate_limited",
        /// What was paid for or granted is spent; waiting a moment does not help.
        QuotaExhausted = "quota_exhausted",
        /// The provider is there and has no room.
        Overloaded = "overloaded",
        /// The request is wrong, and so it is elsewhere.
        BadRequest = "bad_request",
        /// The conversation is longer than the model's context.
        ContextOverflow = "context_overflow",
        /// The provider's filter refused the content.
        ContentRefused = "content_refused",
        /// The provider does not take the key.
        Auth = "auth",
        /// The provider knows no such model, or does no such thing.
        NotFound = "not_found",
        /// The provider broke.
        ServerError = "server_error",
        /// The provider gave up waiting for its own.
        Timeout = "timeout",
        /// The provider's name leads nowhere.
        DnsFailed = "dns_failed",
        /// No connection came about.
        ConnectFailed = "connect_failed",
        /// No connection came about in time.
        ConnectTimeout = "connect_timeout",
        /// There was no agreement on an encrypted connection.
        TlsFailed = "tls_failed",
        /// Nothing came in time.
        FirstByteTimeout = "first_byte_timeout",
        /// The answer stopped coming.
        Stalled = "stalled",
        /// The connection broke off.
        BrokeOff = "broke_off",
        /// What came is no answer.
        NoAnswer = "no_answer",
        /// The call cannot be made as configured.
        Misconfigured = "misconfigured",
        /// The request cannot be said in the provider's dialect.
        NotConvertible = "not_convertible",
        /// The request's own time was up.
        Deadline = "deadline",
        /// It was not asked, since it has been failing.
        BreakerOpen = "breaker_open",
        /// It was not asked, since as many calls as may be were under way.
        AtCapacity = "at_capacity",
        /// Another one answered first.
        HedgeLost = "hedge_lost",
        /// The client went away.
        Cancelled = "cancelled",
    }
}

impl Dialect {
    /// Whether it completes code at a cursor.
    pub const fn is_completion(self) -> bool {
        matches!(self, Self::OpenAiCompletions | Self::OllamaGenerate | Self::LlamaInfill | Self::MistralFim)
    }

    /// Whether it turns texts into vectors.
    pub const fn is_embedding(self) -> bool {
        matches!(self, Self::OpenAiEmbeddings | Self::OllamaEmbed | Self::GeminiEmbed)
    }

    /// Whether it carries conversations, which can be said in any other dialect that does.
    pub const fn is_conversation(self) -> bool {
        matches!(
            self,
            Self::OpenAiChat
                | Self::OpenAiResponses
                | Self::AnthropicMessages
                | Self::Gemini
                | Self::OllamaChat
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back_and_strangers_are_named() {
        for &outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
            assert_eq!(serde_json::to_string(&outcome).unwrap(), format!("\"{outcome}\""));
        }
        let error = "openai_chat".parse::<Dialect>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`openai_chat` is no dialect; known: openai-chat, openai-completions, openai-responses, \
             anthropic-messages, gemini, ollama-chat, ollama-generate, llama-infill, mistral-fim, \
             openai-embeddings, ollama-embed, gemini-embed, openai-images, openai-transcriptions, openai-speech"
        );
    }
}
