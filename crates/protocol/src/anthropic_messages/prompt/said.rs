//! What is said, as it comes: messages and their blocks, each kind with the fields that are read.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::media::Source;
use crate::neutral::CacheMark;

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    pub(super) role: String,
    #[serde(default, borrow)]
    pub(super) content: Option<&'a RawValue>,
    /// Instructions may be for one user's turn only.
    pub(super) clear_at: Option<String>,
    /// Instructions may set the effort from there on.
    pub(super) output_config: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct CacheControl {
    pub(super) ttl: Option<String>,
}

impl From<CacheControl> for CacheMark {
    fn from(cache: CacheControl) -> Self {
        Self { ttl: cache.ttl }
    }
}

#[derive(Deserialize)]
pub(super) struct Kind {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Deserialize)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) cache_control: Option<CacheControl>,
    pub(super) citations: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
pub(super) struct Picture {
    pub(super) source: Source,
    pub(super) cache_control: Option<CacheControl>,
}

#[derive(Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow)]
    pub(super) source: &'a RawValue,
    pub(super) title: Option<String>,
    pub(super) context: Option<String>,
    pub(super) citations: Option<Citations>,
    pub(super) cache_control: Option<CacheControl>,
}

#[derive(Deserialize)]
pub(super) struct Citations {
    #[serde(default)]
    pub(super) enabled: bool,
}

#[derive(Deserialize)]
pub(super) struct ToolUse<'a> {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default, borrow)]
    pub(super) input: Option<&'a RawValue>,
    pub(super) cache_control: Option<CacheControl>,
}

#[derive(Deserialize)]
pub(super) struct ToolResult<'a> {
    pub(super) tool_use_id: String,
    #[serde(default, borrow)]
    pub(super) content: Option<&'a RawValue>,
    pub(super) is_error: Option<bool>,
    pub(super) cache_control: Option<CacheControl>,
}

#[derive(Deserialize)]
pub(super) struct Thinking {
    pub(super) thinking: String,
    #[serde(default)]
    pub(super) signature: String,
}

#[derive(Deserialize)]
pub(super) struct Redacted {
    pub(super) data: String,
}

#[derive(Deserialize)]
pub(super) struct SearchResult<'a> {
    pub(super) title: Option<String>,
    pub(super) source: Option<String>,
    #[serde(borrow)]
    pub(super) content: &'a RawValue,
    pub(super) citations: Option<Citations>,
    pub(super) cache_control: Option<CacheControl>,
}

#[derive(Deserialize)]
pub(super) struct SystemBlock<'a> {
    #[serde(borrow)]
    pub(super) content: &'a RawValue,
}

#[derive(Deserialize)]
pub(super) struct Compaction {
    pub(super) content: Option<String>,
    pub(super) cache_control: Option<CacheControl>,
}
