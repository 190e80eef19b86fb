mod shapes;

use serde_json::{Value, json};

use super::*;
use crate::{DEADLINE, Gate, Http, Response};

fn ask(upstream: &Upstream, path: &str, body: &Value) -> Response {
    Http::new(upstream.address()).post(path, &[], body.to_string())
}

fn data(response: &Response) -> Vec<String> {
    response.text().lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

fn calls() -> Vec<ToolCall> {
    vec![ToolCall::new("call_1", "read", &json!({"path": "src/lib.rs", "from": 1}))]
}

#[test]
fn every_request_is_kept_byte_for_byte() {
    let upstream = Upstream::start();
    let body = "{\"model\" : \"m\\u0065\",\n\t\"x\":1}";
    let answer = Http::new(upstream.address()).post("/v1/chat/completions?a=b", &[("X-Odd", "Yes")], body);
    assert_eq!(answer.json()["model"], SERVED_MODEL);
    // The answer can be here before its server has noted that it left.
    assert!(upstream.answered().wait(1, DEADLINE));
    let seen = upstream.last();
    assert_eq!(seen.body, body.as_bytes());
    assert_eq!(seen.model().as_deref(), Some("me"));
    assert!(seen.head.starts_with(b"POST /v1/chat/completions?a=b HTTP/1.1\r\n"));
    assert_eq!(seen.headers.get("x-odd"), Some("Yes"));
    assert_eq!(seen.fate, Fate::Answered);
}

#[test]
fn what_is_forgotten_is_answered_and_counted_all_the_same() {
    let upstream = Upstream::forgetting(|_| Reply::text("Hello."));
    for _ in 0..3 {
        assert_eq!(ask(&upstream, "/v1/chat/completions", &json!({"model": "m"})).status, 200);
    }
    assert!(upstream.answered().wait(3, DEADLINE));
    assert!(upstream.requests().is_empty());
    // A connection that is over is closed on this side too.
    crate::wait_until("no connection is kept", || upstream.shared.streams.lock().unwrap().is_empty());
}

#[test]
fn a_chat_stream_has_the_dialects_events_in_order() {
    let upstream = Upstream::start();
    let body = json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}});
    let answer = ask(&upstream, "/v1/chat/completions", &body);
    let data = data(&answer);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(data.last().map(String::as_str), Some("[DONE]"));
    let chunks: Vec<Value> =
        data[..data.len() - 1].iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[chunks.len() - 1]["usage"]["total_tokens"], 26);
    assert!(answer.whole);
}

#[test]
fn a_message_stream_has_the_dialects_events_in_order() {
    let upstream = Upstream::start();
    upstream.push(Reply::text("one two"));
    let answer = ask(&upstream, "/v1/messages", &json!({"model": "m", "stream": true}));
    let kinds: Vec<String> =
        answer.text().lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect();
    let expected = "message_start content_block_start ping content_block_delta content_block_delta \
                    content_block_stop message_delta message_stop";
    assert_eq!(kinds.join(" "), expected);
}

#[test]
fn a_response_stream_has_the_dialects_events_in_order() {
    let upstream = Upstream::start();
    let kinds = |response: &Response| -> Vec<String> {
        let text = response.text();
        let names = text.lines().filter_map(|line| line.strip_prefix("event: response."));
        names.map(str::to_owned).collect()
    };
    upstream.push(Reply::text("one two"));
    let answer = ask(&upstream, "/v1/responses", &json!({"model": "m", "stream": true}));
    let expected = "created in_progress output_item.added content_part.added output_text.delta output_text.delta \
                    output_text.done content_part.done output_item.done completed";
    assert_eq!(kinds(&answer).join(" "), expected);

    upstream.push(Reply::tools(&[ToolCall::custom("call_1", "apply_patch", "a patch"), calls().remove(0)]));
    let answer = ask(&upstream, "/v1/responses", &json!({"model": "m", "stream": true}));
    let expected = "created in_progress output_item.added output_item.done \
                    output_item.added custom_tool_call_input.delta custom_tool_call_input.delta \
                    custom_tool_call_input.delta custom_tool_call_input.done output_item.done \
                    output_item.added function_call_arguments.delta function_call_arguments.delta \
                    function_call_arguments.delta function_call_arguments.done output_item.done completed";
    assert_eq!(kinds(&answer).join(" "), expected);
    let events: Vec<Value> = data(&answer).iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!((&output[1]["input"], &output[2]["call_id"]), (&json!("a patch"), &json!("call_1")));
    let whole = ask(&upstream, "/v1/responses", &json!({"model": "m"})).json();
    assert_eq!((&whole["object"], &whole["status"]), (&json!("response"), &json!("completed")));
}

