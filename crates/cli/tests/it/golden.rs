//! Promise 3: between like dialects only the model's name and the credentials change, byte for byte.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use waymark_testkit::{Captured, Http, Reply, Split, Upstream};

use crate::rig::{ANTHROPIC, OPENAI, Rig};

/// A stream with what providers really send: comments, unknown fields and events, both line endings.
const CHAT_STREAM: &str = concat!(
    ": WARMING UP\n\n",
    "data: {\"id\":\"c-1\", \"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"mock-large-2026-01-01\",",
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"x_trace\":1.0e0}}]}\n\n",
    "data:{\"id\":\"c-1\",\"model\":\"mock-large-2026-01-01\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\\u00fc\u{df}e \u{1f980}\"}}]}\r\n\r\n",
    "data: {\"id\":\"c-1\",\"model\":\"mock-large-2026-01-01\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],",
    "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n",
    "data: [DONE]\n\n",
);

/// The same for messages, a signed thinking block included.
const MESSAGE_STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\", \"message\":{\"id\":\"m-1\",\"type\":\"message\",\"role\":\"assistant\",",
    "\"model\":\"mock-large-2026-01-01\",\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EqQB+/\\u003d=\"}}\n\n",
    "event: content_block_stop\r\ndata: {\"type\":\"content_block_stop\",\"index\":0}\r\n\r\n",
    "event: x_unknown\ndata: {\"type\":\"x_unknown\",\"note\":\"\u{1f980}\"}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

/// An agent's request of some 80 KB, as text, so that nothing but this function decides its bytes.
///
/// `model` is the model's JSON string, quotes included; names and strings that look like it abound elsewhere.
fn agent_request(model: &str, messages: &str) -> String {
    let mut body = String::from(
        "{\n\t\"metadata\" : {\"mod\\u0065l\":\"small\",\"model\": \"large\",\"n\":1.50e+01},\r\n",
    );
    let _ = write!(
        body,
        "  \"model\"  :\t{model} ,\"stream\":true,\"max_tokens\":4096,\n\"x_unknown\":[ [ ], {{ }},null ,-0.0],\n"
    );
    body.push_str("\"tools\":[");
    for number in 0..24 {
        let comma = if number == 0 { "" } else { " ,\n" };
        let prose =
            "Reads a file. The text \\\"model\\\": \\\"small\\\" is no model. \\u0041A\\/ ".repeat(28);
        let _ = write!(
            body,
            "{comma}{{\"name\":\"tool_{number}\",\"type\":\"function\",\"function\":{{\"name\":\"tool_{number}\",\"parameters\":{{\"type\":\"object\"}}}},\
             \"input_schema\" : {{\"type\":\"object\",\"properties\":{{\"model\":{{\"type\":\"string\",\"description\":\"{prose}\"}}}}}}}}"
        );
    }
    let _ = write!(
        body,
        "],\n\"messages\" :{messages},   \"temperature\":1.0 ,\"zz\":\"\\ud83e\\udd80\u{1f980}\"}}\n\n"
    );
    body
}

fn history(signed: bool) -> String {
    let mut messages = String::from("[");
    for turn in 0..40 {
        let comma = if turn == 0 { "" } else { "," };
        let text = format!("Turn {turn}: \\u00e9\u{e9} \\n\\t ").repeat(24);
        let thinking = if signed {
            "{\"type\":\"thinking\",\"thinking\":\"Let me see.\",\"signature\":\"EqQBCkgIARABGAIiQL+/\\u002b==\"},"
        } else {
            ""
        };
        let _ = write!(
            messages,
            "{comma}{{\"role\":\"user\",\"content\":[{{\"type\":\"text\",\"text\":\"{text}\",\"cache_control\":{{\"type\":\"ephemeral\"}}}}]}},\
             {{ \"role\":\"assistant\",\"content\":[{thinking}{{\"type\":\"text\" ,\"text\":\"done\"}}] , \"x\":0 }}"
        );
    }
    messages + "]"
}

#[test]
fn an_agents_chat_request_changes_in_nothing_but_the_models_name() {
    let rig = Rig::start();
    let (sent, expected) =
        (agent_request("\"small\"", &history(false)), agent_request("\"mock-small-1\"", &history(false)));
    assert!((75_000..110_000).contains(&sent.len()), "{} bytes", sent.len());
    let answer = rig.http().post("/v1/chat/completions", OPENAI, &sent);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_same(&rig.openai.last().body, expected.as_bytes());
}

