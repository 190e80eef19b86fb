//! Clients that send too much, too little or out of turn: bounded memory, everyone else is served, nothing is lost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use waymark_testkit::{Exchange, Reply, Response, Upstream, allow_files};

use crate::rig::{ANTHROPIC, OPENAI, Rig, chat, outcome, wait};

const MIB: usize = 1 << 20;

/// Sends bytes as they are and reads the answer.
fn raw(rig: &Rig, bytes: &[u8]) -> Response {
    let mut stream = rig.http().connect().unwrap();
    stream.write_all(bytes).unwrap();
    Exchange::read(stream).unwrap().finish()
}

/// The head of a chat request, but for the line that says how long its body is.
fn head(rig: &Rig, more: &str) -> String {
    format!("POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\n{more}\r\n", rig.waymark.address())
}

fn assert_too_large(answer: &Response) {
    assert_eq!((answer.status, answer.header("x-waymark-route")), (413, "too_large"), "{answer:?}");
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("64 MiB"), "{}", answer.text());
}

#[test]
fn bodies_of_200_megabytes_are_refused_without_being_held() {
    let rig = Rig::start();
    let before = rig.waymark.process().peak_memory();
    let body = vec![b' '; 200 * MIB];
    for path in ["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/api/show"] {
        let answer = rig.http().post(path, ANTHROPIC, &body);
        assert_eq!((answer.status, answer.header("x-waymark-record")), (413, "none"), "{path}");
        assert!(answer.text().contains("64 MiB"), "{path}: {}", answer.text());
    }
    let declared = rig.waymark.process().peak_memory();
    assert!(declared < before + 16 * MIB, "from {before} to {declared} for bodies that were never read");
    for _ in 0..2 {
        let mut stream = rig.http().connect().unwrap();
        stream.write_all(head(&rig, "transfer-encoding: chunked\r\n").as_bytes()).unwrap();
        for piece in body.chunks(MIB) {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).unwrap();
            stream.write_all(piece).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
        assert_too_large(&Exchange::read(stream).unwrap().finish());
    }
    let chunked = rig.waymark.process().peak_memory();
    assert!(chunked < before + 160 * MIB, "from {before} to {chunked} for bodies of which 64 MiB were read");
    assert_eq!(rig.chat(&chat("small", false)).status, 200);
}

#[test]
fn an_answer_too_large_to_be_kept_is_given_and_committed_to() {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    let config = std::fs::read_to_string(rig.waymark.config()).unwrap();
    rig.waymark.configure(&format!("{config}\n[ledger]\npayloads = \"keep\"\n"));
    rig.waymark.start();
    let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "a".repeat(MIB));
    let end = "data: [DONE]\n\n".to_owned();
    let events = std::iter::repeat_n(event, 65).chain([end]).map(String::into_bytes).collect::<Vec<_>>();
    let length = events.iter().map(Vec::len).sum::<usize>();
    rig.openai.push(Reply::stream(events));
    let answer = rig.chat(&chat("small", true));
    assert_eq!((answer.whole, answer.body.len()), (true, length));
    let why = rig.why(&answer);
    assert_eq!(outcome(&why), "succeeded");
    assert!(why["error"].as_str().unwrap().contains("too large to be kept"), "{why}");
    rig.waymark.stop();
    assert_whole(&rig);
}

