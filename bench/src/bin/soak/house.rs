//! The gateway under load and what it stands on: upstreams that misbehave where a request says so.

use std::path::Path;

use waymark_testkit::{Captured, Gate, Http, Output, Process, Reply, Repository, Upstream, Waymark};

/// In a request: its stream stops half way and goes on never.
pub(crate) const HELD: &str = "hold this one;";
/// In a request: nothing is answered, ever.
pub(crate) const SILENT: &str = "say nothing to this one;";
/// In a request: the cheap model is broken, and its stand-in is not.
pub(crate) const BROKEN: &str = "break on this one;";
/// A model that is always broken, at a provider of its own: what its circuit breaker does is its own affair.
pub(crate) const DOWN: &str = "down";
/// In a request: the stream is cut off half way.
pub(crate) const CUT: &str = "cut this one;";

/// Events of a streamed answer.
const EVENTS: usize = 40;

/// The gateway with its upstreams and its repository.
pub(crate) struct House {
    pub(crate) waymark: Waymark,
    _upstreams: [Upstream; 3],
    _repository: Repository,
}

impl House {
    /// Starts everything.
    pub(crate) fn start(binary: &Path) -> Self {
        let (cheap, strong) = (Upstream::forgetting(answer), Upstream::forgetting(answer));
        let down = Upstream::forgetting(|_| Reply::error(500, "down"));
        let repository = repository();
        let mut waymark = Waymark::new(binary);
        waymark.env("SCRIPTED_KEY", "upstream-key");
        waymark.configure(&configuration(&repository, [&cheap, &strong, &down]));
        waymark.start();
        Self { waymark, _upstreams: [cheap, strong, down], _repository: repository }
    }

    /// A client of the gateway.
    pub(crate) fn http(&self) -> Http {
        self.waymark.http()
    }

    /// The gateway's process.
    pub(crate) fn process(&self) -> Process {
        self.waymark.process()
    }

    /// Stops the gateway; how it ended.
    pub(crate) fn stop(&mut self) -> Output {
        self.waymark.stop()
    }
}

fn answer(request: &Captured) -> Reply {
    let text = String::from_utf8_lossy(&request.body);
    let says = |marker: &str| text.contains(marker);
    let is_cheap = || request.model().is_some_and(|model| model == "mock-small-1");
    if says(SILENT) {
        Reply::silence()
    } else if says(BROKEN) && is_cheap() {
        Reply::error(500, "broken")
    } else if says(CUT) {
        Reply::events(EVENTS).cut_after(EVENTS / 2)
    } else if says(HELD) {
        Reply::events(EVENTS).hold_after(EVENTS / 2, &Gate::new())
    } else {
        Reply::events(EVENTS)
    }
}

fn configuration(repository: &Repository, [cheap, strong, down]: [&Upstream; 3]) -> String {
    format!(
        r#"
[repository]
path = "{repository}"

[providers.alpha]
kind = "openai"
base_url = "{cheap}"
api_key_env = "SCRIPTED_KEY"

[providers.beta]
kind = "anthropic"
base_url = "{strong}"
api_key_env = "SCRIPTED_KEY"

[providers.gamma]
kind = "openai"
base_url = "{down}"
api_key_env = "SCRIPTED_KEY"

[models.{DOWN}]
provider = "gamma"
id = "mock-down-1"

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
ladder = ["flash", "small", "large"]
fallback = {{ small = ["spare"] }}
"#,
        repository = repository.path().display(),
        cheap = cheap.openai_base(),
        strong = strong.anthropic_base(),
        down = down.openai_base(),
    )
}

/// Files that repeat each other, so that the embedded model has something to say.
fn repository() -> Repository {
    let mut repository = Repository::new();
    for number in 0..20 {
        let source = format!(
            "use std::collections::BTreeMap;\n\npub struct Shelf{number} {{\n    items: BTreeMap<String, u64>,\n}}\n\n\
             impl Shelf{number} {{\n    pub fn insert(&mut self, name: &str, count: u64) {{\n        \
             self.items.insert(name.to_owned(), count);\n    }}\n}}\n"
        );
        repository.write(&format!("src/shelf{number}.rs"), source);
    }
    repository.commit("shelves");
    repository
}
