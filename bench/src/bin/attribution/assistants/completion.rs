//! Completions at a cursor, in the shapes in which editors ask for them.

use serde_json::json;

use super::turn::{Turn, joined};
use super::{Answer, Asked, header};
use crate::human::comment;

/// So many lines before and after the cursor are sent.
const WINDOW: usize = 60;

/// Whether the cursor stands behind the indentation of the first line, which then is the person's.
pub(crate) fn is_behind_indentation(turn: &Turn) -> bool {
    turn.style.is_multiple_of(2)
}

pub(super) fn asks(turn: &Turn, model: &str) -> Asked {
    let at = turn.pieces.first().map_or(0, |piece| piece.at.start);
    let (first, last) = (at.saturating_sub(WINDOW), (at + WINDOW).min(turn.before.len()));
    let (before, after) = (joined(&turn.before[first..at]), joined(&turn.before[at..last]));
    let before = if is_behind_indentation(turn) { before + indentation(turn) } else { before };
    let named = format!("{} Path: {}\n{before}", comment(&turn.path), turn.path);
    let after = format!("\n{after}");
    let stream = (turn.style / 2).is_multiple_of(2);
    let (path, body) = match turn.style / 4 % 3 {
        _ if model.starts_with("coder") => (
            "/v1/fim/completions",
            json!({"model": model, "prompt": named, "suffix": after, "max_tokens": 256, "stream": stream}),
        ),
        0 => (
            "/v1/completions",
            json!({"model": model, "prompt": named, "suffix": after, "max_tokens": 256, "stream": stream}),
        ),
        1 => (
            "/infill",
            json!({"model": model, "input_prefix": before, "input_suffix": after, "prompt": "", "n_predict": 256,
                "stream": stream, "input_extra": [{"filename": turn.path, "text": turn.text()}]}),
        ),
        _ => (
            "/v1/completions",
            json!({"model": model, "max_tokens": 256, "stream": stream,
                "prompt": format!("<|fim_prefix|>{named}<|fim_suffix|>{after}<|fim_middle|>")}),
        ),
    };
    let headers = vec![
        header("authorization", "Bearer client-key"),
        header("user-agent", "an-editor/1.0"),
        header("x-waymark-repository", &turn.repository),
    ];
    Asked { path, headers, body }
}

/// The lines that are added.
pub(super) fn completes(turn: &Turn) -> Answer {
    let text = turn.pieces.first().map(|piece| piece.added.join("\n")).unwrap_or_default();
    let indentation = if is_behind_indentation(turn) { indentation(turn) } else { "" };
    Answer::Text(text.strip_prefix(indentation).unwrap_or(&text).to_owned())
}

/// What the first line is indented with.
fn indentation(turn: &Turn) -> &str {
    let first = turn.pieces.first().and_then(|piece| piece.added.first()).map_or("", String::as_str);
    &first[..first.len() - first.trim_start().len()]
}
