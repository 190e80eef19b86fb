//! `:countTokens`, whose request holds another.

use serde::Serialize;
use serde_json::json;

use super::model::Model;
use super::{read, wire, write};
use crate::json::Fields;
use crate::neutral::{Loss, Prompt, Unsayable};
use crate::request::ParseError;

/// Reads a request to count: bare contents, or a whole request for an answer.
pub fn read(body: &[u8]) -> Result<Prompt, ParseError> {
    read::prompt(body)
}

/// Writes a request to count for the model named `model`.
pub fn write(prompt: &Prompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        generate_content_request: write::Body,
    }
    let model = Model::named(model);
    let mut body = write::body(prompt, &model, losses)?;
    body.model = Some(format!("models/{}", model.name));
    Ok(wire::bytes(&Counted { generate_content_request: body }))
}

/// Reads the count out of an answer.
pub fn read_answer(body: &[u8]) -> Result<u64, ParseError> {
    // A count of zero is left out.
    Ok(Fields::read(body)?.count("totalTokens")?.unwrap_or(0))
}

/// Writes an answer.
pub fn write_answer(tokens: u64) -> Vec<u8> {
    json!({ "totalTokens": tokens }).to_string().into_bytes()
}
