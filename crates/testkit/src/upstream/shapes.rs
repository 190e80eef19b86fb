//! The fields that providers' messages have, as their references list them.

use serde_json::Value;

/// A message's name and its fields, each with what it holds: another message, or one of the types that
/// [`mistyped`] knows, or anything. Lists and maps of messages are not told apart from messages.
type Shapes = &'static [(&'static str, &'static [(&'static str, &'static str)])];

/// Anything at all.
const ANY: &str = "";

pub(super) const GEMINI: Shapes = &[
    (
        "GenerateContentRequest",
        &[
            ("model", ANY),
            ("contents", "Content"),
            ("tools", "Tool"),
            ("toolConfig", "ToolConfig"),
            ("safetySettings", ANY),
            ("systemInstruction", "Content"),
            ("generationConfig", "GenerationConfig"),
            ("cachedContent", ANY),
            ("serviceTier", ANY),
            ("store", ANY),
        ],
    ),
    ("CountTokensRequest", &[("contents", "Content"), ("generateContentRequest", "GenerateContentRequest")]),
    ("BatchEmbedContentsRequest", &[("requests", "EmbedContentRequest")]),
    (
        "EmbedContentRequest",
        &[
            ("model", ANY),
            ("content", "Content"),
            ("taskType", ANY),
            ("title", ANY),
            ("outputDimensionality", ANY),
        ],
    ),
    ("Content", &[("role", ANY), ("parts", "Part")]),
    (
        "Part",
        &[
            ("text", ANY),
            ("thought", ANY),
            ("thoughtSignature", ANY),
            ("inlineData", "Blob"),
            ("fileData", "FileData"),
            ("functionCall", "FunctionCall"),
            ("functionResponse", "FunctionResponse"),
            ("executableCode", ANY),
            ("codeExecutionResult", ANY),
            ("partMetadata", ANY),
            ("videoMetadata", ANY),
            ("mediaResolution", ANY),
        ],
    ),
    ("Blob", &[("mimeType", ANY), ("data", ANY)]),
    ("FileData", &[("mimeType", ANY), ("fileUri", ANY)]),
    ("FunctionCall", &[("id", ANY), ("name", ANY), ("args", ANY)]),
    (
        "FunctionResponse",
        &[
            ("id", ANY),
            ("name", ANY),
            ("response", ANY),
            ("parts", ANY),
            ("willContinue", ANY),
            ("scheduling", ANY),
        ],
    ),
    (
        "Tool",
        &[
            ("functionDeclarations", "FunctionDeclaration"),
            ("googleSearch", ANY),
            ("googleSearchRetrieval", ANY),
            ("googleMaps", ANY),
            ("codeExecution", ANY),
            ("computerUse", ANY),
            ("urlContext", ANY),
            ("fileSearch", ANY),
        ],
    ),
    (
        "FunctionDeclaration",
        &[
            ("name", ANY),
            ("description", ANY),
            ("behavior", ANY),
            ("parameters", "Schema"),
            ("parametersJsonSchema", ANY),
            ("response", "Schema"),
            ("responseJsonSchema", ANY),
        ],
    ),
    ("ToolConfig", &[("functionCallingConfig", "FunctionCallingConfig"), ("retrievalConfig", ANY)]),
    ("FunctionCallingConfig", &[("mode", ANY), ("allowedFunctionNames", ANY)]),
    (
        "Schema",
        &[
            ("type", ANY),
            ("format", ANY),
            ("title", ANY),
            ("description", ANY),
            ("nullable", ANY),
            ("enum", ANY),
            ("items", "Schema"),
            ("minItems", ANY),
            ("maxItems", ANY),
            ("properties", "Schemas"),
            ("required", ANY),
            ("minProperties", ANY),
            ("maxProperties", ANY),
            ("minLength", ANY),
            ("maxLength", ANY),
            ("pattern", ANY),
            ("example", ANY),
            ("anyOf", "Schema"),
            ("propertyOrdering", ANY),
            ("default", ANY),
            ("minimum", ANY),
            ("maximum", ANY),
        ],
    ),
    ("Schemas", &[("*", "Schema")]),
    (
        "GenerationConfig",
        &[
            ("stopSequences", ANY),
            ("responseMimeType", ANY),
            ("responseSchema", "Schema"),
            ("responseJsonSchema", ANY),
            ("responseModalities", ANY),
            ("candidateCount", ANY),
            ("maxOutputTokens", ANY),
            ("temperature", ANY),
            ("topP", ANY),
            ("topK", ANY),
            ("seed", ANY),
            ("presencePenalty", ANY),
            ("frequencyPenalty", ANY),
            ("responseLogprobs", ANY),
            ("logprobs", ANY),
            ("speechConfig", ANY),
            ("imageConfig", ANY),
            ("mediaResolution", ANY),
            ("thinkingConfig", "ThinkingConfig"),
        ],
    ),
    ("ThinkingConfig", &[("includeThoughts", ANY), ("thinkingBudget", ANY), ("thinkingLevel", ANY)]),
];

