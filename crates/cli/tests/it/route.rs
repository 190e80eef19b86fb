//! What routing would have decided.

use std::path::PathBuf;

use serde_json::{Value, json};
use waymark_testkit::{Output, Reply, Upstream, Waymark};

use crate::rig::{BINARY, OPENAI, Rig, chat, completion, message};

const PILOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../routing/src/replay/samples/pilot.csv");

fn replayed(file: &str, more: &[&str]) -> Output {
    Waymark::new(BINARY).run(&[&["route", "replay", "--outcomes", file], more].concat())
}

/// Compares with a file beside the tests; `UPDATE=1` writes it.
fn assert_golden(name: &str, told: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/route").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, told).unwrap();
    }
    assert_eq!(told, std::fs::read_to_string(&path).unwrap(), "{name}: see UPDATE=1");
}

fn assert_refused(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.code, Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "stdout is data: {}", output.stdout);
    for word in words {
        assert!(output.stderr.contains(word), "no `{word}` in: {}", output.stderr);
    }
}

#[test]
fn a_ladder_stands_beside_what_needs_no_router() {
    let more = ["--ladder", "small,pilot/large", "--verifier", "0.9,0.75", "--check-cost", "0.01"];
    let table = replayed(PILOT, &more);
    assert_eq!(table.code, Some(0), "{table:?}");
    assert!(!table.stdout.contains('\u{1b}'), "colours belong on a terminal");
    assert!(table.stdout.lines().all(|line| line == line.trim_end()), "{}", table.stdout);
    assert_golden("replay.txt", &table.stdout);
    let json = replayed(PILOT, &[&more[..], &["--json"]].concat());
    assert_golden("replay.json", &json.stdout);
    let told: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(told["ladder"], serde_json::json!(["pilot/small", "pilot/large"]));
    assert_eq!(told["policies"].as_array().map(Vec::len), Some(9));
}

#[test]
fn a_seed_says_which_samples_are_drawn() {
    let drawn = |seed| {
        let more = ["--ladder", "small,crew/large", "--resamples", "100", "--seed", seed, "--json"];
        replayed(PILOT, &more).stdout
    };
    assert_eq!(drawn("1"), drawn("1"));
    assert_ne!(drawn("1"), drawn("2"));
}

#[test]
fn a_picture_is_drawn_beside_the_table() {
    let waymark = Waymark::new(BINARY);
    let file = waymark.home().join("plot.svg");
    let path = file.display().to_string();
    let ladder = "small,pilot/large,crew/large";
    let output = waymark.run(&["route", "replay", "--outcomes", PILOT, "--ladder", ladder, "--plot", &path]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stdout.contains("always small") && output.stderr.contains(&path), "{output:?}");
    let drawn = std::fs::read_to_string(&file).unwrap();
    assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"), "{drawn}");
    for word in ["always small", "always large", "ladder, perfect verifier", "28 tasks of 5 repositories"] {
        assert!(drawn.contains(word), "no {word} in {drawn}");
    }
    assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
}

#[test]
fn what_cannot_be_replayed_says_what_to_do() {
    for (more, words) in [
        (&["--ladder", "smal,crew/large"][..], &["no row `smal`", "`pilot/small`", "harness/model"][..]),
        (&["--ladder", "small,large"], &["`large` may be `crew/large`, `pilot/large`", "harness/model"]),
        (&["--ladder", "small"], &["at least two rungs", "--ladder CHEAP,STRONG"]),
        (&["--ladder", "small,pilot/small"], &["twice"]),
        (&["--ladder", "small,crew/large", "--verifier", "good"], &["`perfect`, or SENSITIVITY,SPECIFICITY"]),
        (&["--ladder", "small,crew/large", "--verifier", "0.9,1.2"], &["both from 0 to 1"]),
        (&["--ladder", "small,crew/large", "--check-cost", "much"], &["--check-cost", "as in 0.02"]),
        (&["--ladder", "small,crew/large", "--resamples", "5"], &["--resamples"]),
        (&[], &["--ladder"]),
    ] {
        assert_refused(&replayed(PILOT, more), 2, words);
    }
    let waymark = Waymark::new(BINARY);
    let file = waymark.home().join("outcomes.csv");
    let path = file.display().to_string();
    assert_refused(&replayed(&path, &["--ladder", "a,b"]), 3, &["outcomes.csv"]);
    for (text, words) in [
        (&b"task,model\nx,y\n"[..], &["line 1 has no column `instance_id`", "cost_usd"][..]),
        (
            b"instance_id,harness,model,resolved,cost_usd\na-1,h,m,yes,1\n",
            &["line 2, column `resolved`: `yes`"],
        ),
        (b"instance_id,harness,model,resolved,cost_usd\na-1,h,m\n", &["line 2 has 3 fields", "quotes"]),
        (b"instance_id,harness,model,resolved,cost_usd\na-1,h,\xff,1,1\n", &["line 2 is not UTF-8"]),
        (b"instance_id,harness,model,resolved,cost_usd\na-1,h,m,1,1\na-1,h,m,1,1\n", &["line 3", "line 2"]),
        (b"instance_id,harness,model,resolved,cost_usd\n", &["no outcome"]),
    ] {
        std::fs::write(&file, text).unwrap();
        assert_refused(&replayed(&path, &["--ladder", "a,b"]), 2, words);
    }
}

