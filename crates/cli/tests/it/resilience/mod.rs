//! The path under faults: what is tried again, where, and how each attempt is on record.

mod attempts;
mod bounds;
mod causes;
mod deployments;

use serde_json::{Value, json};
use waymark_testkit::{Http, Reply, Response, Upstream, Waymark};

use crate::rig::{BINARY, OPENAI};

/// A server between scripted upstreams, of which the test says how they are configured.
struct House {
    waymark: Waymark,
    upstreams: Vec<Upstream>,
}

impl House {
    /// Starts it with `configuration`, in which `{0}` is the first upstream's address with its version, and so on.
    fn start(configuration: &str, upstreams: Vec<Upstream>) -> Self {
        let mut text = configuration.to_owned();
        for (number, upstream) in upstreams.iter().enumerate() {
            text = text.replace(&format!("{{{number}}}"), &upstream.openai_base());
        }
        let mut waymark = Waymark::new(BINARY);
        waymark.configure(&text);
        waymark.start();
        Self { waymark, upstreams }
    }

    fn http(&self) -> Http {
        self.waymark.http()
    }

    fn ask(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
        self.http().post(path, &[OPENAI, headers].concat(), body.to_string())
    }

    /// Asks for a chat answer of `model`.
    fn chat(&self, model: &str, stream: bool) -> Response {
        self.ask("/v1/chat/completions", &[], &crate::rig::chat(model, stream))
    }

    fn why(&self, answer: &Response) -> Value {
        self.waymark.why(answer.header("x-waymark-record"))
    }

    /// What the record of an answer says of its attempts.
    fn attempts(&self, answer: &Response) -> Vec<Told> {
        told(&self.why(answer))
    }

    /// How many requests an upstream got.
    fn asked(&self, upstream: usize) -> usize {
        self.upstreams[upstream].received().count()
    }

    /// What `/admin/status` says of a model's deployments.
    fn deployments(&self, model: &str) -> Vec<Value> {
        let status = self.http().get("/admin/status", &[]).json();
        let models = status["models"].as_array().unwrap();
        let model = models.iter().find(|told| told["name"] == model).unwrap();
        model["deployments"].as_array().unwrap().clone()
    }
}

/// What a record says of one attempt.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    provider: String,
    outcome: String,
    error: Option<String>,
    next: String,
    served: bool,
    served_model: Option<String>,
}

/// What a record says of its attempts.
fn told(why: &Value) -> Vec<Told> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let attempt = |attempt: &Value| Told {
        provider: text(&attempt["provider"]).unwrap(),
        outcome: text(&attempt["outcome"]).unwrap(),
        error: text(&attempt["error"]),
        next: text(&attempt["next"]).unwrap(),
        served: attempt["served"] == true,
        served_model: text(&attempt["served_model"]),
    };
    why["attempts"].as_array().unwrap_or_else(|| panic!("no attempts: {why}")).iter().map(attempt).collect()
}

impl Told {
    /// The attempt in short: provider, cause or outcome, and what followed.
    fn short(&self) -> String {
        let what = self.error.as_deref().unwrap_or(&self.outcome);
        format!("{} {what} {}{}", self.provider, self.next, if self.served { " served" } else { "" })
    }
}

fn short(attempts: &[Told]) -> Vec<String> {
    attempts.iter().map(Told::short).collect()
}

/// An error answer of OpenAI's.
fn openai_error(status: u16, kind: &str, code: &str, message: &str) -> Reply {
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    Reply::body(status, "application/json", body.to_string())
}
