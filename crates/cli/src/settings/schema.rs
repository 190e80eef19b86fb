//! Every key there is, as data: its kind, its default and its one-line description.
//!
//! The reader of the file, the environment and the reference page all go by this one table.

use super::key::KeyPath;

/// One key. A `*` in its path stands for a name the user chooses.
pub(super) struct Key {
    /// The segments, joined by dots.
    pub(super) path: &'static str,
    /// What it may hold.
    pub(super) kind: Kind,
    /// Its value when nobody gives one, as it is written in an environment variable.
    pub(super) default: Option<&'static str>,
    /// One line for the reference page and for hints.
    pub(super) doc: &'static str,
}

/// What a key may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text but none.
    Text,
    /// An IP address and a port.
    Address,
    /// A path; in the file, relative to the file's directory.
    Path,
    /// Where the store is.
    Store,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// How a provider is spoken to.
    Provider,
    /// An `http` or `https` address.
    Url,
    /// The name of an environment variable.
    Variable,
    /// Yes or no.
    Switch,
    /// A number from 0 to 1.
    Fraction,
    /// A whole number.
    Count,
    /// US dollars per million tokens.
    Usd,
    /// US dollars.
    Dollars,
    /// A span of time: a number and its unit.
    Duration,
    /// A whole number from 1.
    Positive,
    /// Model names.
    Names,
    /// Any texts.
    Texts,
    /// Witnesses: an address and a key each.
    Witnesses,
    /// Regular expressions.
    Patterns,
    /// Capability names.
    Capabilities,
    /// Task names.
    Tasks,
    /// Dialect names.
    Dialects,
}

