//! What those who watch are told: a collector that is asked for, and whoever scrapes.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::Value;
use waymark_testkit::{Gate, Reply, Upstream};

use crate::commands::{database, sqlite};
use crate::faults::FULL;
use crate::rig::{OPENAI, Rig, chat, message, wait};

fn collector() -> Upstream {
    Upstream::with(|_| Reply::body(200, "application/json", "{}"))
}

/// A running server that tells `address`, with further settings as variables.
fn telling(address: &str, settings: &[(&str, &str)]) -> Rig {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    rig.waymark.env("WAYMARK_TELEMETRY_OTLP_ENDPOINT", address);
    for (name, value) in settings {
        rig.waymark.env(name, value);
    }
    rig.waymark.start();
    rig
}

/// Everything below `within` in the bodies sent to `signal`.
fn told(collector: &Upstream, signal: &str, within: [&str; 3]) -> Vec<Value> {
    let requests = collector.requests();
    let bodies = requests.iter().filter(|request| request.target == signal).map(|request| request.json());
    let below = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let [resources, scopes, items] = within;
    bodies
        .flat_map(|body| below(&body, resources))
        .flat_map(|resource| below(&resource, scopes))
        .flat_map(|scope| below(&scope, items))
        .collect()
}

fn spans(collector: &Upstream) -> Vec<Value> {
    told(collector, "/v1/traces", ["resourceSpans", "scopeSpans", "spans"])
}

/// The text of a span's attribute.
fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    let found = span["attributes"].as_array()?.iter().find(|pair| pair["key"] == key);
    found?["value"]["stringValue"].as_str()
}

#[test]
fn every_answer_is_told_by_the_time_the_server_has_stopped() {
    let collector = collector();
    let address = format!("http://{}", collector.address());
    let variables =
        [("WAYMARK_TELEMETRY_OTLP_HEADERS_ENV", "COLLECTOR"), ("COLLECTOR", "x-tenant=one%20two")];
    let mut rig = telling(&address, &variables);
    rig.openai.push(Reply::error(500, "broken"));
    let answers = [
        rig.chat(&chat("auto", true)),
        rig.chat(&chat("small", false)),
        rig.message(&message("large", true)),
    ];
    assert_eq!(rig.waymark.stop().code, Some(0));
    let spans = spans(&collector);
    // The first one took two calls.
    assert_eq!(spans.len(), 3 + 4);
    let roots = spans.iter().filter(|span| span.get("parentSpanId").is_none());
    let told: BTreeSet<&str> = roots.filter_map(|span| attribute(span, "waymark.record")).collect();
    let records: BTreeSet<&str> = answers.iter().map(|answer| answer.header("x-waymark-record")).collect();
    assert_eq!(told, records);
    let metrics = self::told(&collector, "/v1/metrics", ["resourceMetrics", "scopeMetrics", "metrics"]);
    let names: BTreeSet<&str> = metrics.iter().filter_map(|metric| metric["name"].as_str()).collect();
    let expected = ["token.usage", "operation.duration", "operation.time_to_first_chunk"];
    assert_eq!(
        names,
        expected.map(|name| format!("gen_ai.client.{name}")).iter().map(String::as_str).collect()
    );
    for request in collector.requests() {
        assert_eq!(request.headers.get("x-tenant"), Some("one two"));
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert!(!body.contains("Say hello") && !body.contains("scripted upstream"), "{body}");
    }
}

#[test]
fn texts_are_told_only_where_that_is_asked_for() {
    let collector = collector();
    let address = format!("http://{}", collector.address());
    let variables = [("WAYMARK_TELEMETRY_CONTENT", "true"), ("WAYMARK_LEDGER_PAYLOADS", "keep")];
    let mut rig = telling(&address, &variables);
    rig.chat(&chat("small", true));
    rig.message(&message("large", false));
    assert_eq!(rig.waymark.stop().code, Some(0));
    let spans = spans(&collector);
    let messages = |key| spans.iter().filter_map(move |span| attribute(span, key)).collect::<Vec<_>>();
    for (key, words) in [
        ("gen_ai.input.messages", "Say hello."),
        ("gen_ai.output.messages", "Hello from the scripted upstream."),
    ] {
        let told = messages(key);
        assert!(told.len() == 2 && told.iter().all(|text| text.contains(words)), "{key}: {told:?}");
    }
}

