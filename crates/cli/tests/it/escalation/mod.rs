//! Ladders under the sessions of real agents: when a conversation climbs, when it does not, where it then stays.

mod configured;
mod rules;
mod sessions;

use serde_json::Value;
use waymark_testkit::{Asked, Http, Reply, Response, Session, Upstream, Waymark};

use crate::rig::BINARY;

const CHEAP: &str = "small";
const STRONG: &str = "large";

/// A gateway whose route `auto` has a cheap rung and a strong one.
struct House {
    waymark: Waymark,
    cheap: Upstream,
    _strong: Upstream,
}

impl House {
    /// A running one, with settings of the route `auto` and further sections.
    fn with(of_route: &str, further: &str) -> Self {
        let mut house = Self::stopped(of_route, further);
        house.waymark.start();
        house
    }

    fn stopped(of_route: &str, further: &str) -> Self {
        let (cheap, strong) = (Upstream::start(), Upstream::start());
        let mut waymark = Waymark::new(BINARY);
        waymark.env("SCRIPTED_KEY", "upstream-key");
        waymark.configure(&format!(
            r#"
[providers.alpha]
kind = "openai"
base_url = "{cheap}"
api_key_env = "SCRIPTED_KEY"
# One failure is enough to be answered by the rung above, and says nothing of the next request.
retries = 0
breaker = false

[providers.beta]
kind = "anthropic"
base_url = "{strong}"
api_key_env = "SCRIPTED_KEY"

[models.{CHEAP}]
provider = "alpha"
id = "mock-small-1"
price = {{ input = 1.0, cached_input = 0.1, output = 4.0 }}

[models.{STRONG}]
provider = "beta"
id = "mock-large-1"
price = {{ input = 3.0, cached_input = 0.3, output = 15.0 }}

[routes.auto]
ladder = ["{CHEAP}", "{STRONG}"]
{of_route}

{further}
"#,
            cheap = cheap.openai_base(),
            strong = strong.anthropic_base(),
        ));
        Self { waymark, cheap, _strong: strong }
    }

    /// Asks everything that the session asks; the rung of each answer.
    fn rungs(&self, session: &Session) -> Vec<&'static str> {
        session.requests().iter().map(|asked| rung(&self.ask(asked))).collect()
    }

    /// Asks everything that the session asks; the last answer.
    fn last(&self, session: &Session) -> Response {
        let mut answers: Vec<Response> = session.requests().iter().map(|asked| self.ask(asked)).collect();
        answers.pop().unwrap_or_else(|| panic!("a session that asks something"))
    }

    fn ask(&self, asked: &Asked) -> Response {
        ask(self.waymark.http(), asked)
    }

    /// The next answer of the cheap model is an error.
    fn fail_once(&self) {
        self.cheap.push(Reply::error(500, "broken"));
    }

    /// What the record of an answer says of its decision.
    fn decision(&self, answer: &Response) -> Value {
        self.waymark.why(answer.header("x-waymark-record"))["decision"].clone()
    }
}

fn ask(http: Http, asked: &Asked) -> Response {
    let answer = asked.send(&http);
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), asked.body);
    answer
}

fn rung(answer: &Response) -> &'static str {
    match answer.header("x-waymark-model") {
        "mock-small-1" => CHEAP,
        "mock-large-1" => STRONG,
        other => panic!("another model: {other}"),
    }
}

/// How many answers the cheap rung gave before the strong one took over; all of the strong one's must follow.
fn climbed_after(rungs: &[&str]) -> Option<usize> {
    let at = rungs.iter().position(|rung| *rung == STRONG)?;
    assert!(rungs[at..].iter().all(|rung| *rung == STRONG), "back and forth: {rungs:?}");
    Some(at)
}
