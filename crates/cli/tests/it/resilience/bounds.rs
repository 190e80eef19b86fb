//! Deadlines, limits and what is ready before it is needed.

use waymark_testkit::{DEADLINE, Gate, Reply, Upstream};

use super::{House, short};
use crate::rig::{ANTHROPIC, OPENAI, chat, message, wait};

const ONE: &str = r#"
[providers.only]
kind = "openai"
base_url = "{0}"
[models.m]
provider = "only"
id = "m-1"
[models.hurried]
provider = "only"
id = "h-1"
[routes.auto]
ladder = ["hurried"]
deadline = "300ms"
"#;

#[test]
fn a_deadline_that_passes_before_the_first_byte_is_a_clear_504() {
    let house = House::start(ONE, vec![Upstream::start()]);
    for (model, headers) in
        [("auto", &[][..]), ("m", &[("x-waymark-deadline", "0.2")]), ("m", &[("x-stainless-timeout", "0.2")])]
    {
        for stream in [false, true] {
            house.upstreams[0].push(Reply::silence());
            let answer = house.ask("/v1/chat/completions", headers, &chat(model, stream));
            assert_eq!((answer.status, answer.header("x-waymark-route")), (504, "deadline"));
            assert!(answer.text().contains("x-waymark-deadline"), "{}", answer.text());
            let why = house.why(&answer);
            assert_eq!(why["outcome"], "timed_out");
            assert_eq!(short(&super::told(&why)), ["only deadline done"]);
        }
    }
    assert!(
        house.upstreams[0].wait_for_peer_close(6, DEADLINE),
        "an upstream call goes on without its request"
    );
    let wrong = house.ask("/v1/chat/completions", &[("x-waymark-deadline", "soon")], &chat("m", false));
    assert_eq!((wrong.status, wrong.header("x-waymark-route")), (400, "bad_deadline"));
}

#[test]
fn retries_keep_to_the_deadline() {
    let house = House::start(ONE, vec![Upstream::start()]);
    house.upstreams[0].push(Reply::error(429, "slow").header("retry-after", "5"));
    let headers = [("x-waymark-deadline", "2")];
    let answer = house.ask("/v1/chat/completions", &headers, &chat("m", false));
    assert_eq!((answer.status, answer.header("retry-after")), (429, "5"), "there is no time to wait for it");
    assert_eq!(short(&house.attempts(&answer)), ["only rate_limited exhausted"]);
}

#[test]
fn a_stream_that_outlasts_its_deadline_ends_in_an_error() {
    let house = House::start(ONE, vec![Upstream::start()]);
    house.upstreams[0].push(Reply::events(9).hold_after(4, &Gate::new()));
    let answer = house.ask("/v1/chat/completions", &[("x-waymark-deadline", "0.5")], &chat("m", true));
    assert!(answer.text().contains("word2") && !answer.text().contains("[DONE]"), "{}", answer.text());
    assert_eq!(short(&house.attempts(&answer)), ["only deadline exhausted served"]);
    // What its library waits for is a byte, and bytes came.
    house.upstreams[0].push(Reply::events(9));
    let answer = house.ask("/v1/chat/completions", &[("x-stainless-timeout", "30")], &chat("m", true));
    assert!(answer.text().contains("[DONE]"));
}

const NARROW: &str = r#"
[providers.narrow]
kind = "openai"
base_url = "{0}"
max_concurrent = 1
[providers.wide]
kind = "openai"
base_url = "{1}"
[models.m]
provider = "narrow"
id = "m-1"
[models.spare]
provider = "wide"
id = "s-1"
[routes.auto]
ladder = ["m"]
fallback = { m = ["spare"] }
"#;

#[test]
fn a_provider_gets_no_more_calls_than_it_may_and_the_others_go_elsewhere() {
    let house = House::start(NARROW, vec![Upstream::start(), Upstream::start()]);
    let gate = Gate::new();
    house.upstreams[0].push(Reply::events(9).hold_after(3, &gate));
    let body = chat("m", true).to_string();
    let first = house.http().open("POST", "/v1/chat/completions", OPENAI, body.as_bytes()).unwrap();
    let aside = house.chat("auto", false);
    assert_eq!((aside.status, aside.header("x-waymark-model")), (200, "s-1"));
    let expected = ["narrow at_capacity fallback", "wide succeeded done served"];
    assert_eq!(short(&house.attempts(&aside)), expected);
    let refused = house.chat("m", false);
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    let why = house.why(&refused);
    assert_eq!(
        (&why["outcome"], short(&super::told(&why))),
        (&"refused".into(), vec!["narrow at_capacity exhausted".to_owned()])
    );
    assert_eq!(house.asked(0), 1);
    gate.open();
    assert!(first.finish().text().contains("[DONE]"));
    assert_eq!(house.chat("m", false).status, 200, "there is room again");
}

#[test]
fn a_full_server_says_so_at_once_in_the_clients_dialect_and_on_record() {
    let house = House::start(
        &format!("[server]\nmax_concurrent = 1\n{NARROW}"),
        vec![Upstream::start(), Upstream::start()],
    );
    let gate = Gate::new();
    house.upstreams[1].push(Reply::events(9).hold_after(3, &gate));
    let body = chat("spare", true).to_string();
    let first = house.http().open("POST", "/v1/chat/completions", OPENAI, body.as_bytes()).unwrap();
    let refused = [
        house.chat("spare", false),
        house.http().post("/v1/messages", ANTHROPIC, message("spare", false).to_string()),
    ];
    for refused in &refused {
        assert_eq!((refused.status, refused.header("x-waymark-route")), (503, "at_capacity"));
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(house.why(refused)["outcome"], "refused");
    }
    assert_eq!(refused[1].json()["type"], "error");
    gate.open();
    assert!(first.finish().text().contains("[DONE]"));
    wait("the place is free", || house.chat("spare", false).status == 200);
}

#[test]
fn a_connection_is_there_before_the_first_request() {
    let cold = NARROW.replace("max_concurrent = 1", "warm = false");
    let house = House::start(&cold, vec![Upstream::start(), Upstream::start()]);
    assert!(house.upstreams[1].connected().wait(1, DEADLINE));
    assert_eq!(house.asked(1), 0, "nothing is asked");
    for _ in 0..3 {
        assert_eq!(house.chat("spare", false).status, 200);
    }
    assert_eq!(house.upstreams[1].connected().count(), 1, "the first request found it, and the next ones");
    assert_eq!(house.upstreams[0].connected().count(), 0, "where it is not wanted, none is opened");
}

#[test]
fn a_connection_that_was_closed_meanwhile_costs_no_request() {
    let mut house = House::start(NARROW, vec![Upstream::start(), Upstream::start()]);
    assert!(house.upstreams[1].connected().wait(1, DEADLINE));
    let address = house.upstreams[1].address();
    house.upstreams.remove(1);
    house.upstreams.push(Upstream::at(address));
    let answer = house.chat("spare", false);
    assert_eq!(
        (answer.status, short(&house.attempts(&answer))),
        (200, vec!["wide succeeded done served".to_owned()])
    );
}
