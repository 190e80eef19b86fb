//! What there is to ask for, told in the words of those who ask before they ask a model.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use waymark_protocol::ollama_models::{self, Ability, ListedModel};
use waymark_protocol::{ErrorKind, Fault};
use waymark_routing::{Model, PICKER, Policy};
use waymark_types::{Dialect, Task};

use crate::ingress::{dialect_of, json as reply, unread_response};
use crate::limits::{self, Key};
use crate::relay::{Head, error_response};
use crate::state::State;

/// Who wants a list.
struct Asking {
    state: Arc<State>,
    /// The virtual key they ask with.
    key: Option<Arc<Key>>,
}

impl Asking {
    /// Those whom nothing bars.
    fn of(state: Arc<State>, uri: &Uri, headers: &HeaderMap) -> Result<Self, Barred> {
        let secret = limits::presented(headers, uri.query());
        match limits::recognise(&state, secret.as_deref(), state.clock.now()) {
            (key, None) => Ok(Self { state, key }),
            (_, Some(fault)) => Err(Barred { dialect: dialect_of(uri.path(), headers), fault }),
        }
    }

    fn policy(&self) -> &Policy {
        &self.state.snapshot.policy
    }

    /// Every name they may ask for, with who answers to it: a route's owner is this server.
    fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let policy = self.policy();
        let terms = self.key.as_ref().map(|key| &key.terms);
        // A key that names neither routes nor models may have all of them.
        let terms = terms.filter(|terms| !terms.routes.is_empty() || !terms.models.is_empty());
        let routes = policy.routes.keys().map(|name| (name.as_str(), "waymark"));
        let routes = routes.filter(move |(name, _)| {
            terms.is_none_or(|terms| terms.routes.iter().any(|route| route == name))
        });
        let models = policy.models.iter().map(|(name, model)| (name.as_str(), model.provider.as_str()));
        let models = models.filter(move |(name, _)| {
            terms.is_none_or(|terms| terms.models.iter().any(|model| model == name))
        });
        routes.chain(models)
    }
}

/// Who gets no list, and why.
struct Barred {
    dialect: Dialect,
    fault: Fault,
}

impl Barred {
    fn answer(&self) -> Response {
        error_response(self.dialect, &self.fault, None, None)
    }
}

/// Every name for clients whose pickers show only what is called as Anthropic's models are: any other comes once more in
/// a form that they show.
fn names_for_pickers(asking: &Asking) -> Vec<String> {
    let shown = |name: &str| ["claude", "anthropic"].iter().any(|start| name.starts_with(start));
    let forms = |name: &str| {
        let form = (!shown(name)).then(|| format!("{PICKER}{name}"));
        std::iter::once(name.to_owned()).chain(form)
    };
    asking.names().flat_map(|(name, _)| forms(name)).collect()
}

/// `GET /v1/models`: routes and models, in the shape of the client's own provider, told by its headers.
pub(crate) async fn models(Shared(state): Shared<Arc<State>>, uri: Uri, headers: HeaderMap) -> Response {
    let asking = match Asking::of(state, &uri, &headers) {
        Ok(asking) => asking,
        Err(barred) => return barred.answer(),
    };
    if headers.contains_key("x-goog-api-key") || headers.contains_key("x-goog-api-client") {
        return gemini_list(&asking);
    }
    let (state, policy) = (&asking.state, asking.policy());
    if headers.contains_key("anthropic-version") {
        let created = state.started.to_string();
        let listed =
            |name: String| json!({"type": "model", "id": name, "display_name": name, "created_at": created});
        let data: Vec<Value> = names_for_pickers(&asking).into_iter().map(listed).collect();
        let ends = [data.first(), data.last()].map(|model| model.map(|model| model["id"].clone()));
        return reply(&json!({"data": data, "has_more": false, "first_id": ends[0], "last_id": ends[1]}));
    }
    let created = state.started.as_micros() / 1_000_000;
    let listed = |(name, owner)| {
        // Mistral's client reads no model without a type and what it can do.
        let abilities = mistral_abilities(policy, name);
        json!({"id": name, "object": "model", "created": created, "owned_by": owner, "type": "base",
            "capabilities": abilities})
    };
    reply(&json!({"object": "list", "data": asking.names().map(listed).collect::<Vec<Value>>()}))
}

fn mistral_abilities(policy: &Policy, name: &str) -> Value {
    let abilities = abilities(policy, name);
    let can = |ability| abilities.contains(&ability);
    json!({"completion_chat": can(Ability::Completion), "completion_fim": can(Ability::Insert),
        "function_calling": can(Ability::Tools)})
}

/// `GET /v1beta/models`
pub(crate) async fn gemini(Shared(state): Shared<Arc<State>>, uri: Uri, headers: HeaderMap) -> Response {
    Asking::of(state, &uri, &headers).map_or_else(|barred| barred.answer(), |asking| gemini_list(&asking))
}