#[test]
fn a_client_that_asks_first_sends_nothing_in_vain() {
    let rig = Rig::start();
    let large = head(&rig, "expect: 100-continue\r\ncontent-length: 209715200\r\n");
    assert_too_large(&raw(&rig, large.as_bytes()));
    let body = chat("small", false).to_string();
    let length = body.len();
    let small =
        head(&rig, &format!("expect: 100-continue\r\ncontent-length: {length}\r\nconnection: close\r\n"));
    let mut stream = rig.http().connect().unwrap();
    stream.write_all(small.as_bytes()).unwrap();
    let mut go = [0; 25];
    stream.read_exact(&mut go).unwrap();
    assert_eq!(go, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(Exchange::read(stream).unwrap().status, 200);
}

#[test]
fn a_thousand_half_open_connections_hinder_nobody() {
    allow_files(4_096);
    let mut rig = Rig::start();
    let process = rig.waymark.process();
    assert_eq!(rig.chat(&chat("small", false)).status, 200);
    let (files, memory) = (process.open_files(), process.peak_memory());

    let half = format!("{}{}", head(&rig, "content-length: 1000\r\n"), "{".repeat(500));
    let beginnings = ["", "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nx-ha", &half];
    let open = |beginning: &&str| -> TcpStream {
        let mut stream = rig.http().connect().unwrap();
        stream.write_all(beginning.as_bytes()).unwrap();
        stream
    };
    let half_open: Vec<TcpStream> = beginnings.iter().cycle().take(1_000).map(open).collect();
    wait("the connections are not all accepted", || process.open_files() > 1_000);
    for stream in [false, true].repeat(10) {
        let answer = rig.chat(&chat("small", stream));
        assert_eq!((answer.status, outcome(&rig.why(&answer))), (200, "succeeded"));
    }
    let peak = process.peak_memory();
    assert!(peak < memory + 64 * MIB, "from {memory} to {peak}");

    drop(half_open);
    wait("the connections are not let go", || process.open_files() < files + 30);
    let left_open: Vec<TcpStream> = beginnings.iter().map(open).collect();
    let stopped = rig.waymark.stop();
    drop(left_open);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(!stopped.stderr.contains("did not close"), "{stopped:?}");
    assert_whole(&rig);
}

#[test]
fn a_body_that_breaks_off_is_no_request() {
    let mut rig = Rig::start();
    let body = chat("small", false).to_string();
    let (first, rest) = body.split_at(20);
    for text in [
        format!("{}{first}", head(&rig, &format!("content-length: {}\r\n", body.len()))),
        format!(
            "{}14\r\n{first}\r\n{:x}\r\n{rest}",
            head(&rig, "transfer-encoding: chunked\r\n"),
            rest.len()
        ),
        format!("{}14\r\n{first}\r\nnonsense\r\n", head(&rig, "transfer-encoding: chunked\r\n")),
    ] {
        let mut stream = rig.http().connect().unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = Exchange::read(stream).unwrap().finish();
        assert_eq!((answer.status, answer.header("x-waymark-record")), (400, "none"), "{text}");
        assert!(
            answer.json()["error"]["message"].as_str().unwrap().contains("broke off"),
            "{}",
            answer.text()
        );
    }
    assert!(rig.openai.requests().is_empty(), "half a request was passed on");
    rig.waymark.stop();
    assert_whole(&rig);
}

#[test]
fn requests_sent_one_after_another_are_answered_in_turn() {
    let rig = Rig::start();
    let body = chat("small", false).to_string();
    let one =
        |more: &str| format!("{}{body}", head(&rig, &format!("content-length: {}\r\n{more}", body.len())));
    let mut stream = rig.http().connect().unwrap();
    stream.write_all(format!("{}{}{}", one(""), one(""), one("connection: close\r\n")).as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(rig.openai.requests().len(), 3);
}

#[test]
fn what_is_no_http_gets_a_bare_status() {
    let rig = Rig::start();
    let long = "x".repeat(100_000);
    for (text, status) in [
        (format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"), 414),
        // More than twice the bound: what one read brings on top of it is taken.
        (format!("GET / HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", long.repeat(4)), 431),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x-many: a\r\n".repeat(200)), 431),
        ("what is this\r\n\r\n".to_owned(), 400),
        (head(&rig, "content-length: minus one\r\n"), 400),
        (head(&rig, "content-length: 5\r\ncontent-length: 6\r\n"), 400),
    ] {
        assert_eq!(raw(&rig, text.as_bytes()).status, status, "{}", &text[..text.len().min(60)]);
    }
    assert_eq!(rig.http().get("/healthz", OPENAI).status, 200);
}

/// Checks a stopped server's ledger: nothing is wrong, and every record has its end.
fn assert_whole(rig: &Rig) {
    let verified = rig.waymark.run(&["verify", "--json"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let told: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(told["open"], serde_json::json!([]), "{told}");
}
