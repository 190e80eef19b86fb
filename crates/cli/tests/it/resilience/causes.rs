//! Every fault of a provider, told by its cause: the attempt is on record with it, and another place answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use waymark_testkit::{Gate, Reply, SERVED_MODEL, Upstream};

use super::{House, openai_error};

/// `bad` first, `good` when it fails.
const BOTH: &str = r#"
[providers.bad]
kind = "openai"
base_url = "BAD"
retries = 0
breaker = false
connect_timeout = "5s"
first_byte_timeout = "1s"
stall_timeout = "300ms"

[providers.good]
kind = "openai"
base_url = "{0}"

[models.first]
provider = "bad"
id = "first-1"

[models.second]
provider = "good"
id = "second-1"

[routes.auto]
ladder = ["first"]
fallback = { first = ["second"] }
"#;

fn house(bad: &str, upstreams: Vec<Upstream>) -> House {
    House::start(&BOTH.replace("BAD", bad), upstreams)
}

/// Asks once and checks that the fault of `bad` is on record, and that `good` served.
fn check(house: &House, stream: bool, cause: &str, outcome: &str) {
    let answer = house.chat("auto", stream);
    assert_eq!(answer.status, 200, "{cause}: {}", answer.text());
    assert_eq!(answer.header("x-waymark-route"), "fallback", "{cause}");
    let attempts = house.attempts(&answer);
    let expected = [format!("bad {cause} fallback"), "good succeeded done served".to_owned()];
    assert_eq!(super::short(&attempts), expected);
    assert_eq!((attempts[0].outcome.as_str(), attempts[0].served), (outcome, false), "{cause}");
    assert_eq!(attempts[1].served_model.as_deref(), Some(SERVED_MODEL), "{cause}");
    let why = house.why(&answer);
    assert_eq!((&why["provider"], &why["served_model"]), (&"good".into(), &SERVED_MODEL.into()), "{cause}");
}

#[test]
fn answers_that_are_errors_are_told_apart_and_another_place_answers() {
    let house = house("{1}", vec![Upstream::start(), Upstream::start()]);
    let quota =
        openai_error(429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota");
    let rate = openai_error(429, "requests", "rate_limit_exceeded", "Rate limit reached for requests");
    let unpaid =
        openai_error(400, "invalid_request_error", "billing_hard_limit_reached", "Billing hard limit");
    for (reply, cause) in [
        (Reply::error(500, "broken"), "server_error"),
        (Reply::error(503, "no room"), "overloaded"),
        (Reply::error(401, "who?"), "auth"),
        (Reply::error(404, "no such model"), "not_found"),
        (Reply::error(504, "too slow"), "timeout"),
        (quota, "quota_exhausted"),
        (unpaid, "quota_exhausted"),
        (rate, "rate_limited"),
        (Reply::body(200, "text/html", "<html>sign in</html>"), "no_answer"),
        (Reply::body(200, "application/json", r#"{"id":"x","choices":[{"mes"#), "no_answer"),
        (Reply::body(200, "application/json", r#"{"error":{"message":"busy","code":503}}"#), "overloaded"),
    ] {
        for stream in [false, true] {
            house.upstreams[1].push(reply.clone());
            check(&house, stream, cause, "failed");
        }
    }
    assert_eq!(house.asked(1), 22, "each was asked for once");
}

#[test]
fn connections_that_break_before_the_first_byte_are_told_apart() {
    let house = house("{1}", vec![Upstream::start(), Upstream::start()]);
    for stream in [false, true] {
        house.upstreams[1].push(Reply::raw("what?\r\n\r\n"));
        check(&house, stream, "broke_off", "failed");
        house.upstreams[1].push(Reply::silence());
        check(&house, stream, "first_byte_timeout", "timed_out");
        house.upstreams[1].push(Reply::events(5).hold_after(0, &Gate::new()));
        check(&house, stream, "stalled", "timed_out");
    }
    house.upstreams[1].push(Reply::events(5).cut_after(0));
    check(&house, true, "broke_off", "failed");
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{\"id\": ";
    house.upstreams[1].push(Reply::raw(half));
    check(&house, false, "broke_off", "failed");
    let overloaded =
        "data: {\"error\":{\"message\":\"The engine is overloaded\",\"code\":\"overloaded\"}}\n\n";
    house.upstreams[1].push(Reply::stream(vec![overloaded.into()]));
    check(&house, true, "overloaded", "stream_failed");
}

#[test]
fn places_that_cannot_be_reached_are_told_apart() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    // No label of a name is longer than 63 characters: every resolver refuses this one at once.
    let nowhere = format!("http://{}.invalid/v1", "x".repeat(70));
    for (base, cause) in
        [(format!("http://{closed}/v1"), "connect_failed"), (nowhere, "dns_failed"), (plain(), "tls_failed")]
    {
        let house = house(&base, vec![Upstream::start(), Upstream::start()]);
        for stream in [false, true] {
            check(&house, stream, cause, "failed");
        }
    }
}

/// The address of a server that speaks no TLS, as if it did.
fn plain() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            // What is left unread would reset the connection, and nobody could tell why.
            let _ = stream.read(&mut [0; 16 << 10]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    format!("https://{address}/v1")
}

#[test]
fn a_stream_that_breaks_after_its_first_byte_is_never_tried_again() {
    let house = house("{1}", vec![Upstream::start(), Upstream::start()]);
    let overloaded =
        "data: {\"error\":{\"message\":\"The engine is overloaded\",\"code\":\"overloaded\"}}\n\n";
    let word = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (reply, cause) in [
        (Reply::events(9).cut_after(4), "broke_off"),
        (Reply::events(9).hold_after(4, &Gate::new()), "stalled"),
        (Reply::stream(vec![word.into(), overloaded.into()]), "overloaded"),
    ] {
        house.upstreams[1].push(reply);
        let answer = house.chat("auto", true);
        assert!(!answer.text().contains("[DONE]"), "{cause}: {}", answer.text());
        let attempts = house.attempts(&answer);
        assert_eq!(super::short(&attempts), [format!("bad {cause} exhausted served")]);
        assert_eq!(attempts[0].outcome, "stream_failed");
    }
    assert_eq!(house.asked(0), 0);
}
