//! What routing would have decided.

use std::path::PathBuf;

use serde_json::Value;
use waymark_testkit::{Output, Waymark};

use crate::rig::BINARY;

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
