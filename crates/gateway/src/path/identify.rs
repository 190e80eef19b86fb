//! Who asks, with which program and from which conversation.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use waymark_ledger::commitment::{Salt, commit};
use waymark_ledger::note::Signer;
use waymark_protocol::{Fault, Request};
use waymark_types::Task;

use super::worktree;
use crate::limits::{self, Key};
use crate::state::State;

/// Texts from outside are cut to this many characters before they enter a record.
const LONGEST: usize = 200;

/// Headers that name a conversation, the most specific first: Claude Code's, Codex's of today and before, opencode's,
/// Cline's, Copilot CLI's, others'. Looked up on 2026-11-23. Not among them: VS Code's `vscode-sessionid`, which is its
/// window, and `x-interaction-id`, which is one turn.
const SESSION: [&str; 11] = [
    "x-claude-code-session-id",
    "session-id",
    "session_id",
    "thread-id",
    "conversation_id",
    "x-opencode-session",
    "x-session-affinity",
    "x-task-id",
    "x-client-session-id",
    "x-session-id",
    "x-conversation-id",
];

/// The header by which a client names its repository.
const REPOSITORY: &str = "x-waymark-repository";

/// What precedes the folder an assistant says it works in: Claude Code's and opencode's, Codex's, Gemini CLI's, Cline's.
/// Looked up on 2026-11-27.
const FOLDERS: [&str; 4] =
    ["orking directory: ", "<cwd>", "working in the directory: ", "# Current Working Directory ("];

/// What a session's name starts with when no client gave it.
pub(crate) const DERIVED: &str = "derived:";

/// How much of a derived name is told, in hexadecimal digits.
const DERIVED_DIGITS: usize = 32;

/// The key that conversations without a name are named under. It never leaves the process.
pub(crate) struct SessionKey(Salt);

impl SessionKey {
    /// The key that goes with the ledger's own, so that names hold over restarts.
    pub(crate) fn of(ledger: &Signer) -> Self {
        Self(ledger.subkey("session names"))
    }

    /// A name for the conversation that begins like this: the same for all of its turns, and none that a guessed text
    /// could be checked against without the key. Two conversations that begin alike share it.
    pub(super) fn name(&self, client: Option<&str>, request: &Request) -> Option<String> {
        let first = request.first_words();
        if first.is_empty() {
            return None;
        }
        let instructions = request.instructions();
        let texts = client.into_iter().chain(instructions.iter().chain(&first).map(AsRef::as_ref));
        // Lengths keep apart what would read the same when joined.
        let begins: Vec<u8> =
            texts.flat_map(|text| [&text.len().to_be_bytes(), text.as_bytes()].concat()).collect();
        let digits = &commit(&self.0, &begins).hmac_sha256[..DERIVED_DIGITS];
        Some(format!("{DERIVED}{digits}"))
    }
}

/// Who asks.
pub(crate) struct Caller {
    pub(crate) principal: String,
    pub(super) client: Option<String>,
    pub(super) session: Option<String>,
    pub(crate) repository: Option<String>,
    /// The virtual key it was asked with.
    pub(super) key: Option<Arc<Key>>,
}

/// Tells the caller from the request's headers. Without a virtual key everyone on this machine is one principal, and
/// of everyone else nothing is known.
pub(crate) fn identify(headers: &HeaderMap, listen: SocketAddr) -> Caller {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(shortened);
    Caller {
        principal: if listen.ip().is_loopback() { "local" } else { "unknown" }.to_owned(),
        client: text(header::USER_AGENT.as_str()),
        session: SESSION.iter().find_map(|name| text(name)),
        repository: text(REPOSITORY),
        key: None,
    }
}

/// Tells the caller by the virtual key it presents. Returns why it may not ask, where it may not.
pub(crate) fn recognise(
    state: &State,
    headers: &HeaderMap,
    query: Option<&str>,
    caller: &mut Caller,
) -> Option<Fault> {
    let secret = limits::presented(headers, query);
    let (key, barred) = limits::recognise(state, secret.as_deref(), state.clock.now());
    if let Some(owner) = key.as_ref().and_then(|key| key.owner.as_ref()) {
        caller.principal.clone_from(owner);
    }
    caller.key = key;
    barred
}

/// The repository of a request whose headers name none: that of the folder that the assistant says it works in where the
/// folder is on this machine, else the folder itself, by its name. The rest of the path is nobody's business.
pub(super) fn repository(caller: &Caller, request: &Request, listen: SocketAddr) -> Option<String> {
    let told = || {
        let texts = [request.instructions(), request.first_words()].concat();
        texts.iter().find_map(|text| folder(text, listen.ip().is_loopback()))
    };
    caller.repository.clone().or_else(told)
}

