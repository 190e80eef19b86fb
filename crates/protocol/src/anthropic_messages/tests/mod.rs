//! Whole requests, answers and streams, as clients and the provider send them.

mod conversion;
mod looking_on;
mod replies;
mod requests;
mod streams;

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::AnthropicMessages;
use crate::dialogue::Dialogue;
use crate::neutral::{Loss, Prompt, Unsayable};

/// The bytes of a case.
fn case(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/anthropic_messages").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all cases that end so.
fn cases(end: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/anthropic_messages");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.filter_map(|name| name.into_string().ok()).collect();
    names.retain(|name| name.ends_with(end));
    names.sort();
    assert!(!names.is_empty());
    names
}

fn prompt(name: &str) -> Prompt {
    AnthropicMessages.read_prompt(&case(&format!("{name}.request.json"))).unwrap()
}

/// A request as it is written, and what was lost.
fn written(prompt: &Prompt, model: &str) -> Result<(Value, Vec<String>), Unsayable> {
    let mut losses = Vec::new();
    let body = AnthropicMessages.write_prompt(prompt, model, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), codes(&losses)))
}

fn codes(losses: &[Loss]) -> Vec<String> {
    losses.iter().map(|loss| loss.code.clone()).collect()
}

/// Any JSON, in the dialect's own words more often than not, so that readers get beyond the first field.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "type",
        "text",
        "content",
        "messages",
        "role",
        "user",
        "assistant",
        "system",
        "tools",
        "name",
        "id",
        "input",
        "source",
        "base64",
        "data",
        "url",
        "index",
        "delta",
        "usage",
        "message",
        "content_block",
        "tool_use",
        "tool_result",
        "tool_use_id",
        "thinking",
        "signature",
        "image",
        "document",
        "custom",
        "stop_reason",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
        "server_tool_use",
        "web_search_tool_result",
        "input_tokens",
        "refusal",
        "waymark:thinking:",
        "waymark:call:x",
        "mid_conv_system",
        "bash_20250124",
        "tool",
        "tool_choice",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>(),
                )
            }),
        ]
    })
}
