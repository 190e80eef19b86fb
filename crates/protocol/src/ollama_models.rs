//! Ollama's endpoints that only tell what there is: `GET /api/version`, `GET /api/tags`, `POST /api/show`.
//!
//! Clients ask them before they ask a model, and some cannot read an answer that leaves a field out: every field is
//! there, and what nobody knows is empty or nought.

use serde::Deserialize;
use serde_json::{Value, json};
use waymark_types::Timestamp;

use crate::request::ParseError;

/// The version of Ollama whose endpoints these are. Clients refuse versions too old for what they need.
pub const VERSION: &str = "0.13.0";

/// A model, as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    /// The name clients ask for.
    pub name: String,
    /// Since when it is there.
    pub modified: Timestamp,
    /// The family of models it belongs to.
    pub family: String,
    /// How many parameters it has, as people say it: `7B`.
    pub parameter_size: Option<String>,
    /// The most tokens that it reads and writes at once.
    pub context_length: Option<u64>,
    /// What it can do.
    pub abilities: Vec<Ability>,
}

/// What a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Answer.
    Completion,
    /// Complete code between two sides.
    Insert,
    /// Call tools.
    Tools,
    /// See pictures.
    Vision,
    /// Reason first.
    Thinking,
    /// Turn texts into vectors.
    Embedding,
}

impl Ability {
    fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Insert => "insert",
            Self::Tools => "tools",
            Self::Vision => "vision",
            Self::Thinking => "thinking",
            Self::Embedding => "embedding",
        }
    }
}

/// What `/api/show` is asked.
#[derive(Deserialize)]
struct Show {
    model: Option<String>,
    /// The older word.
    name: Option<String>,
}

/// The body of `GET /api/version`.
pub fn version_body() -> Vec<u8> {
    json!({ "version": VERSION }).to_string().into_bytes()
}

/// The body of `GET /api/tags`.
pub fn tags_body(models: &[ListedModel]) -> Vec<u8> {
    json!({ "models": models.iter().map(listed).collect::<Vec<_>>() }).to_string().into_bytes()
}

/// The name of the model that `POST /api/show` asks about.
pub fn show_request(body: &[u8]) -> Result<String, ParseError> {
    crate::request::is_object(body)?;
    let show: Show = serde_json::from_slice(body)?;
    show.model.or(show.name).filter(|name| !name.is_empty()).ok_or_else(|| ParseError::Field {
        field: "model",
        problem: "missing; send the name of a model".to_owned(),
    })
}

/// The body of `POST /api/show`.
pub fn show_body(model: &ListedModel) -> Vec<u8> {
    // Clients look into the template for whether a model takes code behind the cursor.
    let template = match model.abilities.contains(&Ability::Insert) {
        true => "{{ .Prompt }}{{ .Suffix }}",
        false => "{{ .Prompt }}",
    };
    let context = model.context_length;
    let mut info = json!({"general.architecture": model.family, "general.basename": model.name});
    if let Some(context) = context {
        info[format!("{}.context_length", model.family)] = context.into();
    }
    json!({
        "license": "",
        "modelfile": "",
        "parameters": context.map(|context| format!("num_ctx {context}")).unwrap_or_default(),
        "template": template,
        "system": "",
        "details": details(model),
        "messages": [],
        "model_info": info,
        "capabilities": model.abilities.iter().map(|ability| ability.as_str()).collect::<Vec<_>>(),
        "modified_at": model.modified.to_string(),
    })
    .to_string()
    .into_bytes()
}

/// The name of a model without the tag that Ollama's clients put behind names that have none.
pub fn plain_name(name: &str) -> &str {
    name.strip_suffix(":latest").unwrap_or(name)
}

fn listed(model: &ListedModel) -> Value {
    json!({
        "name": model.name,
        "model": model.name,
        "modified_at": model.modified.to_string(),
        "size": 0,
        // Clients show its first letters.
        "digest": "0".repeat(64),
        "details": details(model),
    })
}

fn details(model: &ListedModel) -> Value {
    json!({
        "parent_model": "",
        "format": "",
        "family": model.family,
        "families": [model.family],
        "parameter_size": model.parameter_size.as_deref().unwrap_or_default(),
        "quantization_level": "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> ListedModel {
        ListedModel {
            name: "auto".to_owned(),
            modified: Timestamp::from_micros(1_795_449_600_000_000),
            family: "waymark".to_owned(),
            parameter_size: None,
            context_length: Some(131_072),
            abilities: vec![Ability::Completion, Ability::Tools, Ability::Insert],
        }
    }

    /// The types in which Zed reads a list; none of these fields may be missing or null.
    #[derive(Deserialize)]
    struct Tags {
        models: Vec<Tag>,
    }

    #[derive(Deserialize)]
    struct Tag {
        name: String,
        modified_at: String,
        size: u64,
        digest: String,
        details: Details,
    }

    #[derive(Deserialize)]
    struct Details {
        format: String,
        family: String,
        families: Option<Vec<String>>,
        parameter_size: String,
        quantization_level: String,
    }

    #[test]
    fn lists_have_what_typed_clients_need() {
        let tags: Tags = serde_json::from_slice(&tags_body(&[model()])).unwrap();
        let [tag] = &tags.models[..] else { panic!("one model") };
        assert_eq!((tag.name.as_str(), tag.size, tag.digest.len()), ("auto", 0, 64));
        // Python's client reads it as a date.
        assert!(tag.modified_at.parse::<Timestamp>().is_ok());
        let details = &tag.details;
        assert_eq!(
            (details.family.as_str(), details.families.as_deref().map(<[_]>::len)),
            ("waymark", Some(1))
        );
        assert!(
            [&details.format, &details.parameter_size, &details.quantization_level]
                .iter()
                .all(|text| text.is_empty())
        );
        assert_eq!(tags_body(&[]), br#"{"models":[]}"#);
    }

    #[test]
    fn clients_learn_what_a_model_can_do() {
        let show: Value = serde_json::from_slice(&show_body(&model())).unwrap();
        assert_eq!(show["capabilities"], json!(["completion", "tools", "insert"]));
        // Continue takes a template with this word for code completion, and the context's length from a parameter.
        assert!(show["template"].as_str().unwrap().contains(".Suffix"));
        assert_eq!(show["parameters"], "num_ctx 131072");
        // Others find it by the architecture.
        let architecture = show["model_info"]["general.architecture"].as_str().unwrap();
        assert_eq!(show["model_info"][format!("{architecture}.context_length")], 131_072);
        let plain = ListedModel { abilities: vec![Ability::Completion], context_length: None, ..model() };
        let show: Value = serde_json::from_slice(&show_body(&plain)).unwrap();
        assert_eq!((&show["parameters"], &show["template"]), (&json!(""), &json!("{{ .Prompt }}")));
    }

    #[test]
    fn models_are_asked_for_by_either_word() {
        assert_eq!(show_request(br#"{"model":"auto"}"#).unwrap(), "auto");
        assert_eq!(show_request(br#"{"name":"auto:latest","verbose":true}"#).unwrap(), "auto:latest");
        assert!(show_request(br#"{"model":""}"#).is_err());
        assert_eq!((plain_name("auto:latest"), plain_name("qwen:7b")), ("auto", "qwen:7b"));
        assert_eq!(version_body(), format!("{{\"version\":\"{VERSION}\"}}").into_bytes());
    }
}
