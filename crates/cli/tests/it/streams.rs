//! Streams that end badly: a fault never looks like success, and a client that leaves is noticed upstream.

use waymark_testkit::{DEADLINE, Fate, Framing, Gate, Reply, Upstream};

use crate::rig::{ANTHROPIC, OPENAI, Rig, chat, message, outcome};

#[test]
fn a_chat_stream_cut_upstream_ends_in_the_dialects_error() {
    let rig = Rig::start();
    for framing in [Framing::Chunked, Framing::UntilClose] {
        rig.openai.push(Reply::events(12).framing(framing).cut_after(5));
        let answer = rig.chat(&chat("small", true));
        let text = answer.text();
        assert!(text.contains("word3 "), "what had arrived is passed on: {text}");
        assert!(!text.contains("[DONE]") && !text.contains("\"finish_reason\":\"stop\""), "{text}");
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let error: serde_json::Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("{text}"));
        assert!(error["error"]["message"].is_string(), "{text}");
        let why = rig.why(&answer);
        assert_eq!(outcome(&why), "stream_failed", "{framing:?}: {why}");
    }
}

#[test]
fn a_message_stream_cut_upstream_ends_in_the_dialects_error() {
    let rig = Rig::start();
    for framing in [Framing::Chunked, Framing::UntilClose] {
        rig.anthropic.push(Reply::events(12).framing(framing).cut_after(6));
        let answer = rig.message(&message("large", true));
        let text = answer.text();
        assert!(!text.contains("message_stop") && !text.contains("end_turn"), "{text}");
        assert!(text.contains("event: error\n"), "{text}");
        assert_eq!(outcome(&rig.why(&answer)), "stream_failed", "{framing:?}");
    }
}

#[test]
fn a_plain_answer_cut_upstream_is_an_error() {
    let rig = Rig::start();
    let whole = Reply::text("never whole").bytes("/v1/messages", b"{}");
    let half = String::from_utf8_lossy(&whole[..whole.len() / 2]).into_owned();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        whole.len()
    );
    rig.anthropic.push(Reply::raw(head + &half));
    let answer = rig.message(&message("large", false));
    let is_error = answer.status >= 500 && answer.json()["type"] == "error";
    assert!(is_error || !answer.whole, "{answer:?}");
    assert_ne!(outcome(&rig.why(&answer)), "succeeded");
}

#[test]
fn an_answer_that_is_no_http_is_an_error() {
    let rig = Rig::start();
    rig.anthropic.push(Reply::raw("what?\r\n\r\n"));
    let answer = rig.message(&message("large", false));
    assert!(answer.status >= 500 && answer.json()["type"] == "error", "{answer:?}");
    assert_eq!(outcome(&rig.why(&answer)), "failed");
}

#[test]
fn a_client_that_leaves_mid_stream_cancels_upstream() {
    let rig = Rig::start();
    let gate = Gate::new();
    rig.openai.push(Reply::events(30).hold_after(4, &gate));
    let body = chat("small", true).to_string();
    let mut exchange = rig.http().open("POST", "/v1/chat/completions", OPENAI, body.as_bytes()).unwrap();
    let record = exchange.headers.get("x-waymark-record").unwrap().to_owned();
    // Everything sent before the hold is read first: nothing is left whose sending would find the client gone.
    let mut seen = String::new();
    while !seen.contains("word2 ") {
        seen.push_str(&String::from_utf8_lossy(&exchange.piece().unwrap().unwrap()));
    }
    drop(exchange);
    assert!(rig.openai.wait_for_peer_close(1, DEADLINE), "the upstream call goes on without its client");
    assert_eq!(settled(&rig, &record), "cancelled");
}

#[test]
fn a_client_that_leaves_before_the_first_byte_cancels_upstream() {
    let rig = Rig::start();
    rig.anthropic.push(Reply::silence());
    let body = message("large", false).to_string();
    let waiting = rig.http().send("POST", "/v1/messages", ANTHROPIC, body.as_bytes()).unwrap();
    assert!(rig.anthropic.received().wait(1, DEADLINE));
    drop(waiting);
    assert!(rig.anthropic.wait_for_peer_close(1, DEADLINE), "the upstream call goes on without its client");
    assert_eq!(rig.anthropic.last().fate, Fate::PeerClosed);
}

#[test]
fn an_interrupt_drains_an_open_stream_and_ends_well() {
    let mut rig = Rig::start();
    let gate = Gate::new();
    rig.openai.push(Reply::events(10).hold_after(3, &gate));
    let body = chat("small", true).to_string();
    let mut exchange = rig.http().open("POST", "/v1/chat/completions", OPENAI, body.as_bytes()).unwrap();
    let record = exchange.headers.get("x-waymark-record").unwrap().to_owned();
    assert!(exchange.piece().unwrap().is_some());
    rig.waymark.signal("INT");
    gate.open();
    let answer = exchange.finish();
    assert!(answer.whole && answer.text().ends_with("data: [DONE]\n\n"), "{answer:?}");
    assert_eq!(rig.waymark.wait().code, Some(0));
    assert_eq!(outcome(&rig.waymark.why(&record)), "succeeded");
    assert_eq!(rig.waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn a_server_that_says_it_listens_can_be_told_to_stop() {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    for signal in ["INT", "TERM"].repeat(10) {
        rig.waymark.start();
        rig.waymark.signal(signal);
        let ended = rig.waymark.wait();
        assert_eq!(ended.code, Some(0), "SIG{signal} ended it undrained: {}", ended.stderr);
    }
}

/// The outcome of a record whose request nobody waits for any more, once it has one.
fn settled(rig: &Rig, record: &str) -> String {
    let until = std::time::Instant::now() + DEADLINE;
    loop {
        let why = rig.waymark.why(record);
        if let Some(outcome) = why["outcome"].as_str() {
            return outcome.to_owned();
        }
        assert!(std::time::Instant::now() < until, "the record stays open: {why}");
        std::thread::yield_now();
    }
}