#[test]
fn a_collector_that_is_not_there_costs_no_answer() {
    // Bound and never accepted from after it is closed: nobody listens there.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut rig = telling(&format!("http://{nobody}"), &[]);
    for _ in 0..3 {
        assert_eq!(rig.chat(&chat("small", false)).status, 200);
    }
    let stopped = rig.waymark.stop();
    assert_eq!(stopped.code, Some(0));
    for words in ["the telemetry collector has a problem: it cannot be reached", "3 answers were not told"] {
        assert!(stopped.stderr.contains(words), "{}", stopped.stderr);
    }
}

#[test]
fn nothing_is_told_anyone_who_was_not_named() {
    let collector = collector();
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    rig.waymark.env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", collector.address()));
    rig.waymark.start();
    rig.chat(&chat("small", false));
    assert_eq!(rig.waymark.stop().code, Some(0));
    assert_eq!(collector.received().count(), 0);
}

/// The page that is scraped.
fn page(rig: &Rig) -> String {
    let answer = rig.http().get("/metrics", &[]);
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    answer.text()
}

#[test]
fn metrics_count_what_was_answered_and_how_the_ledger_is() {
    let rig = Rig::start();
    rig.openai.push(Reply::error(500, "broken"));
    rig.chat(&chat("auto", true));
    rig.message(&message("large", false));
    rig.http().post("/v1/chat/completions", OPENAI, "{");
    let page = page(&rig);
    for line in [
        "waymark_answers_total{task=\"chat\",route=\"auto\",model=\"spare\",outcome=\"succeeded\"} 1",
        "waymark_answers_total{task=\"chat\",route=\"none\",model=\"large\",outcome=\"succeeded\"} 1",
        "waymark_answers_total{task=\"none\",route=\"none\",model=\"none\",outcome=\"refused\"} 1",
        "waymark_attempts_total{provider=\"alpha\",model=\"small\",outcome=\"failed\"} 1",
        "waymark_further_attempts_total{next=\"fallback\"} 1",
        "waymark_tokens_total{model=\"large\",type=\"output\"} 5",
        "waymark_ledger_append_seconds_count 3",
        "waymark_ledger_open_records 0",
        "waymark_ledger_writable 1",
    ] {
        assert!(page.lines().any(|said| said == line), "no {line} in:\n{page}");
    }
    let leaves = page.lines().find_map(|line| line.strip_prefix("waymark_ledger_leaves "));
    assert!(leaves.is_some_and(|leaves| leaves.parse::<u64>().is_ok_and(|leaves| leaves >= 7)), "{leaves:?}");
}

#[test]
fn answers_under_way_are_told_while_they_are() {
    let rig = Rig::start();
    let is_idle = || page(&rig).lines().any(|said| said == "waymark_answers_under_way 0");
    let gate = Gate::new();
    rig.openai.push(Reply::events(4).hold_after(2, &gate));
    let body = chat("small", true).to_string();
    let mut held = rig.http().open("POST", "/v1/chat/completions", OPENAI, body.as_bytes()).unwrap();
    held.piece().unwrap();
    assert!(!is_idle(), "{}", page(&rig));
    gate.open();
    assert!(held.finish().whole);
    wait("no answer is under way", is_idle);
}

#[test]
fn an_answer_that_could_not_be_recorded_is_counted_as_that() {
    let rig = Rig::start();
    sqlite(&database(&rig.waymark), FULL);
    assert_eq!(rig.chat(&chat("small", false)).status, 503);
    let page = page(&rig);
    for line in [
        "waymark_answers_total{task=\"chat\",route=\"none\",model=\"small\",outcome=\"unrecorded\"} 1",
        "waymark_ledger_writable 0",
    ] {
        assert!(page.lines().any(|said| said == line), "no {line} in:\n{page}");
    }
}

#[test]
fn no_client_adds_a_series_and_no_foreign_page_reads_them() {
    let rig = Rig::start();
    let ask = |number: usize| {
        let (agent, session) = (format!("client{number}/1"), format!("session-{number}"));
        let headers =
            [OPENAI, &[("user-agent", agent.as_str()), ("x-session-id", session.as_str())]].concat();
        let body = chat(&format!("unknown-{number}"), false).to_string();
        assert_eq!(rig.http().post("/v1/chat/completions", &headers, body).status, 200);
    };
    ask(0);
    let series = || page(&rig).lines().count();
    let before = series();
    (1..200).for_each(ask);
    assert_eq!(series(), before);
    assert_eq!(rig.http().get("/metrics", &[("origin", "https://elsewhere.example")]).status, 403);
}
