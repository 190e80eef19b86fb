//! A ledger that cannot write, answers that are none, and clients that must be kept out.

use serde_json::json;
use waymark_testkit::{Reply, Upstream};

use crate::commands::{database, sqlite};
use crate::rig::{ANTHROPIC, OPENAI, Rig, chat, completion, outcome};

/// From now on the database rolls every batch back, as it does on a full disk.
pub(crate) const FULL: &str = "db.execute(\"CREATE TRIGGER full BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END\")";
const FREE: &str = "db.execute('DROP TRIGGER full')";

#[test]
fn nothing_is_answered_while_the_ledger_cannot_write_and_everything_is_once_it_can() {
    let mut rig = Rig::start();
    sqlite(&database(&rig.waymark), FULL);
    for _ in 0..2 {
        for body in [chat("small", false), chat("small", true)] {
            let refused = rig.chat(&body);
            assert_eq!(refused.status, 503);
            assert_eq!(refused.header("x-waymark-record"), "none");
            assert_eq!(refused.header("x-waymark-route"), "ledger_unavailable");
            assert!(refused.text().contains("disk full"), "{}", refused.text());
        }
        let completed = rig.http().post("/v1/completions", OPENAI, completion(false).to_string());
        assert_eq!(completed.status, 503);
        assert_eq!(rig.http().get("/healthz", &[]).status, 503);
    }
    sqlite(&database(&rig.waymark), FREE);
    assert_eq!(rig.http().get("/healthz", &[]).status, 200);
    let answered = rig.chat(&chat("small", true));
    assert_eq!((answered.status, outcome(&rig.why(&answered))), (200, "succeeded"));
    assert_eq!(rig.waymark.stop().code, Some(0));
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn serving_without_a_ledger_is_opt_in_and_leaves_it_whole() {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    let config = std::fs::read_to_string(rig.waymark.config()).unwrap();
    rig.waymark.configure(&format!("{config}\n[ledger]\non_failure = \"serve\"\n"));
    rig.waymark.start();
    sqlite(&database(&rig.waymark), FULL);
    for stream in [false, true] {
        let served = rig.chat(&chat("small", stream));
        assert_eq!((served.status, served.header("x-waymark-record")), (200, "none"));
    }
    sqlite(&database(&rig.waymark), FREE);
    assert_ne!(rig.chat(&chat("small", true)).header("x-waymark-record"), "none");
    rig.waymark.kill();
    assert_eq!(rig.waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn what_is_no_answer_is_never_recorded_as_one() {
    let rig = Rig::start();
    let no_answers = [
        Reply::body(200, "application/json", r#"{"error":{"message":"quota","code":402}}"#),
        Reply::body(200, "application/json", r#"{"id":"x","choices":[{"mes"#),
        Reply::body(200, "text/html", "<html>sign in</html>"),
        Reply::body(302, "text/plain", "moved").header("location", "http://127.0.0.1:1/"),
    ];
    for reply in no_answers {
        rig.openai.push(reply);
        let answered = rig.chat(&chat("auto", false));
        let told = rig.why(&answered);
        assert_eq!(told["attempts"][0]["outcome"], "failed", "{told}");
        assert_eq!(told["attempts"][0]["served"], false, "{told}");
        assert_eq!((told["attempts"][0]["next"].as_str(), outcome(&told)), (Some("fallback"), "succeeded"));
    }
    for event in [
        "data: {\"object\":\"error\",\"message\":\"overloaded\"}\n\n",
        "data: {\"error\":{\"message\":\"overloaded\"},\"choices\":null}\n\n",
        "event: error\ndata: {}\n\n",
    ] {
        let head = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
        rig.openai.push(Reply::stream(vec![head.into(), event.into(), "data: [DONE]\n\n".into()]));
        let answered = rig.chat(&chat("small", true));
        assert_eq!(outcome(&rig.why(&answered)), "stream_failed", "{event}");
    }
}

#[test]
fn a_record_holds_no_word_of_a_request_or_an_answer() {
    let mut rig = Rig::start();
    let mut body = chat("small", false);
    body["messages"] = json!("MY SECRET PROMPT");
    assert_eq!(rig.chat(&body).status, 400);
    rig.openai.push(Reply::error(400, "you said: MY SECRET PROMPT"));
    assert!(rig.chat(&chat("small", false)).text().contains("MY SECRET PROMPT"), "the client is told all");
    rig.waymark.stop();
    let bytes = std::fs::read(database(&rig.waymark)).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("SECRET PROMPT"));
}

#[test]
fn figures_that_cannot_be_true_are_unknown_and_break_nothing() {
    let rig = Rig::start();
    let huge = json!({"id": "x", "model": "m".repeat(70_000), "choices": [],
        "usage": {"prompt_tokens": 1_u64 << 53, "completion_tokens": 3}});
    rig.openai.push(Reply::body(200, "application/json", huge.to_string()));
    let told = rig.why(&rig.chat(&chat("small", false)));
    assert_eq!((&told["usage"]["input"], &told["usage"]["output"]), (&json!(null), &json!(3)));
    assert_eq!(told["cost_micro_usd"], json!(null));
    assert_eq!(told["served_model"].as_str().map(str::len), Some(200));
}

#[test]
fn foreign_pages_and_made_up_names_are_kept_out() {
    let rig = Rig::start();
    let body = chat("small", false).to_string();
    for headers in [
        &[("origin", "null")][..],
        &[("origin", "https://evil.example")],
        &[("origin", "http://203.0.113.5")],
    ] {
        let refused = rig.http().post("/v1/chat/completions", headers, &body);
        assert_eq!(
            (refused.status, refused.header("x-waymark-route")),
            (403, "foreign_origin"),
            "{headers:?}"
        );
    }
    assert_eq!(rig.openai.requests().len(), 0);
    let editor = rig.http().post("/v1/chat/completions", &[("origin", "vscode-webview://ab12")], &body);
    assert_eq!(editor.status, 200);
}

#[test]
fn a_database_put_back_to_an_older_state_is_noticed() {
    let mut rig = Rig::start();
    rig.chat(&chat("small", false));
    rig.waymark.stop();
    let (file, older) = (database(&rig.waymark), std::fs::read(database(&rig.waymark)).unwrap());
    rig.waymark.start();
    rig.http().post("/v1/messages", ANTHROPIC, crate::rig::message("large", false).to_string());
    rig.waymark.stop();
    std::fs::write(&file, older).unwrap();
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(verified.stdout.contains("rolled back"), "{verified:?}");
    let config = rig.waymark.config().display().to_string();
    let started = rig.waymark.run(&["serve", "--config", &config, "--listen", "127.0.0.1:0"]);
    assert_eq!(started.code, Some(3), "{started:?}");
}