pub(super) const MISTRAL: Shapes = &[
    (
        "ChatCompletionRequest",
        &[
            ("model", ANY),
            ("messages", "Message"),
            ("temperature", ANY),
            ("top_p", ANY),
            ("max_tokens", ANY),
            ("min_tokens", ANY),
            ("stream", ANY),
            ("stream_options", ANY),
            ("stop", ANY),
            ("random_seed", ANY),
            ("metadata", ANY),
            ("response_format", ANY),
            ("tools", "Tool"),
            ("tool_choice", ANY),
            ("presence_penalty", ANY),
            ("frequency_penalty", ANY),
            ("repetition_penalty", ANY),
            ("top_k", ANY),
            ("logprobs", ANY),
            ("top_logprobs", ANY),
            ("n", ANY),
            ("prediction", ANY),
            ("parallel_tool_calls", ANY),
            ("reasoning_effort", ANY),
            ("prompt_mode", ANY),
            ("prompt_cache_key", ANY),
            ("guardrails", ANY),
            ("service_tier", ANY),
            ("safe_prompt", ANY),
        ],
    ),
    (
        "Message",
        &[
            ("role", ANY),
            ("content", ANY),
            ("tool_calls", "ToolCall"),
            ("prefix", ANY),
            ("tool_call_id", ANY),
            ("name", ANY),
        ],
    ),
    ("ToolCall", &[("id", ANY), ("type", ANY), ("index", ANY), ("function", "FunctionCall")]),
    ("FunctionCall", &[("name", ANY), ("arguments", ANY)]),
    ("Tool", &[("type", ANY), ("function", "Function")]),
    ("Function", &[("name", ANY), ("description", ANY), ("strict", ANY), ("parameters", ANY)]),
    (
        "FIMCompletionRequest",
        &[
            ("model", ANY),
            ("prompt", ANY),
            ("suffix", ANY),
            ("temperature", ANY),
            ("top_p", ANY),
            ("max_tokens", ANY),
            ("min_tokens", ANY),
            ("stream", ANY),
            ("stop", ANY),
            ("random_seed", ANY),
            ("metadata", ANY),
            ("prompt_cache_key", ANY),
        ],
    ),
    (
        "EmbeddingRequest",
        &[
            ("model", ANY),
            ("input", ANY),
            ("metadata", ANY),
            ("output_dimension", ANY),
            ("output_dtype", ANY),
            ("encoding_format", ANY),
        ],
    ),
];

const TEXT: &str = "text";
const TEXTS: &str = "texts";
const FLAG: &str = "flag";
const MAP: &str = "map";

pub(super) const OLLAMA: Shapes = &[
    (
        "Request",
        &[
            ("model", TEXT),
            ("prompt", TEXT),
            ("suffix", TEXT),
            ("system", TEXT),
            ("messages", "Message"),
            ("tools", "Tool"),
            ("images", TEXTS),
            ("stream", FLAG),
            ("options", MAP),
        ],
    ),
    (
        "Message",
        &[
            ("role", TEXT),
            ("content", TEXT),
            ("thinking", TEXT),
            ("images", TEXTS),
            ("tool_calls", "ToolCall"),
            ("tool_name", TEXT),
            ("tool_call_id", TEXT),
        ],
    ),
    ("ToolCall", &[("id", TEXT), ("function", "ToolCallFunction")]),
    ("ToolCallFunction", &[("name", TEXT), ("arguments", MAP)]),
    ("Tool", &[("type", TEXT), ("function", "ToolFunction")]),
    ("ToolFunction", &[("name", TEXT), ("description", TEXT), ("parameters", "ToolFunctionParameters")]),
    ("ToolFunctionParameters", &[("type", TEXT), ("required", TEXTS), ("properties", "ToolProperties")]),
    ("ToolProperties", &[("*", "ToolProperty")]),
    ("ToolProperty", &[("description", TEXT)]),
];