/// A conversation in which so many edits failed.
fn struggling(model: &str, failed: usize) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "Fix the parser."})];
    for at in 0..failed {
        let (id, arguments) =
            (format!("call_{at}"), format!("{{\"path\":\"src/{at}.rs\",\"old\":\"a\",\"new\":\"b\"}}"));
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "edit_file", "arguments": arguments}}]}));
        messages.push(
            json!({"role": "tool", "tool_call_id": id, "content": "String to replace not found in file."}),
        );
    }
    let tool = json!({"type": "function", "function": {"name": "edit_file", "description": "Edits a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}});
    json!({"model": model, "prompt_cache_key": "struggle", "messages": messages, "tools": [tool]})
}

fn work(settings: &str) -> String {
    format!("\n[routes.work]\nladder = [\"small\", \"large\"]\n{settings}\n")
}

/// A session of five requests on the route `work`, each after one more edit that failed.
fn struggled() -> Rig {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    rig.waymark.configure(&(rig.configuration() + &work("")));
    rig.waymark.start();
    for failed in 0..5 {
        let answer = rig.chat(&struggling("work", failed));
        let model = if failed < 3 { "mock-small-1" } else { "mock-large-1" };
        assert_eq!(answer.header("x-waymark-model"), model, "after {failed}");
    }
    rig
}

fn decided_again(rig: &Rig, settings: &str, source: &[&str]) -> Value {
    let config = rig.waymark.home().join("candidate.toml");
    std::fs::write(&config, rig.configuration() + &work(settings)).unwrap();
    let config = config.display().to_string();
    let arguments = [&["route", "replay", "--config", &config, "--json"], source].concat();
    let output = rig.waymark.run(&arguments);
    assert_eq!(output.code, Some(0), "{output:?}");
    serde_json::from_str(&output.stdout).unwrap()
}

fn taken(replayed: &Value) -> Vec<(&str, u64, u64)> {
    let models = replayed["models"].as_array().unwrap();
    let count = |of: &Value| of.as_u64().unwrap();
    let told = models
        .iter()
        .map(|told| (told["model"].as_str().unwrap(), count(&told["recorded"]), count(&told["replayed"])));
    told.collect()
}

#[test]
fn the_same_configuration_decides_the_same_again() {
    let rig = struggled();
    let replayed = decided_again(&rig, "", &["--ledger"]);
    assert_eq!(replayed["requests"], 5);
    assert_eq!(replayed["changes"], json!([]));
    assert_eq!((&replayed["same"], &replayed["other_reserves"]), (&json!(5), &json!(0)));
    assert_eq!(taken(&replayed), [("large", 2, 2), ("small", 3, 3)]);
    let cost = |side: &str| replayed["cost"][format!("{side}_micro_usd")].as_u64().unwrap();
    assert_eq!(replayed["cost"]["requests"], 5, "{replayed}");
    assert_eq!([cost("repriced"), cost("replayed")], [cost("recorded"); 2]);
    assert!(cost("always_cheapest") < cost("replayed") && cost("replayed") < cost("always_strongest"));
    // An export says as much as the ledger.
    let file = rig.waymark.home().join("records.jsonl").display().to_string();
    let exported = rig.waymark.run(&["export", "--format", "jsonl", "--output", &file]);
    assert_eq!(exported.code, Some(0), "{exported:?}");
    assert_eq!(decided_again(&rig, "", &[&file]), replayed);
}

#[test]
fn whatever_was_asked_is_decided_the_same_again() {
    let rig = Rig::start();
    rig.openai.push(Reply::error(500, "broken"));
    let other = json!([{"role": "user", "content": "Say goodbye."}]);
    let asked = [
        rig.chat(&chat("auto", true)),
        rig.message(&json!({"model": "large", "max_tokens": 64, "messages": other})),
        rig.chat(&chat("small", false)),
        rig.message(&message("large", false)),
        rig.message(&message("claude", true)),
        rig.http().post("/v1/completions", OPENAI, completion(false).to_string()),
        rig.http().post("/v1/chat/completions", OPENAI, "{"),
    ];
    assert!(asked[..6].iter().all(|answer| answer.status == 200));
    let replayed = decided_again(&rig, "", &["--ledger"]);
    assert_eq!(replayed["requests"], 6, "{replayed}");
    assert_eq!((&replayed["same"], &replayed["changes"]), (&json!(6), &json!([])), "{replayed}");
    assert_eq!(replayed["left_out"], json!({"unfinished": 0, "unreadable": 1, "refused": 0}));
    // There are two conversations that cost something.
    for end in ["low", "estimate", "high"] {
        assert_eq!(replayed["over_recorded"][end], 0.0, "{replayed}");
    }
    // The rung failed on record, so it fails again, and its stand-in answers.
    assert!(taken(&replayed).contains(&("spare", 1, 1)), "{replayed}");
}

#[test]
fn another_configuration_is_told_by_what_it_would_have_decided() {
    let rig = struggled();
    let sooner = decided_again(&rig, "climb_at = 0.5", &["--ledger"]);
    assert_eq!(taken(&sooner), [("large", 2, 3), ("small", 3, 2)]);
    let change = &sooner["changes"][0];
    assert_eq!(
        (&change["recorded"]["model"], &change["replayed"]["model"]),
        (&json!("small"), &json!("large"))
    );
    assert_eq!(change["replayed"]["reason"], "climbs");
    assert_eq!(change["evidence"][0]["rule"], "failed_edit");
    assert_eq!(change["evidence"][0]["count"], 2);
    // Where the rule counts for less, nothing climbs, and what was seen before the recorded climb is not forgotten.
    let never = decided_again(&rig, "[rules.failed_edit]\nweight = 0.2", &["--ledger"]);
    assert_eq!(taken(&never), [("large", 2, 0), ("small", 3, 5)]);
    let scores: Vec<&Value> =
        never["changes"].as_array().unwrap().iter().map(|change| &change["replayed"]["score"]).collect();
    assert!(scores.iter().all(|score| **score == json!(400)), "{scores:?}");
    let config = rig.waymark.home().join("candidate.toml").display().to_string();
    let table = rig.waymark.run(&["route", "replay", "--config", &config, "--ledger"]);
    for words in
        ["5 requests decided again", "2 to another", "always the cheapest rung", "estimate", "large (climbs"]
    {
        assert!(table.stdout.contains(words), "no `{words}` in: {}", table.stdout);
    }
}

#[test]
fn records_that_cannot_be_replayed_say_what_to_do() {
    let rig = Rig::start();
    let config = rig.waymark.config().display().to_string();
    let replay = |more: &[&str]| rig.waymark.run(&[&["route", "replay"], more].concat());
    assert_refused(&replay(&["--ledger"]), 2, &["no configuration", "--config"]);
    assert_refused(&replay(&[PILOT, "--config", &config]), 2, &["line 1 is no record", "--outcomes"]);
    assert_refused(&replay(&["nowhere.jsonl", "--config", &config]), 3, &["nowhere.jsonl"]);
    assert_refused(&replay(&["--config", &config]), 2, &["--ledger"]);
    assert_refused(&replay(&["--ledger", "--ladder", "a,b"]), 2, &["--ladder", "--ledger"]);
}

#[test]
fn a_request_is_explained_without_being_sent() {
    let rig = Rig::stopped(Upstream::start(), Upstream::start());
    rig.waymark.configure(&(rig.configuration() + &work("shadow = \"claude\"")));
    let config = rig.waymark.config().display().to_string();
    let request = rig.waymark.home().join("request.json");
    std::fs::write(&request, struggling("work", 3).to_string()).unwrap();
    let path = request.display().to_string();
    let explain =
        |more: &[&str]| rig.waymark.run(&[&["route", "explain", "--config", &config], more].concat());
    let told = explain(&[&path, "--json"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&told["task"], &told["decided"]["rung"]), (&json!("agent_step"), &json!("large")));
    assert_eq!(told["decided"]["reason"], "climbs");
    assert_eq!(told["decided"]["evidence"][0]["rule"], "failed_edit");
    assert_eq!(told["shadow"]["route"], "claude");
    let text = explain(&[&path]);
    assert_eq!(text.code, Some(0), "{text:?}");
    for words in [
        "large (climbs)",
        "failed_edit@",
        "enough to climb",
        "small → large",
        "asked first",
        "below the rung taken",
        "in the shadow",
    ] {
        assert!(text.stdout.contains(words), "no `{words}` in: {}", text.stdout);
    }
    assert!(text.stdout.lines().all(|line| line == line.trim_end()), "{}", text.stdout);
    assert_refused(&explain(&[&path, "--header", "nonsense"]), 2, &["NAME=VALUE"]);
    assert_refused(&explain(&[&path, "--dialect", "morse"]), 2, &["morse", "openai-chat"]);
    assert_refused(&explain(&["nowhere.json"]), 3, &["nowhere.json"]);
    std::fs::write(&request, "{\"model\": \"work\"}").unwrap();
    assert_refused(&explain(&[&path]), 2, &["--dialect"]);
}
