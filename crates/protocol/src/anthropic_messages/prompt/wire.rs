//! What is written: blocks and messages as they go over the wire.

use serde::Serialize;
use serde_json::value::RawValue;

use super::media::Source;
use crate::crossing::lose;
use crate::neutral::{CacheMark, Loss};

/// A cache breakpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Cache {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
}

impl Cache {
    /// Writes a mark; only two lifetimes are known.
    pub(super) fn of(mark: Option<&CacheMark>, losses: &mut Vec<Loss>) -> Option<Self> {
        let ttl = mark?.ttl.clone().filter(|ttl| matches!(ttl.as_str(), "5m" | "1h"));
        if ttl.is_none() && mark?.ttl.is_some() {
            lose(losses, "cache_ttl");
        }
        Some(Self { kind: "ephemeral", ttl })
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Text {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Cache>,
    },
    Image {
        source: Source,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Cache>,
    },
    Document {
        source: Source,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Cache>,
    },
    ToolUse {
        id: String,
        name: String,
        input: Box<RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Cache>,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Cache>,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
}

impl Block {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }

    /// Where its breakpoint is, if it can have one.
    pub(super) fn cache(&mut self) -> Option<&mut Option<Cache>> {
        match self {
            Self::Text { cache_control, .. }
            | Self::Image { cache_control, .. }
            | Self::Document { cache_control, .. }
            | Self::ToolUse { cache_control, .. }
            | Self::ToolResult { cache_control, .. } => Some(cache_control),
            Self::Thinking { .. } | Self::RedactedThinking { .. } => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speaker {
    User,
    Assistant,
    System,
}

#[derive(Debug, Serialize)]
pub(super) struct Message {
    pub(super) role: Speaker,
    pub(super) content: Vec<Block>,
}