fn gemini_list(asking: &Asking) -> Response {
    let listed = asking.names().map(|(name, _)| gemini_model(asking.policy(), name));
    reply(&json!({"models": listed.collect::<Vec<Value>>()}))
}

/// `GET /v1beta/models/{model}`
pub(crate) async fn gemini_one(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asking = match Asking::of(state, &uri, &headers) {
        Ok(asking) => asking,
        Err(barred) => return barred.answer(),
    };
    match asking.names().find(|(known, _)| *known == name) {
        Some((name, _)) => reply(&gemini_model(asking.policy(), name)),
        None => unknown(Dialect::Gemini, &name, &asking),
    }
}

fn gemini_model(policy: &Policy, name: &str) -> Value {
    let abilities = abilities(policy, name);
    let mut methods = Vec::new();
    if abilities.contains(&Ability::Tools) {
        methods.extend(["generateContent", "streamGenerateContent", "countTokens"]);
    }
    if abilities.contains(&Ability::Embedding) {
        methods.extend(["embedContent", "batchEmbedContents"]);
    }
    let (resource, base) = (format!("models/{name}"), name);
    json!({"name": resource, "baseModelId": base, "displayName": name, "supportedGenerationMethods": methods})
}

/// `GET /api/version`
pub(crate) async fn ollama_version() -> Response {
    whole(ollama_models::version_body())
}

/// `GET /api/tags`
pub(crate) async fn ollama_tags(Shared(state): Shared<Arc<State>>, uri: Uri, headers: HeaderMap) -> Response {
    let asking = match Asking::of(state, &uri, &headers) {
        Ok(asking) => asking,
        Err(barred) => return barred.answer(),
    };
    let listed: Vec<_> = asking.names().map(|(name, _)| ollama_model(&asking.state, name)).collect();
    whole(ollama_models::tags_body(&listed))
}

/// `GET /api/ps`: nothing is loaded, and so nothing need be let go.
pub(crate) async fn ollama_loaded() -> Response {
    reply(&json!({"models": []}))
}

/// `POST /api/show`
pub(crate) async fn ollama_show(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let asking = match Asking::of(state, &parts.uri, &parts.headers) {
        Ok(asking) => asking,
        Err(barred) => return barred.answer(),
    };
    let body = match asking.state.bodies.read(&parts.headers, body).await {
        Ok(body) => body,
        Err(unread) => return unread_response(Dialect::OllamaChat, &unread),
    };
    let asked = match ollama_models::show_request(&body) {
        Ok(asked) => asked,
        Err(error) => {
            let (kind, code) = (ErrorKind::InvalidRequest, "bad_request");
            let fault = Fault { kind, code, message: error.to_string() };
            return error_response(Dialect::OllamaChat, &fault, None, None);
        }
    };
    let plain = ollama_models::plain_name(&asked);
    match asking.names().find(|(known, _)| *known == asked || *known == plain) {
        Some((name, _)) => whole(ollama_models::show_body(&ollama_model(&asking.state, name))),
        None => unknown(Dialect::OllamaChat, &asked, &asking),
    }
}

fn ollama_model(state: &State, name: &str) -> ListedModel {
    ListedModel {
        name: name.to_owned(),
        modified: state.started,
        family: "waymark".to_owned(),
        parameter_size: None,
        context_length: None,
        abilities: abilities(&state.snapshot.policy, name),
    }
}

/// What a route or a model can do, as far as the configuration says.
fn abilities(policy: &Policy, name: &str) -> Vec<Ability> {
    let ladder = policy.routes.get(name).map(|route| route.ladder.iter().collect());
    let ladder: Vec<&String> = ladder.unwrap_or_default();
    let of_route = ladder.into_iter().filter_map(|model| policy.models.get(model));
    let models: Vec<&Model> = of_route.chain(policy.models.get(name)).collect();
    let may = |task| models.iter().any(|model| model.ladder_tasks().contains(&task));
    [
        (Task::Chat, Ability::Completion),
        (Task::AgentStep, Ability::Tools),
        (Task::Completion, Ability::Insert),
        (Task::Embedding, Ability::Embedding),
    ]
    .into_iter()
    .filter_map(|(task, ability)| may(task).then_some(ability))
    .collect()
}

fn unknown(dialect: Dialect, name: &str, asking: &Asking) -> Response {
    let known: Vec<&str> = asking.names().map(|(name, _)| name).collect();
    let name = crate::path::shortened(name);
    let message = format!("model `{name}` is not known here; known: {}", known.join(", "));
    let fault = Fault { kind: ErrorKind::NotFound, code: "not_found", message };
    error_response(dialect, &fault, None, None)
}

fn whole(body: Vec<u8>) -> Response {
    Head::new(200, "application/json").with(Body::from(body))
}
