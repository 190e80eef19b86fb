//! Output gates: an answer that does not pass makes way for the next rung's, and is never hidden.

use serde_json::{Value, json};
use waymark_testkit::{Reply, Response, ToolCall, Upstream, Waymark};

use crate::rig::{BINARY, OPENAI};

/// A cheap and a dear model, each at an upstream of its own.
struct House {
    waymark: Waymark,
    small: Upstream,
    large: Upstream,
}

impl House {
    fn start(gates: &str) -> Self {
        let (small, large) = (Upstream::start(), Upstream::start());
        let mut waymark = Waymark::new(BINARY);
        let provider = |name: &str, upstream: &Upstream| {
            let base = upstream.openai_base();
            format!(
                "[providers.{name}]\nkind = \"openai\"\nbase_url = \"{base}\"\nretries = 0\nbreaker = false\n\
                 [models.{name}]\nprovider = \"{name}\"\nid = \"{name}-1\"\nprice = {{ input = 1.0, output = 4.0 }}\n"
            )
        };
        let routes = "[routes.auto]\nladder = [\"small\", \"large\"]\ngates = [\"whole\"]\n";
        let models = provider("small", &small) + &provider("large", &large);
        waymark.configure(&format!("{models}{routes}[gates.whole]\n{gates}\n"));
        waymark.start();
        Self { waymark, small, large }
    }

    fn ask(&self, body: &Value) -> Response {
        self.waymark.http().post("/v1/chat/completions", OPENAI, body.to_string())
    }

    /// What its record says of the attempts: error, outcome, whether it served, and whether it was thrown away.
    fn attempts(&self, answer: &Response) -> Vec<(Option<String>, String, bool, bool)> {
        let why = self.waymark.why(answer.header("x-waymark-record"));
        let told = |attempt: &Value| {
            let error = attempt["error"].as_str().map(str::to_owned);
            let outcome = attempt["outcome"].as_str().unwrap().to_owned();
            (error, outcome, attempt["served"] == true, attempt["discarded"].is_object())
        };
        why["attempts"].as_array().unwrap().iter().map(told).collect()
    }
}

fn request(stream: bool) -> Value {
    json!({"model": "auto", "stream": stream, "messages": [{"role": "user", "content": "Read a.rs."}],
        "tools": [{"type": "function", "function": {"name": "read", "parameters":
            {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}}}]})
}

fn call(arguments: &Value) -> Reply {
    Reply::tools(&[ToolCall::new("call_1", "read", arguments)])
}

fn wanted(
    error: Option<&str>,
    outcome: &str,
    served: bool,
    discarded: bool,
) -> (Option<String>, String, bool, bool) {
    (error.map(str::to_owned), outcome.to_owned(), served, discarded)
}

#[test]
fn a_call_that_does_not_hold_to_its_schema_makes_way_for_the_next_rungs() {
    let house = House::start("kind = \"schema\"");
    for stream in [false, true] {
        house.small.push(call(&json!({"path": 7})));
        house.large.push(call(&json!({"path": "a.rs"})));
        let answer = house.ask(&request(stream));
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains(".rs"), "{}", answer.text());
        assert_eq!(answer.header("x-waymark-route"), "escalated");
        let stopped = wanted(Some("gate:whole"), "failed", false, true);
        assert_eq!(
            house.attempts(&answer),
            [stopped, wanted(None, "succeeded", true, false)],
            "stream: {stream}"
        );
        let why = house.waymark.why(answer.header("x-waymark-record"));
        let (discarded, cost) = (&why["attempts"][0]["discarded"], &why["cost_micro_usd"]);
        if let (Some(discarded), Some(cost)) = (discarded["cost_micro_usd"].as_u64(), cost.as_u64()) {
            assert!(discarded > 0 && cost > discarded, "{why}");
        } else {
            assert!(stream, "a whole answer states its usage: {why}");
        }
    }
    house.small.push(call(&json!({"path": "b.rs"})));
    let answer = house.ask(&request(true));
    assert!(answer.text().contains(".rs") && answer.text().contains("[DONE]"), "{}", answer.text());
    assert_eq!(house.attempts(&answer), [wanted(None, "succeeded", true, false)]);
}

#[test]
fn an_answer_that_nobody_can_better_is_given_and_not_hidden() {
    let house = House::start("kind = \"json\"");
    house.small.push(Reply::tools(&[ToolCall::new("call_1", "write", &json!({}))]));
    house.large.push(Reply::error(500, "it broke"));
    let answer = house.ask(&request(false));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("write"), "{}", answer.text());
    let attempts = house.attempts(&answer);
    assert_eq!(attempts[0].0.as_deref(), Some("gate:whole"));
    assert!(attempts[0].2, "it is the answer given: {attempts:?}");
    assert_eq!(attempts[1], wanted(Some("server_error"), "failed", false, false));
}

#[test]
fn a_command_decides_and_one_that_cannot_be_run_stops_nothing() {
    let house = House::start("kind = \"command\"\ncommand = [\"grep\", \"-q\", \"hello\"]");
    house.small.push(Reply::text("Good bye."));
    house.large.push(Reply::text("And hello."));
    let body = json!({"model": "auto", "messages": [{"role": "user", "content": "Greet me."}]});
    let answer = house.ask(&body);
    assert!(answer.text().contains("And hello."), "{}", answer.text());
    assert_eq!(house.attempts(&answer)[0], wanted(Some("gate:whole"), "failed", false, true));
    let broken = House::start("kind = \"command\"\ncommand = [\"/no/such/program\"]");
    let answer = broken.ask(&body);
    assert_eq!(answer.status, 200);
    assert_eq!(broken.attempts(&answer), [wanted(Some("gate_broken:whole"), "succeeded", true, false)]);
}

#[test]
fn a_gate_stops_stopping_when_its_budget_is_spent() {
    let house = House::start("kind = \"json\"\nbudget_day = 0.000001");
    for expected in ["gate:whole", "gate_budget_spent:whole"] {
        house.small.push(Reply::tools(&[ToolCall::new("call_1", "write", &json!({}))]));
        house.large.push(call(&json!({"path": "a.rs"})));
        let answer = house.ask(&request(false));
        assert_eq!(house.attempts(&answer)[0].0.as_deref(), Some(expected), "{}", answer.text());
    }
}

#[test]
fn a_gated_stream_that_breaks_off_is_as_if_it_had_never_begun() {
    let house = House::start("kind = \"json\"");
    house.small.push(Reply::events(5).cut_after(2));
    house.large.push(Reply::text("Whole."));
    let body =
        json!({"model": "auto", "stream": true, "messages": [{"role": "user", "content": "Greet me."}]});
    let answer = house.ask(&body);
    assert!(answer.text().contains("Whole.") && answer.text().contains("[DONE]"), "{}", answer.text());
    assert_eq!(house.attempts(&answer)[0].0.as_deref(), Some("broke_off"));
}