const fn key(path: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Key {
    Key { path, kind, default, doc }
}

/// Every key there is, in the order of the reference page.
pub(super) static KEYS: &[Key] = &[
    key("server.listen", Kind::Address, Some("127.0.0.1:4114"), "where to listen"),
    key(
        "server.data_dir",
        Kind::Path,
        None,
        "where the ledger and its key live; without it, `waymark` in the platform's data directory",
    ),
    key(
        "server.hosts",
        Kind::Names,
        None,
        "host names clients may reach this server by, beside addresses, `localhost` and names without a dot",
    ),
    key(
        "server.keys",
        Kind::OneOf(&["optional", "required"]),
        None,
        "whether who asks must have a virtual key; without it, beyond this machine (any `server.listen` that is not a loopback address) from the first key on",
    ),
    key(
        "server.max_concurrent",
        Kind::Positive,
        None,
        "how many requests are answered at a time: a few more wait a moment, and the others are told to come back; without it, as many as come",
    ),
    key(
        "store.url",
        Kind::Store,
        Some("sqlite"),
        "where records are kept: `sqlite` is a file in the data directory, `postgres://USER@HOST/DATABASE` is shared by several gateways",
    ),
    key(
        "store.password_env",
        Kind::Variable,
        None,
        "the environment variable that holds the database's password; without it, as PostgreSQL's own clients find it",
    ),
    key(
        "repository.path",
        Kind::Path,
        None,
        "the repository the embedded model learns; without it, the embedded model has nothing to go by",
    ),
    key(
        "embedded.threshold",
        Kind::Fraction,
        None,
        "the confidence below which the embedded model declines; without it, the model's own",
    ),
    key(
        "ledger.on_failure",
        Kind::OneOf(&["refuse", "serve"]),
        Some("refuse"),
        "while records cannot be written: `refuse` answers, or `serve` them unrecorded",
    ),
    key(
        "ledger.payloads",
        Kind::OneOf(&["discard", "keep"]),
        Some("discard"),
        "the text of requests and answers: `discard` it and keep salted commitments, or `keep` it beside the ledger",
    ),
    key(
        "ledger.anchor.git",
        Kind::OneOf(&["on", "off"]),
        Some("on"),
        "whether checkpoints are committed to `refs/waymark/checkpoints` of the repository, where there is one",
    ),
    key(
        "ledger.anchor.file",
        Kind::Path,
        None,
        "the file that checkpoints are appended to; without it, none",
    ),
    key("ledger.anchor.url", Kind::Url, None, "the address that checkpoints are posted to; without it, none"),
    key(
        "ledger.anchor.url_header_env",
        Kind::Variable,
        None,
        "the environment variable that holds a header for that address, written `Name: value`",
    ),
    key(
        "ledger.anchor.every",
        Kind::Duration,
        Some("10m"),
        "how often checkpoints are anchored while the ledger grows, beside the start and the end of the server",
    ),
    key(
        "ledger.witnesses",
        Kind::Witnesses,
        None,
        "who is asked to cosign checkpoints, as often as they are anchored: for each its address, a space and its key, `https://witness.example name+1a2b3c4d+AAAA...`",
    ),
    key(
        "ledger.keep_payloads_for",
        Kind::Duration,
        None,
        "how long the salts of commitments to texts, and kept texts, stay before a week of them is dropped; without it, for good",
    ),
    key(
        "ledger.keep_records_for",
        Kind::Duration,
        None,
        "how long what records say stays before a week of it is dropped, the tree's leaves apart; without it, for good",
    ),
    key(
        "telemetry.otlp_endpoint",
        Kind::Url,
        None,
        "the OpenTelemetry collector to send spans and metrics to, by OTLP over HTTP (`http://127.0.0.1:4318`); without it, nothing is sent anywhere",
    ),
    key(
        "telemetry.otlp_headers_env",
        Kind::Variable,
        None,
        "the environment variable that holds headers for the collector: `name=value`, separated by commas",
    ),
    key(
        "telemetry.content",
        Kind::Switch,
        Some("false"),
        "whether the collector is sent the text of conversations; needs `ledger.payloads = \"keep\"`",
    ),
    key("providers.*.kind", Kind::Provider, None, "how the provider is spoken to"),
    key(
        "providers.*.base_url",
        Kind::Url,
        None,
        "where the provider is: with the version (`/v1`) for `openai` and `mistral`, without a path for other kinds",
    ),
    key(
        "providers.*.api_version",
        Kind::Text,
        None,
        "for `azure-openai`: the version under which deployments are addressed; without it, Azure's `/openai/v1`",
    ),
    key(
        "providers.*.dialects",
        Kind::Dialects,
        None,
        "what the provider is spoken to in, the dialect that others are converted into first; without it, as its kind usually is",
    ),
    key(
        "providers.*.api_key_env",
        Kind::Variable,
        None,
        "the environment variable that holds the provider's key; without it, no key is sent",
    ),
    key(
        "providers.*.region",
        Kind::Text,
        None,
        "the region that the provider keeps data in, by any name that content rules use, such as `eu`",
    ),
    key(
        "providers.*.connect_timeout",
        Kind::Duration,
        None,
        "how long a connection to the provider is waited for; without it, `10s`",
    ),
    key(
        "providers.*.first_byte_timeout",
        Kind::Duration,
        None,
        "how long the first byte of an answer is waited for, the connection included; without it, `10m`: models that reason take minutes",
    ),
    key(
        "providers.*.stall_timeout",
        Kind::Duration,
        None,
        "how long an answer may pause once it has begun; without it, `5m`",
    ),
    key(
        "providers.*.retries",
        Kind::Count,
        None,
        "how often a call that failed for a reason that may pass is made again at the same place; without it, 2",
    ),
    key(
        "providers.*.breaker",
        Kind::Switch,
        None,
        "whether a deployment that keeps failing is left alone for a while (a circuit breaker); without it, `true`",
    ),
    key(
        "providers.*.max_concurrent",
        Kind::Positive,
        None,
        "how many calls to the provider may be under way at a time; without it, as many as there are",
    ),
    key(
        "providers.*.warm",
        Kind::Switch,
        None,
        "whether a connection is opened at the start, so that the first request need not wait for it; without it, `true`",
    ),
    key(
        "models.*.provider",
        Kind::Text,
        None,
        "the configured name of the model's provider; not needed by a model that has `deployments`",
    ),
    key("models.*.id", Kind::Text, None, "the provider's own name for the model; not for embedded models"),
    key(
        "models.*.deployments.*.provider",
        Kind::Text,
        None,
        "for a model that is served at several places, the configured name of one place's provider",
    ),
    key(
        "models.*.deployments.*.id",
        Kind::Text,
        None,
        "that provider's own name for the model; without it, the model's `id`",
    ),
    key(
        "models.*.deployments.*.weight",
        Kind::Positive,
        None,
        "that place's share of the work, beside the other places' weights; without it, 1, which is also the weight of the model's own provider",
    ),
    key(
        "models.*.price.input",
        Kind::Usd,
        None,
        "the price of input tokens; a price needs this one and `output`",
    ),
    key(
        "models.*.price.cached_input",
        Kind::Usd,
        None,
        "of input read from the provider's cache; without it, as `input`",
    ),
    key(
        "models.*.price.cache_write",
        Kind::Usd,
        None,
        "of input written to the provider's cache; without it, as `input`",
    ),
    key("models.*.price.output", Kind::Usd, None, "the price of output tokens, reasoning included"),
    key(
        "models.*.tasks",
        Kind::Tasks,
        None,
        "what the model may be asked to do; without it, what its provider's kind usually can on a ladder, and anything by its name",
    ),
    key(
        "models.*.context",
        Kind::Count,
        None,
        "how many tokens the model takes in and puts out together; without it, nothing is held to be too long for it",
    ),
    key(
        "models.*.can",
        Kind::Capabilities,
        None,
        "what the model can do beside text, of `tools`, `images`, `json_schema` and `reasoning`; without it, everything",
    ),
    key(
        "routes.*.ladder",
        Kind::Names,
        None,
        "models, cheapest first: a request starts on the first that can do the task; `auto` has all of them without it",
    ),
    key(
        "routes.*.fallback.*",
        Kind::Names,
        None,
        "for a model of the ladder, the models that stand in when it fails",
    ),
    key(
        "routes.*.climb_at",
        Kind::Fraction,
        None,
        "how much the evidence in a conversation must count for together before it climbs a rung; without it, 1",
    ),
    key(
        "routes.*.payback_turns",
        Kind::Count,
        None,
        "after how many turns coming down a rung must have paid for reading the conversation afresh; without it, 8",
    ),
    key(
        "routes.*.switch_limit",
        Kind::Dollars,
        None,
        "what climbing may cost at most, in US dollars, for what the new model reads afresh; without it, any amount",
    ),
    key(
        "routes.*.cache_life",
        Kind::Duration,
        None,
        "how long providers keep a conversation in their cache: after a longer pause it may come down; without it, 5m",
    ),
    key(
        "routes.*.shadow",
        Kind::Text,
        None,
        "a route that decides beside this one, for the record: nothing is done about it",
    ),
    key(
        "rules.*.signal",
        Kind::OneOf(&["failure", "rising", "repeated", "malformed", "user_says", "result_says", "refusal"]),
        None,
        "what the rule looks for in a conversation; docs/routing.md says what each is",
    ),
    key("rules.*.enabled", Kind::Switch, None, "whether the rule is used; without it, it is"),
    key(
        "rules.*.weight",
        Kind::Fraction,
        None,
        "what it counts for when it fires, and again each further time",
    ),
    key("rules.*.at_least", Kind::Count, None, "how often it must be there to fire"),
    key(
        "rules.*.within",
        Kind::Count,
        None,
        "among so many of the newest events; 0 is all since the present rung was taken",
    ),
    key("rules.*.in_a_row", Kind::Switch, None, "whether a call that went well starts the count anew"),
    key("rules.*.patterns", Kind::Patterns, None, "regular expressions, one of which must be found"),
    key(
        "rules.*.tools",
        Kind::Patterns,
        None,
        "only calls of tools with such a name; `edits` is every tool that changes files",
    ),
    key("rules.*.commands", Kind::Patterns, None, "only calls with such arguments"),
    key(
        "limits.budget_day",
        Kind::Dollars,
        None,
        "US dollars that everybody together may spend in a day (UTC); without it, any amount",
    ),
    key(
        "limits.budget_month",
        Kind::Dollars,
        None,
        "US dollars that everybody together may spend in a month (UTC); without it, any amount",
    ),
    key(
        "limits.tokens_day",
        Kind::Count,
        None,
        "tokens, in and out, that everybody together may use in a day (UTC); without it, any number",
    ),
    key(
        "limits.tokens_month",
        Kind::Count,
        None,
        "tokens, in and out, that everybody together may use in a month (UTC); without it, any number",
    ),
    key(
        "limits.requests_per_minute",
        Kind::Count,
        None,
        "requests that everybody together may send in a minute; without it, any number",
    ),
    key(
        "limits.tokens_per_minute",
        Kind::Count,
        None,
        "tokens, in and out, that everybody together may use in a minute; without it, any number",
    ),
    key(
        "limits.per_owner.budget_day",
        Kind::Dollars,
        None,
        "US dollars that each owner of virtual keys, over all of them, may spend in a day (UTC); without it, any amount",
    ),
    key(
        "limits.per_owner.budget_month",
        Kind::Dollars,
        None,
        "US dollars that each owner of virtual keys, over all of them, may spend in a month (UTC); without it, any amount",
    ),
    key(
        "limits.per_owner.tokens_day",
        Kind::Count,
        None,
        "tokens, in and out, that each owner of virtual keys, over all of them, may use in a day (UTC); without it, any number",
    ),
    key(
        "limits.per_owner.tokens_month",
        Kind::Count,
        None,
        "tokens, in and out, that each owner of virtual keys, over all of them, may use in a month (UTC); without it, any number",
    ),
    key(
        "limits.per_owner.requests_per_minute",
        Kind::Count,
        None,
        "requests that each owner of virtual keys, over all of them, may send in a minute; without it, any number",
    ),
    key(
        "limits.per_owner.tokens_per_minute",
        Kind::Count,
        None,
        "tokens, in and out, that each owner of virtual keys, over all of them, may use in a minute; without it, any number",
    ),
    key(
        "limits.unpriced",
        Kind::OneOf(&["allow", "refuse"]),
        Some("allow"),
        "a call under a budget of money that may reach a model without a price: `allow` it and count its tokens alone, or `refuse` it",
    ),
    key(
        "limits.output_tokens",
        Kind::Count,
        Some("4096"),
        "how many tokens an answer is taken to have until it is there, where its request does not say how many it may have",
    ),
    key(
        "routes.*.deadline",
        Kind::Duration,
        None,
        "how long a request may take, from its arrival to the end of its answer, every further attempt included; without it, there is no limit",
    ),
    key(
        "routes.*.hedge_after",
        Kind::Duration,
        None,
        "for completions: how long the first place may be silent before a second is asked as well; without it, none is",
    ),
    key(
        "routes.*.hedge_budget",
        Kind::Fraction,
        None,
        "the share of completions that may be asked for twice; without it, 0.05",
    ),
    key(
        "routes.*.gates",
        Kind::Texts,
        None,
        "the output gates that an answer must pass before it is delivered, in order; without it, none",
    ),
    key(
        "gates.*.kind",
        Kind::OneOf(&["json", "schema", "command"]),
        None,
        "what the gate looks at: that answers parse, that they hold to the schemas of their request, or what a command says",
    ),
    key(
        "gates.*.command",
        Kind::Texts,
        None,
        "of a gate of kind `command`: program and arguments, run in the repository with the answer on standard input; it passes with exit status 0",
    ),
    key("gates.*.timeout", Kind::Duration, None, "how long the command may take; without it, 60s"),
    key(
        "gates.*.budget_day",
        Kind::Dollars,
        None,
        "what the answers that the gate throws away may cost a day (UTC), in US dollars; then it lets everything through; without it, any amount",
    ),
    key(
        "content.*.paths",
        Kind::Texts,
        None,
        "files the rule is about, like in a `.gitignore`, at any depth: requests that speak of one",
    ),
    key(
        "content.*.labels",
        Kind::Texts,
        None,
        "labels the rule is about, which clients send as `x-waymark-label`; `*` is any text",
    ),
    key("content.*.repositories", Kind::Texts, None, "repositories the rule is about; `*` is any text"),
    key(
        "content.*.secrets",
        Kind::Texts,
        None,
        "secrets the rule is about, by the names of their patterns, or `all`; a rule about nothing at all is about every request",
    ),
    key(
        "content.*.action",
        Kind::OneOf(&["record", "redact", "restrict", "refuse"]),
        None,
        "what follows: `record` the finding and change nothing, `redact` secrets, `restrict` the request to some providers, or `refuse` it to all",
    ),
    key(
        "content.*.providers",
        Kind::Texts,
        None,
        "with `restrict`: the providers that may be sent the request; the embedded model always may",
    ),
    key(
        "content.*.regions",
        Kind::Texts,
        None,
        "with `restrict`: the regions whose providers may be sent the request",
    ),
    key("content.*.enabled", Kind::Switch, None, "whether the rule holds; without it, it does"),
    key("aliases.*", Kind::Text, None, "for a name clients ask for, the model or route it stands for"),
];

/// Values of named tables that are there from the start: the model inside the binary, and the rule that tells of secrets.
pub(super) static BUILT_IN: &[(&str, &str)] = &[
    ("providers.embedded.kind", "embedded"),
    ("models.flash.provider", "embedded"),
    ("content.secrets.secrets", "all"),
    ("content.secrets.action", "record"),
];

/// The key at `path`, if there is one.
pub(super) fn find(path: &KeyPath) -> Option<&'static Key> {
    let segments = path.segments();
    KEYS.iter().find(|key| key.path.split('.').count() == segments.len() && begins(key, segments))
}