#[test]
fn an_agents_message_request_changes_in_nothing_but_the_models_name() {
    let rig = Rig::start();
    let (sent, expected) =
        (agent_request("\"l\\u0061rge\"", &history(true)), agent_request("\"mock-large-1\"", &history(true)));
    let headers = [ANTHROPIC, &[("anthropic-beta", "interleaved-thinking-2025-05-14,x-1")]].concat();
    let answer = rig.http().post("/v1/messages?beta=true", &headers, &sent);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = rig.anthropic.last();
    assert_same(&seen.body, expected.as_bytes());
    assert_eq!(seen.headers.get("anthropic-beta"), Some("interleaved-thinking-2025-05-14,x-1"));
    assert_eq!(seen.headers.get("anthropic-version"), Some("2023-06-01"));
    assert_eq!(seen.target, "/v1/messages?beta=true");
}

#[test]
fn a_plain_answer_comes_back_as_it_was_sent() {
    let rig = Rig::start();
    let chat = "{ \"model\":\"mock-large-2026-01-01\",\n \"choices\":[ {\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\\u0041\"},\"finish_reason\":\"stop\"}],\"x\":1.0}\n";
    rig.openai.push(Reply::body(200, "application/json", chat).header("x-upstream", "kept"));
    let answer = rig.http().post(
        "/v1/chat/completions",
        OPENAI,
        r#"{"model":"small","messages":[{"role":"user","content":"x"}]}"#,
    );
    assert_same(&answer.body, chat.as_bytes());
    let message = "{\"type\":\"message\" ,\"id\":\"m-1\",\"role\":\"assistant\",\"model\":\"mock-large-2026-01-01\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"Eq\\/\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}";
    rig.anthropic.push(Reply::body(200, "application/json", message));
    let answer = rig.http().post(
        "/v1/messages",
        ANTHROPIC,
        r#"{"model":"large","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#,
    );
    assert_same(&answer.body, message.as_bytes());
}

#[test]
fn streams_cut_at_every_byte_come_back_as_they_were_sent() {
    let mut rig = Rig::stopped(
        Upstream::with(|seen| cut_stream(CHAT_STREAM, seen)),
        Upstream::with(|seen| cut_stream(MESSAGE_STREAM, seen)),
    );
    let http = rig.waymark.start();
    at_every_byte(CHAT_STREAM, |cut| ask(http, "/v1/chat/completions", OPENAI, "small", cut));
    at_every_byte(MESSAGE_STREAM, |cut| ask(http, "/v1/messages", ANTHROPIC, "large", cut));
    assert_eq!(rig.waymark.stop().code, Some(0));
    assert_eq!(rig.waymark.run(&["verify"]).code, Some(0));
}

/// The stream in two writes, the first as long as the request says, or in single bytes when it says 0.
fn cut_stream(stream: &str, seen: &Captured) -> Reply {
    let at = seen.json()["x_cut"].as_u64().unwrap_or_default() as usize;
    let reply = Reply::stream(vec![stream.as_bytes().to_vec()]);
    reply.split(if at == 0 { Split::Every(1) } else { Split::At(at) })
}

fn ask(http: Http, path: &str, headers: &[(&str, &str)], model: &str, cut: usize) -> Vec<u8> {
    let body = format!(
        r#"{{"model":"{model}","stream":true,"max_tokens":9,"x_cut":{cut},"messages":[{{"role":"user","content":"x"}}]}}"#
    );
    http.post(path, headers, body).body
}

/// Asks once per byte, a few at a time, and compares every answer.
fn at_every_byte(stream: &str, ask: impl Fn(usize) -> Vec<u8> + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let cut = next.fetch_add(1, Ordering::Relaxed);
                    if cut >= stream.len() {
                        return;
                    }
                    assert_same(&ask(cut), stream.as_bytes());
                }
            });
        }
    });
}

/// Compares, and shows the neighbourhood of the first difference instead of 80 KB.
fn assert_same(got: &[u8], expected: &[u8]) {
    if got == expected {
        return;
    }
    let at = got.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let near = |bytes: &[u8]| {
        String::from_utf8_lossy(&bytes[at.saturating_sub(60).min(bytes.len())..(at + 60).min(bytes.len())])
            .into_owned()
    };
    panic!(
        "byte {at} of {} and {}:\n got      …{}…\n expected …{}…",
        got.len(),
        expected.len(),
        near(got),
        near(expected)
    );
}

#[test]
fn the_goldens_are_valid_json_where_they_should_be() {
    let body: Value = serde_json::from_str(&agent_request("\"small\"", &history(true))).unwrap();
    assert_eq!(body["model"], "small");
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(24));
}
