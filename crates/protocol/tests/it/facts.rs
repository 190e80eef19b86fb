//! What must not be missing in a conversion, unless a loss says so.

use std::collections::BTreeSet;

use serde_json::Value;
use waymark_protocol::neutral::{Block, Media, OutputFormat, Prompt, ToolChoice};

/// A kind of thing said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Text,
    Thinking,
    Refusal,
    CallId,
    CallName,
    CallArguments,
    ResultText,
    ResultError,
    Media,
    ToolName,
    ToolDescription,
    SchemaDescription,
}

/// What was said.
pub(crate) type Facts = BTreeSet<(Kind, String)>;

/// What a request says.
pub(crate) fn of_prompt(prompt: &Prompt) -> Facts {
    let mut facts = of_blocks(&prompt.system);
    for turn in &prompt.turns {
        facts.extend(of_blocks(&turn.blocks));
    }
    // Tools that may not be called may as well be left out.
    let callable = prompt.tools.iter().filter(|_| prompt.tool_choice != Some(ToolChoice::None));
    for tool in callable {
        facts.insert((Kind::ToolName, tool.name.clone()));
        let mut described = BTreeSet::from_iter(tool.description.clone());
        sentences(&tool.parameters, &mut described);
        facts.extend(described.into_iter().map(|text| (Kind::ToolDescription, text)));
    }
    if let Some(OutputFormat::JsonSchema { description, schema, .. }) = &prompt.output {
        let mut described = BTreeSet::from_iter(description.clone());
        sentences(schema, &mut described);
        facts.extend(described.into_iter().map(|text| (Kind::SchemaDescription, text)));
    }
    facts
}

/// What blocks say.
pub(crate) fn of_blocks(blocks: &[Block]) -> Facts {
    let mut facts = Facts::new();
    for block in blocks {
        add(block, Kind::Text, &mut facts);
    }
    facts.retain(|(_, what)| !what.trim().is_empty());
    facts
}

fn add(block: &Block, text_kind: Kind, facts: &mut Facts) {
    match block {
        Block::Text { text, .. } => drop(facts.insert((text_kind, text.clone()))),
        Block::Thinking { text, .. } => drop(facts.insert((Kind::Thinking, text.clone()))),
        Block::Refusal { text } => drop(facts.insert((Kind::Refusal, text.clone()))),
        Block::RedactedThinking { .. } => {}
        Block::Image { media, .. } | Block::Document { media, .. } | Block::Audio { media } => {
            let (Media::Inline { data: what, .. } | Media::Url { url: what } | Media::Uploaded { id: what }) =
                media;
            facts.insert((Kind::Media, what.clone()));
        }
        Block::ToolCall { id, name, arguments, .. } => {
            facts.insert((Kind::CallId, id.clone()));
            facts.insert((Kind::CallName, name.clone()));
            // Two objects are the same whatever their white space and order.
            let parsed = serde_json::from_str::<Value>(arguments);
            let arguments = parsed.map_or_else(|_| arguments.clone(), |arguments| arguments.to_string());
            facts.insert((
                Kind::CallArguments,
                if arguments.is_empty() { "{}".to_owned() } else { arguments },
            ));
        }
        Block::ToolResult { id, content, is_error, .. } => {
            facts.insert((Kind::CallId, id.clone()));
            if *is_error {
                facts.insert((Kind::ResultError, id.clone()));
            }
            content.iter().for_each(|block| add(block, Kind::ResultText, facts));
        }
    }
}

/// What of `source` is missing in `target`. Texts may have been joined, refusals may have become text, and an id with
/// letters that some dialect has no place for may have been replaced, in the call and its result alike.
pub(crate) fn missing<'a>(source: &'a Facts, target: &Facts) -> Vec<&'a (Kind, String)> {
    let joined = |kinds: &[Kind]| {
        let texts = target.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, text)| text.as_str());
        texts.collect::<Vec<_>>().join("\n")
    };
    let found = |(kind, what): &(Kind, String)| match kind {
        Kind::Text => joined(&[Kind::Text]).contains(what.trim()),
        Kind::Thinking => joined(&[Kind::Thinking]).contains(what.trim()),
        Kind::Refusal => joined(&[Kind::Refusal, Kind::Text]).contains(what.trim()),
        Kind::ResultText => joined(&[Kind::ResultText, Kind::Text]).contains(what.trim()),
        Kind::ToolDescription => joined(&[Kind::ToolDescription]).contains(what.trim()),
        Kind::SchemaDescription => joined(&[Kind::SchemaDescription]).contains(what.trim()),
        Kind::CallId if !is_plain(what) => true,
        _ => target.contains(&(*kind, what.clone())),
    };
    source.iter().filter(|fact| !found(fact)).collect()
}

fn is_plain(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Every sentence in a request but for its tools: those that may not be called may be left out.
pub(crate) fn sentences_of_request(mut body: Value) -> BTreeSet<String> {
    leave_tools_out(&mut body);
    let mut found = BTreeSet::new();
    sentences(&body, &mut found);
    found
}

fn leave_tools_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !["tools", "functions"].contains(&name.as_str()));
            fields.values_mut().for_each(leave_tools_out);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_tools_out),
        _ => {}
    }
}

/// Every sentence in JSON: text with white space in it, wherever it stands. JSON within a text is JSON as well.
fn sentences(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| sentences(value, found)),
        Value::Array(items) => items.iter().for_each(|value| sentences(value, found)),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => sentences(&inner, found),
            _ if text.trim().contains(char::is_whitespace) => drop(found.insert(text.trim().to_owned())),
            _ => {}
        },
        _ => {}
    }
}