fn folder(text: &str, is_here: bool) -> Option<String> {
    let after = FOLDERS.iter().find_map(|words| Some(text.split_once(words)?.1))?;
    let path = after.split(['\n', '<', '(', ')', '`']).next()?.trim().trim_end_matches(['/', '\\', '.']);
    if let Some(name) = is_here.then(|| worktree::repository_of(Path::new(path))).flatten() {
        return Some(shortened(&name));
    }
    let name = path.rsplit(['/', '\\']).next()?;
    (!name.is_empty() && name != path).then(|| shortened(name))
}

/// The conversation of a request whose headers name none: by the key in its body, else by how it begins. What begins
/// like a title call is not how the conversation begins that it is for.
pub(super) fn session(caller: &Caller, request: &Request, task: Task, key: &SessionKey) -> Option<String> {
    let named = || request.conversation_key().map(|key| shortened(&key));
    let derived = || key.name(caller.client.as_deref(), request);
    caller.session.clone().or_else(named).or_else(|| if task == Task::Utility { None } else { derived() })
}

/// A text from outside, short enough for a record.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};
    use waymark_protocol::Addressed;
    use waymark_types::Dialect;

    use super::*;

    const HERE: &str = "127.0.0.1:4114";

    fn key(seed: u8) -> SessionKey {
        SessionKey::of(&Signer::new("log", &[seed; 32]).unwrap())
    }

    fn named(body: &Value, headers: &[(&'static str, &'static str)], key: &SessionKey) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let body = Bytes::from(body.to_string());
        let request = waymark_protocol::parse(Dialect::OpenAiChat, &body, &Addressed::default()).unwrap();
        let caller = identify(&headers.collect(), HERE.parse().unwrap());
        session(&caller, &request, Task::Chat, key)
    }

    fn turns(said: &[&str]) -> Value {
        let roles = ["system", "user", "assistant", "user"];
        let said = roles.iter().zip(said).map(|(role, text)| json!({"role": role, "content": text}));
        json!({"model": "m", "messages": said.collect::<Vec<_>>()})
    }

    #[test]
    fn the_most_specific_key_names_the_session() {
        let mut body = turns(&["Help.", "hello"]);
        body["prompt_cache_key"] = json!("cache");
        let headers = [("x-session-id", "s"), ("x-claude-code-session-id", "c"), ("user-agent", "a/1")];
        assert_eq!(named(&body, &headers, &key(1)).as_deref(), Some("c"));
        assert_eq!(named(&body, &headers[..1], &key(1)).as_deref(), Some("s"));
        assert_eq!(named(&body, &headers[2..], &key(1)).as_deref(), Some("cache"));
        for turn in ["x-interaction-id", "vscode-sessionid", "x-request-id"] {
            assert_eq!(named(&body, &[(turn, "t")], &key(1)).as_deref(), Some("cache"), "{turn}");
        }
    }

    #[test]
    fn a_conversation_without_a_key_is_named_by_how_it_begins() {
        let agent = [("user-agent", "ide/1")];
        let first = named(&turns(&["Help.", "hello"]), &agent, &key(1)).unwrap();
        let digits = first.strip_prefix("derived:").unwrap();
        assert!(digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{first}");
        let later = turns(&["Help.", "hello", "Hello!", "go on"]);
        assert_eq!(named(&later, &agent, &key(1)).as_ref(), Some(&first), "it stays the same");
        let blocks = json!({"model": "m", "messages": [{"role": "system", "content": "Help."},
            {"role": "user", "content": [{"type": "text", "text": "hello"}]}]});
        assert_eq!(named(&blocks, &agent, &key(1)).as_ref(), Some(&first), "however it is written");
        let others = [
            named(&turns(&["Help.", "hello!"]), &agent, &key(1)),
            named(&turns(&["Help.h", "ello"]), &agent, &key(1)),
            named(&turns(&["Help.", "hello"]), &[("user-agent", "ide/2")], &key(1)),
            named(&turns(&["Help.", "hello"]), &agent, &key(2)),
        ];
        assert!(others.iter().all(|other| other.as_ref().is_some_and(|other| *other != first)), "{others:?}");
    }

    #[test]
    fn what_is_no_conversation_has_no_derived_name() {
        let request = |dialect, body: Value| {
            waymark_protocol::parse(dialect, &Bytes::from(body.to_string()), &Addressed::default()).unwrap()
        };
        let caller = identify(&HeaderMap::new(), HERE.parse().unwrap());
        let completion =
            request(Dialect::OpenAiCompletions, json!({"model": "m", "prompt": "fn main", "suffix": "}"}));
        assert_eq!(session(&caller, &completion, Task::Completion, &key(1)), None);
        let title = request(Dialect::OpenAiChat, turns(&["Write a title.", "hello"]));
        assert_eq!(session(&caller, &title, Task::Utility, &key(1)), None);
    }
}