/// Whether `path` leads to a table.
pub(super) fn is_table(path: &KeyPath) -> bool {
    !children(path).is_empty()
}

/// Whether `path` leads to a table whose name the user chose: one provider, one model, one route.
pub(super) fn is_named(path: &KeyPath) -> bool {
    path.segments().len() == 2 && is_table(path) && begins_with_choice(path)
}

/// The names that may follow `path`; `*` where the user chooses.
pub(super) fn children(path: &KeyPath) -> Vec<&'static str> {
    let segments = path.segments();
    let mut names: Vec<&'static str> = Vec::new();
    for key in KEYS.iter().filter(|key| begins(key, segments)) {
        if let Some(name) = key.path.split('.').nth(segments.len())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

fn begins(key: &Key, segments: &[String]) -> bool {
    let mut pattern = key.path.split('.');
    segments.iter().all(|segment| pattern.next().is_some_and(|name| name == "*" || name == segment))
}

fn begins_with_choice(path: &KeyPath) -> bool {
    let above: Vec<&str> = path.segments().iter().take(1).map(String::as_str).collect();
    children(&KeyPath::new(above)) == ["*"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_key_wildcards_included() {
        let found = |path: &[&str]| find(&KeyPath::new(path.iter().copied())).map(|key| key.path);
        assert_eq!(found(&["server", "listen"]), Some("server.listen"));
        assert_eq!(found(&["models", "gpt-4.1", "price", "input"]), Some("models.*.price.input"));
        assert_eq!(found(&["routes", "auto", "fallback", "large"]), Some("routes.*.fallback.*"));
        assert_eq!(found(&["server"]), None);
        assert_eq!(found(&["server", "listen", "port"]), None);
    }

    #[test]
    fn tables_know_what_they_may_hold() {
        assert_eq!(
            children(&KeyPath::fixed("ledger")),
            ["on_failure", "payloads", "anchor", "witnesses", "keep_payloads_for", "keep_records_for"]
        );
        assert_eq!(children(&KeyPath::fixed("providers")), ["*"]);
        assert!(is_table(&KeyPath::fixed("ledger.anchor")));
        assert!(is_table(&KeyPath::fixed("models.large.price")));
        assert!(!is_table(&KeyPath::fixed("server.listen")));
        assert!(is_named(&KeyPath::fixed("models.large")));
        assert!(!is_named(&KeyPath::fixed("models.large.price")));
        assert!(!is_named(&KeyPath::fixed("aliases.gpt-4")));
    }
}
