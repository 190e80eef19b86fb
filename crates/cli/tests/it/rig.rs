//! The binary between a scripted upstream and a repository, configured the way the tests share.

use std::time::Instant;

use serde_json::{Value, json};
use waymark_testkit::{DEADLINE, Http, Repository, Response, Upstream, Waymark};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_waymark");

/// The headers an Anthropic client sends.
pub(crate) const ANTHROPIC: &[(&str, &str)] =
    &[("anthropic-version", "2023-06-01"), ("x-api-key", "client-key")];

/// The header an OpenAI client sends.
pub(crate) const OPENAI: &[(&str, &str)] = &[("authorization", "Bearer client-key")];

/// A server with everything around it.
pub(crate) struct Rig {
    pub(crate) waymark: Waymark,
    pub(crate) openai: Upstream,
    pub(crate) anthropic: Upstream,
    pub(crate) repository: Repository,
}

impl Rig {
    /// A running server: `small` and `spare` are OpenAI's, `large` is Anthropic's, `flash` is embedded.
    pub(crate) fn start() -> Self {
        let mut rig = Self::stopped(Upstream::start(), Upstream::start());
        rig.waymark.start();
        rig
    }

    /// The same before upstreams of the test's own, configured and not started.
    pub(crate) fn stopped(openai: Upstream, anthropic: Upstream) -> Self {
        let mut waymark = Waymark::new(BINARY);
        waymark.env("SCRIPTED_KEY", "upstream-key");
        let rig = Self { waymark, openai, anthropic, repository: sample_repository() };
        rig.waymark.configure(&rig.configuration());
        rig
    }

    /// The configuration the tests share.
    pub(crate) fn configuration(&self) -> String {
        format!(
            r#"
[repository]
path = "{repository}"

[providers.alpha]
kind = "openai"
base_url = "{openai}"
api_key_env = "SCRIPTED_KEY"
retries = 0
breaker = false

[providers.beta]
kind = "anthropic"
base_url = "{anthropic}"
api_key_env = "SCRIPTED_KEY"
retries = 0
breaker = false

[models.flash]
provider = "embedded"

[models.small]
provider = "alpha"
id = "mock-small-1"
price = {{ input = 1.0, cached_input = 0.1, output = 4.0 }}

[models.spare]
provider = "alpha"
id = "mock-spare-1"

[models.large]
provider = "beta"
id = "mock-large-1"
price = {{ input = 3.0, cached_input = 0.3, output = 15.0 }}

[routes.auto]
ladder = ["flash", "small"]
fallback = {{ small = ["spare"] }}

[routes.claude]
ladder = ["large"]
"#,
            repository = self.repository.path().display(),
            openai = self.openai.openai_base(),
            anthropic = self.anthropic.anthropic_base(),
        )
    }

    /// A client of the running server.
    pub(crate) fn http(&self) -> Http {
        self.waymark.http()
    }

    /// Asks for a chat answer and reads it whole.
    pub(crate) fn chat(&self, body: &Value) -> Response {
        self.http().post("/v1/chat/completions", OPENAI, body.to_string())
    }

    /// Asks for a message and reads it whole.
    pub(crate) fn message(&self, body: &Value) -> Response {
        self.http().post("/v1/messages", ANTHROPIC, body.to_string())
    }

    /// What `why` says about the record an answer named, once the record is complete.
    pub(crate) fn why(&self, answer: &Response) -> Value {
        self.waymark.why(answer.header("x-waymark-record"))
    }
}

/// A chat request.
pub(crate) fn chat(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Say hello."}]})
}

/// A message request.
pub(crate) fn message(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 512,
        "messages": [{"role": "user", "content": "Say hello."}]})
}

/// A completion request the sample repository answers.
pub(crate) fn completion(stream: bool) -> Value {
    json!({"model": "flash", "stream": stream, "max_tokens": 32, "prompt": "use std::collections::BTreeMap;\n\n\
        pub struct Shelf9 {\n    items: BTreeMap<String, u64>,\n}\n\nimpl Shelf9 {\n    pub fn insert(&mut self, ",
        "suffix": "\n}\n"})
}

/// Waits until something holds.
pub(crate) fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}

/// How the record ended, as `why --json` says.
pub(crate) fn outcome(why: &Value) -> &str {
    why["outcome"].as_str().unwrap_or_else(|| panic!("no outcome in {why}"))
}

/// A repository whose files repeat each other, so that the embedded model has something to say.
pub(crate) fn sample_repository() -> Repository {
    let mut repository = Repository::new();
    for number in 0..6 {
        let source = format!(
            "use std::collections::BTreeMap;\n\npub struct Shelf{number} {{\n    items: BTreeMap<String, u64>,\n}}\n\n\
             impl Shelf{number} {{\n    pub fn insert(&mut self, name: &str, count: u64) {{\n        \
             self.items.insert(name.to_owned(), count);\n    }}\n\n    pub fn count(&self, name: &str) -> u64 {{\n        \
             self.items.get(name).copied().unwrap_or_default()\n    }}\n}}\n"
        );
        repository.write(&format!("src/shelf{number}.rs"), source);
    }
    repository
        .write("LICENSE", "MIT License\n\nPermission is hereby granted, free of charge, to any person\n");
    repository.commit("shelves");
    repository
}
