//! What a tool that the provider ran gave back, as text: other providers cannot run it, but the conversation goes on
//! from what it said.

use serde_json::Value;

/// A result, told.
pub(super) struct Told {
    /// In words.
    pub(super) text: String,
    /// The tool failed.
    pub(super) is_error: bool,
}

/// Tells the `content` of a `…_tool_result` block.
pub(super) fn result(content: &str) -> Told {
    let content: Value = serde_json::from_str(content).unwrap_or(Value::Null);
    let (mut lines, mut is_error) = (Vec::new(), false);
    tell(&content, &mut lines, &mut is_error);
    Told { text: lines.join("\n"), is_error }
}

/// Adds what a value says. Results nest at most a few times: a list of blocks, a page with its document, that
/// document's source.
fn tell(value: &Value, lines: &mut Vec<String>, is_error: &mut bool) {
    match value {
        Value::String(text) => lines.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| tell(one, lines, is_error)),
        Value::Object(map) => {
            if let Some(code) = map.get("error_code").and_then(Value::as_str) {
                *is_error = true;
                lines.push(format!("error: {code}"));
            }
            // What identifies a result, then what it says. Opaque data is left out.
            for key in ["title", "url", "tool_name", "text", "stdout", "stderr", "data"] {
                let text = map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
                let opaque = key == "data" && map.get("type").and_then(Value::as_str) != Some("text");
                lines.extend(text.filter(|_| !opaque).map(str::to_owned));
            }
            if let Some(code) = map.get("return_code").and_then(Value::as_i64).filter(|code| *code != 0) {
                *is_error = true;
                lines.push(format!("return code: {code}"));
            }
            for key in ["content", "source", "tool_references", "lines"] {
                if let Some(inner) = map.get(key) {
                    tell(inner, lines, is_error);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_result_is_told() {
        let search = r#"[{"type":"web_search_result","title":"Book","url":"https://a.example","encrypted_content":"x"}]"#;
        assert_eq!(result(search).text, "Book\nhttps://a.example");
        let page = r#"{"type":"web_fetch_result","url":"https://b.example","content":{"type":"document",
            "source":{"type":"text","media_type":"text/plain","data":"the page"}}}"#;
        assert_eq!(result(page).text, "https://b.example\nthe page");
        let pdf = r#"{"content":{"type":"document","source":{"type":"base64","data":"AAAA"}}}"#;
        assert_eq!(result(pdf).text, "");
        let run = result(
            r#"{"type":"code_execution_result","stdout":"out","stderr":"bad","return_code":2,"content":[]}"#,
        );
        assert_eq!((run.text.as_str(), run.is_error), ("out\nbad\nreturn code: 2", true));
        let error = result(r#"{"type":"web_search_tool_result_error","error_code":"max_uses_exceeded"}"#);
        assert_eq!((error.text.as_str(), error.is_error), ("error: max_uses_exceeded", true));
        assert_eq!(result("").text, "");
    }
}
