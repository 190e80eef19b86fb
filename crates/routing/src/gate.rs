//! Output gates: what an answer must hold to before it is delivered.

use std::collections::BTreeMap;

use serde_json::Value;
use waymark_types::GateKind;

/// What a request wants of its answer.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// The text must be JSON.
    pub json: bool,
    /// The schema that the text must hold to.
    pub schema: Option<&'a Value>,
    /// The tools there are, each with the schema of its arguments.
    pub tools: BTreeMap<&'a str, &'a Value>,
}

/// What an answer says.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// Its text.
    pub text: &'a str,
    /// The tools it calls, with their arguments.
    pub calls: &'a [(String, String)],
}

/// Whether an answer passes a gate that needs nothing but the answer and its request. A gate with a command is decided by the
/// command.
pub fn passes(kind: GateKind, wanted: &Wanted<'_>, answered: Answered<'_>) -> bool {
    match kind {
        GateKind::Json => parses(wanted, answered),
        GateKind::Schema => parses(wanted, answered) && holds(wanted, answered),
        GateKind::Command => true,
    }
}

/// Every call has an object for arguments and names a tool that there is, and a text that was to be JSON is.
fn parses(wanted: &Wanted<'_>, answered: Answered<'_>) -> bool {
    let call = |(name, arguments): &(String, String)| {
        let known = wanted.tools.is_empty() || wanted.tools.contains_key(name.as_str());
        known && arguments_of(arguments).is_some()
    };
    // An answer that calls tools is not done: its text is only by the way.
    let text = !wanted.json || !answered.calls.is_empty() || json(answered.text).is_some();
    text && answered.calls.iter().all(call)
}

/// Text and arguments hold to their schemas. What is no schema holds nothing.
fn holds(wanted: &Wanted<'_>, answered: Answered<'_>) -> bool {
    let holds = |schema: &Value, value: &Value| {
        jsonschema::validator_for(schema).map_or(true, |validator| validator.is_valid(value))
    };
    let text = match (wanted.schema, json(answered.text)) {
        (Some(schema), Some(value)) if answered.calls.is_empty() => holds(schema, &value),
        _ => true,
    };
    let call = |(name, arguments): &(String, String)| {
        let known = wanted.tools.get(name.as_str()).zip(arguments_of(arguments));
        known.is_none_or(|(schema, value)| holds(schema, &value))
    };
    text && answered.calls.iter().all(call)
}

/// A text that is JSON, or has nothing else in a fence.
fn json(text: &str) -> Option<Value> {
    let text = text.trim();
    let fenced = || {
        let inner = text.strip_prefix("```")?.strip_suffix("```")?;
        let (language, inner) = inner.split_once('\n')?;
        language.trim().chars().all(char::is_alphanumeric).then_some(inner)
    };
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(fenced()?).ok())
}

/// Arguments, which are an object; none at all are an empty one.
fn arguments_of(arguments: &str) -> Option<Value> {
    if arguments.trim().is_empty() {
        return Some(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_str(arguments).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(name: &str, arguments: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), arguments.to_owned())]
    }

    #[test]
    fn a_text_that_was_to_be_json_must_be() {
        let wanted = Wanted { json: true, ..Wanted::default() };
        let passes = |text| passes(GateKind::Json, &wanted, Answered { text, calls: &[] });
        for text in ["{}", " [1] ", "```json\n{\"a\": 1}\n```", "```\n{}\n```"] {
            assert!(passes(text), "{text}");
        }
        for text in ["", "Here it is: {}", "{\"a\": ", "```json\n{\n```"] {
            assert!(!passes(text), "{text}");
        }
        let prose = Answered { text: "Done.", calls: &[] };
        assert!(super::passes(GateKind::Schema, &Wanted::default(), prose), "nobody asked for JSON");
    }

    #[test]
    fn calls_must_be_whole_name_a_tool_and_hold_to_its_schema() {
        let schema =
            json!({"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}});
        let wanted = Wanted { tools: [("read", &schema)].into(), ..Wanted::default() };
        let passes = |kind, calls: &[(String, String)]| passes(kind, &wanted, Answered { text: "", calls });
        assert!(passes(GateKind::Schema, &call("read", r#"{"path": "a"}"#)));
        for (calls, parses) in [
            (call("read", r#"{"path": "#), false),
            (call("write", r#"{"path": "a"}"#), false),
            (call("read", "[]"), false),
            (call("read", r#"{"path": 1}"#), true),
            (call("read", ""), true),
        ] {
            assert_eq!(passes(GateKind::Json, &calls), parses, "{calls:?}");
            assert!(!passes(GateKind::Schema, &calls), "{calls:?}");
        }
    }

    #[test]
    fn a_text_must_hold_to_the_schema_that_was_asked_for() {
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]});
        let wanted = Wanted { json: true, schema: Some(&schema), ..Wanted::default() };
        let passes = |text| passes(GateKind::Schema, &wanted, Answered { text, calls: &[] });
        assert!(passes(r#"{"n": 1}"#));
        assert!(!passes(r#"{"n": 0}"#));
        assert!(!passes("{}"));
    }
}
