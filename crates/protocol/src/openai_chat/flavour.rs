//! How servers that are not OpenAI's spell a request.
//!
//! Most know only `max_tokens`, and some take no notice of `max_completion_tokens`, so that nothing would limit the
//! answer. Mistral refuses every field that its reference does not have, and tool call ids that are not nine letters
//! or digits.

use serde_json::{Map, Value};

use crate::crossing::hash;
use crate::crossing::lose;
use crate::neutral::{Flavour, Loss};

/// Puts a request into the words of those who will read it.
pub(super) fn season(body: &mut Map<String, Value>, flavour: Flavour, losses: &mut Vec<Loss>) {
    if flavour == Flavour::Original {
        return;
    }
    rename(body, "max_completion_tokens", "max_tokens");
    if flavour == Flavour::Mistral {
        mistral(body, losses);
    }
}

fn mistral(body: &mut Map<String, Value>, losses: &mut Vec<Loss>) {
    rename(body, "seed", "random_seed");
    // Usage is always stated.
    body.remove("stream_options");
    if body.remove("user").is_some() {
        lose(losses, "user");
    }
    if let Some(Value::String(effort)) = body.get_mut("reasoning_effort")
        && !matches!(effort.as_str(), "none" | "high")
    {
        // There are no steps between.
        *effort = if matches!(effort.as_str(), "minimal" | "low") { "none" } else { "high" }.to_owned();
        lose(losses, "reasoning_effort");
    }
    for message in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        for field in ["reasoning_content", "reasoning_details", "refusal", "name"] {
            if message
                .as_object_mut()
                .and_then(|message| message.remove(field))
                .is_some_and(|said| !said.is_null())
            {
                lose(losses, field);
            }
        }
        message.get_mut("tool_call_id").map(shorten);
        for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            call.get_mut("id").map(shorten);
        }
    }
}

fn rename(body: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = body.remove(from) {
        body.insert(to.to_owned(), value);
    }
}

/// Gives a tool call an id that Mistral takes: the same for the call and for its result, in every request.
fn shorten(id: &mut Value) {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let Value::String(id) = id else { return };
    if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return;
    }
    let mut hash = hash(id.as_bytes());
    *id = (0..9)
        .map(|_| {
            let letter = LETTERS[(hash % 36) as usize];
            hash /= 36;
            char::from(letter)
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seasoned(flavour: Flavour) -> (Value, Vec<String>) {
        let Value::Object(mut body) = json!({
            "max_completion_tokens": 9, "seed": 7, "user": "u", "reasoning_effort": "low",
            "stream": true, "stream_options": {"include_usage": true},
            "messages": [
                {"role": "assistant", "reasoning_content": "so", "tool_calls": [{"id": "call_abc"}, {"id": "D681PevKs"}]},
                {"role": "tool", "tool_call_id": "call_abc", "content": "1"},
            ],
        }) else {
            panic!("an object")
        };
        let mut losses = Vec::new();
        season(&mut body, flavour, &mut losses);
        (body.into(), losses.into_iter().map(|loss| loss.code).collect())
    }

    #[test]
    fn imitators_get_the_limit_they_know() {
        let (body, lost) = seasoned(Flavour::Imitation);
        assert_eq!((&body["max_tokens"], &body["seed"], lost), (&json!(9), &json!(7), Vec::<String>::new()));
        assert!(body.get("max_completion_tokens").is_none());
        assert_eq!(seasoned(Flavour::Original).0["max_completion_tokens"], 9);
    }

    #[test]
    fn mistral_gets_nothing_it_refuses() {
        let (body, lost) = seasoned(Flavour::Mistral);
        assert_eq!((&body["random_seed"], &body["reasoning_effort"]), (&json!(7), &json!("none")));
        for gone in ["seed", "user", "stream_options", "max_completion_tokens"] {
            assert!(body.get(gone).is_none(), "{gone}");
        }
        assert_eq!(lost, ["user", "reasoning_effort", "reasoning_content"]);
        let calls = &body["messages"][0]["tool_calls"];
        let id = calls[0]["id"].as_str().unwrap();
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert_eq!(
            (&body["messages"][1]["tool_call_id"], &calls[1]["id"]),
            (&calls[0]["id"], &json!("D681PevKs"))
        );
    }
}