/// The first field that a message does not have, and where; names may also be written with underscores.
pub(super) fn unknown(shapes: Shapes, shape: &str, value: &Value) -> Option<(String, String)> {
    walk(shapes, shape, value, "", &mut |field, place, known, _| {
        known.is_none().then(|| (field.to_owned(), place.to_owned()))
    })
}

/// Where the first field of a wrong type is.
pub(super) fn mistyped(shapes: Shapes, shape: &str, value: &Value) -> Option<String> {
    walk(shapes, shape, value, "", &mut |field, place, known, value| {
        let is_text = |value: &Value| value.is_string();
        let fits = match known {
            _ if value.is_null() => true,
            Some(TEXT) => is_text(value),
            Some(TEXTS) => value.as_array().is_some_and(|texts| texts.iter().all(is_text)),
            Some(FLAG) => value.is_boolean(),
            Some(MAP) => value.is_object(),
            Some(ANY) | None => true,
            Some(_) => value.is_object() || value.is_array(),
        };
        (!fits).then(|| format!("{shape}{}.{field}", place.strip_prefix('.').unwrap_or(place)))
    })
}

/// Shows every field of a message, and of those inside it, with what it should hold, until something is found.
fn walk<T>(
    shapes: Shapes,
    shape: &str,
    value: &Value,
    place: &str,
    look: &mut impl FnMut(&str, &str, Option<&str>, &Value) -> Option<T>,
) -> Option<T> {
    if let Value::Array(values) = value {
        return values
            .iter()
            .enumerate()
            .find_map(|(at, value)| walk(shapes, shape, value, &format!("{place}[{at}]"), look));
    }
    let fields = shapes.iter().find(|(name, _)| *name == shape).map(|(_, fields)| *fields)?;
    value.as_object()?.iter().find_map(|(field, value)| {
        let plain = field.replace('_', "").to_lowercase();
        let is_it =
            |name: &str| name == "*" || name == field || name.replace('_', "").to_lowercase() == plain;
        let known = fields.iter().find(|(name, _)| is_it(name)).map(|(_, holds)| *holds);
        look(field, place, known, value).or_else(|| {
            let dot = if place.is_empty() { "" } else { "." };
            walk(shapes, known?, value, &format!("{place}{dot}{field}"), look)
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_are_found_wherever_they_are() {
        let asked = |body: Value| unknown(GEMINI, "GenerateContentRequest", &body);
        let part = json!({"contents": [{"role": "user", "parts": [{"inline_data": {"mimeType": "a/b", "data": ""}}]}]});
        assert_eq!(asked(part), None);
        let strange = json!({"contents": [{"parts": [{"text": "a"}, {"txt": "b"}]}]});
        assert_eq!(asked(strange), Some(("txt".into(), "contents[0].parts[1]".into())));
        let schema =
            json!({"type": "OBJECT", "properties": {"a": {"type": "STRING", "additionalProperties": false}}});
        let tools = json!({"tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]});
        let place = "tools[0].functionDeclarations[0].parameters.properties.a";
        assert_eq!(asked(tools), Some(("additionalProperties".into(), place.into())));
        let limit = json!({"model": "m", "messages": [], "max_completion_tokens": 4});
        let found = unknown(MISTRAL, "ChatCompletionRequest", &limit);
        assert_eq!(found, Some(("max_completion_tokens".into(), String::new())));
    }

    #[test]
    fn types_are_insisted_on() {
        let asked = |body: Value| mistyped(OLLAMA, "Request", &body);
        assert_eq!(
            asked(json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "format": {}})),
            None
        );
        assert!(asked(json!({"messages": [{"role": "user", "content": [{"type": "text"}]}]})).is_some());
        let call = |arguments: Value| json!({"messages": [{"tool_calls": [{"function": {"arguments": arguments}}]}]});
        assert_eq!(asked(call(json!({"a": 1}))), None);
        assert!(asked(call(json!("{\"a\": 1}"))).is_some());
    }
}
