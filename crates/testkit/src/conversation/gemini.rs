//! Gemini's contents.

use serde_json::Value;

use super::{Conversation, Tool, list, picture, text};
use crate::upstream::SIGNATURE;

/// What Google documents for calls that none of its models made.
const NO_PROOF: &str = "skip_thought_signature_validator";

pub(super) fn read(conversation: &mut Conversation, model: &str, body: &Value) -> Result<(), String> {
    for tool in list(body, "tools").flat_map(|tool| list(tool, "functionDeclarations")) {
        let parameters = tool.get("parametersJsonSchema").or(tool.get("parameters"));
        conversation.tools.push(Tool::bare(tool, parameters)?);
    }
    let settings = &body["generationConfig"];
    let schemas = [&settings["responseJsonSchema"], &settings["responseSchema"]];
    conversation.schema = schemas.into_iter().find(|schema| schema.is_object()).cloned();
    if conversation.schema.is_some() && settings["responseMimeType"] != "application/json" {
        return Err("a response schema is for `application/json` only".to_owned());
    }
    if list(body, "contents").next().is_none() {
        return Err("* GenerateContentRequest.contents: contents is not specified".to_owned());
    }
    for content in list(body, "contents") {
        if list(content, "parts").next().is_none() {
            return Err("contents.parts must not be empty.".to_owned());
        }
        match content["role"].as_str() {
            Some("model") => answered(conversation, model, content)?,
            Some("user") | None => said(conversation, content)?,
            Some(_) => return Err("Please use a valid role: user, model.".to_owned()),
        }
    }
    Ok(())
}

fn answered(conversation: &mut Conversation, model: &str, content: &Value) -> Result<(), String> {
    conversation.settled("a turn of the model's")?;
    let mut is_first = true;
    for part in list(content, "parts") {
        let Some(call) = part.get("functionCall") else { continue };
        if !call["args"].is_object() {
            return Err("function_call.args: not an object".to_owned());
        }
        match part["thoughtSignature"].as_str() {
            Some(NO_PROOF) => {}
            Some(signature) => conversation.thought(signature == SIGNATURE, part)?,
            None if is_first && model.starts_with("gemini-3") => {
                return Err("Function call is missing a thought_signature in functionCall parts.".to_owned());
            }
            None => {}
        }
        is_first = false;
        conversation.made(call["id"].as_str(), &call["name"])?;
    }
    Ok(())
}

fn said(conversation: &mut Conversation, content: &Value) -> Result<(), String> {
    let results: Vec<&Value> =
        list(content, "parts").filter_map(|part| part.get("functionResponse")).collect();
    if !results.is_empty() && results.len() != conversation.open.len() {
        return Err(
            "Please ensure that the number of function response parts is equal to the number of function \
            call parts of the function call turn."
                .to_owned(),
        );
    }
    for result in results {
        if !result["response"].is_object() {
            return Err("function_response.response: not an object".to_owned());
        }
        let fields = ["output", "result", "error"].map(|field| result["response"][field].as_str());
        let said = fields.into_iter().flatten().next().map(str::to_owned);
        let said = said.unwrap_or_else(|| result["response"].to_string());
        conversation.answer_by_name(&result["name"], result["id"].as_str(), said)?;
    }
    conversation.settled("the end of a user's turn")?;
    for picture in list(content, "parts").filter_map(|part| part.get("inlineData")) {
        conversation.pictures.push(picture::bytes_in_any_alphabet(&picture["data"])?);
    }
    conversation.asked.push_str(&text(&content["parts"]));
    Ok(())
}