#[test]
fn a_tool_call_is_split_over_deltas_that_join_to_its_arguments() {
    let upstream = Upstream::with(|_| Reply::tools(&calls()));
    let answer = ask(&upstream, "/v1/chat/completions", &json!({"stream": true}));
    let parts: Vec<String> = data(&answer)
        .iter()
        .filter_map(|text| serde_json::from_str::<Value>(text).ok())
        .filter_map(|chunk| {
            let call = &chunk["choices"][0]["delta"]["tool_calls"][0];
            call["function"]["arguments"].as_str().map(str::to_owned)
        })
        .collect();
    assert_eq!(parts.len(), 4);
    assert_eq!(parts.concat(), calls()[0].arguments);
    let plain = ask(&upstream, "/v1/messages", &json!({})).json();
    assert_eq!(plain["content"][0]["input"]["path"], "src/lib.rs");
    assert_eq!(plain["stop_reason"], "tool_use");
}

#[test]
fn errors_and_model_lists_take_the_dialects_shape() {
    let upstream = Upstream::with(|_| Reply::error(500, "broken"));
    assert_eq!(ask(&upstream, "/v1/messages", &json!({})).json()["error"]["type"], "api_error");
    let chat = ask(&upstream, "/v1/chat/completions", &json!({}));
    assert_eq!((chat.status, chat.json()["error"]["message"].as_str()), (500, Some("broken")));
    let http = Http::new(upstream.address());
    assert_eq!(http.get("/v1/models", &[]).json()["object"], "list");
    assert_eq!(http.get("/v1/models", &[("anthropic-version", "2023-06-01")]).json()["has_more"], false);
}

#[test]
fn a_cut_answer_is_never_whole_however_it_is_framed() {
    let upstream = Upstream::start();
    for framing in [Framing::Chunked, Framing::Length] {
        upstream.push(Reply::events(9).framing(framing).cut_after(4));
        let answer = ask(&upstream, "/v1/chat/completions", &json!({"stream": true}));
        assert!(!answer.whole, "{framing:?}");
        assert_eq!(data(&answer).len(), 4, "{framing:?}");
    }
    upstream.push(Reply::events(9).framing(Framing::UntilClose).cut_after(4));
    let answer = ask(&upstream, "/v1/chat/completions", &json!({"stream": true}));
    assert_eq!((answer.whole, data(&answer).len()), (true, 4));
}

#[test]
fn splits_change_the_pieces_and_never_the_bytes() {
    let upstream = Upstream::start();
    let body = json!({"stream": true}).to_string();
    let whole = Reply::events(3).bytes("/v1/messages", body.as_bytes());
    for split in [Split::Whole, Split::Every(1), Split::Every(7), Split::At(11)] {
        upstream.push(Reply::events(3).split(split));
        let mut exchange =
            Http::new(upstream.address()).open("POST", "/v1/messages", &[], body.as_bytes()).unwrap();
        let mut pieces = Vec::new();
        while let Some(piece) = exchange.piece().unwrap() {
            pieces.push(piece);
        }
        assert_eq!(pieces.concat(), whole, "{split:?}");
        match split {
            Split::At(bytes) => assert_eq!(pieces[0].len(), bytes),
            Split::Every(1) => assert_eq!(pieces.len(), whole.len()),
            _ => {}
        }
    }
}

#[test]
fn a_gate_holds_the_stream_and_the_peer_leaving_is_noticed() {
    let upstream = Upstream::start();
    let gate = Gate::new();
    upstream.push(Reply::events(5).hold_after(2, &gate));
    upstream.push(Reply::silence());
    let http = Http::new(upstream.address());
    let mut held = http.open("POST", "/v1/messages", &[], b"{\"stream\":true}").unwrap();
    assert!(held.piece().unwrap().is_some());
    assert_eq!(upstream.last().fate, Fate::Pending);
    drop(held);
    assert!(upstream.wait_for_peer_close(1, DEADLINE));
    drop(http.send("POST", "/v1/messages", &[], b"{}").unwrap());
    assert!(upstream.wait_for_peer_close(2, DEADLINE));
    assert_eq!(upstream.last().fate, Fate::PeerClosed);

    upstream.push(Reply::text("held").hold_head(&gate));
    gate.open();
    assert_eq!(ask(&upstream, "/v1/messages", &json!({})).json()["content"][0]["text"], "held");
}

#[test]
fn raw_bytes_go_out_verbatim() {
    let upstream = Upstream::start();
    upstream.push(Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nno"));
    let answer = ask(&upstream, "/v1/messages", &json!({}));
    assert_eq!((answer.body.as_slice(), answer.whole), (b"no".as_slice(), false));
}
