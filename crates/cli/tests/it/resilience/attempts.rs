//! Retries, and the way up: what is asked again, what is not, and what only a rung above can do.

use serde_json::json;
use waymark_testkit::{Reply, Upstream};

use super::{House, openai_error, short};

const ONE: &str = r#"
[providers.only]
kind = "openai"
base_url = "{0}"
retries = 2
breaker = false

[models.small]
provider = "only"
id = "small-1"

[models.spare]
provider = "only"
id = "spare-1"

[models.large]
provider = "only"
id = "large-1"
tasks = ["completion"]

[models.tiny]
provider = "only"
id = "tiny-1"
tasks = ["completion"]

[routes.auto]
ladder = ["small"]
fallback = { small = ["spare"] }

[routes.coding]
ladder = ["tiny", "large"]
fallback = { tiny = ["spare"] }
"#;

fn house() -> House {
    House::start(ONE, vec![Upstream::start()])
}

#[test]
fn what_may_pass_is_asked_again_at_the_same_place() {
    let house = house();
    for stream in [false, true] {
        house.upstreams[0].push(Reply::error(500, "broken"));
        house.upstreams[0].push(Reply::raw("what?\r\n\r\n"));
        let answer = house.chat("small", stream);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-waymark-route"), "pinned");
        let attempts = house.attempts(&answer);
        let expected = ["only server_error retry", "only broke_off retry", "only succeeded done served"];
        assert_eq!(short(&attempts), expected);
    }
    (0..3).for_each(|_| house.upstreams[0].push(Reply::error(503, "no room")));
    let answer = house.chat("small", false);
    assert_eq!(answer.status, 503, "the provider's own words are passed on: {}", answer.text());
    let expected = ["only overloaded retry", "only overloaded retry", "only overloaded exhausted"];
    assert_eq!(short(&house.attempts(&answer)), expected);
}

#[test]
fn with_a_stand_in_at_hand_it_is_one_more_try() {
    let house = house();
    (0..2).for_each(|_| house.upstreams[0].push(Reply::error(500, "broken")));
    let answer = house.chat("auto", false);
    let expected = ["only server_error retry", "only server_error fallback", "only succeeded done served"];
    assert_eq!(short(&house.attempts(&answer)), expected);
    assert_eq!(answer.header("x-waymark-model"), "spare-1");
}

#[test]
fn what_cannot_pass_is_never_asked_again() {
    let house = house();
    let quota =
        openai_error(429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota");
    for (reply, status, cause, next) in [
        (quota, 429, "quota_exhausted", "exhausted"),
        (Reply::error(401, "who?"), 401, "auth", "exhausted"),
        (Reply::error(404, "what?"), 404, "not_found", "exhausted"),
        (Reply::error(400, "wrong"), 400, "bad_request", "done"),
        (Reply::error(429, "slow").header("retry-after", "3600"), 429, "rate_limited", "exhausted"),
        (Reply::error(500, "no").header("x-should-retry", "false"), 500, "server_error", "exhausted"),
    ] {
        house.upstreams[0].push(reply);
        let answer = house.chat("small", false);
        assert_eq!(answer.status, status);
        assert_eq!(short(&house.attempts(&answer)), [format!("only {cause} {next}")]);
    }
    house.upstreams[0].push(Reply::error(429, "slow").header("retry-after", "0"));
    let answer = house.chat("small", false);
    let expected = ["only rate_limited retry", "only succeeded done served"];
    assert_eq!(short(&house.attempts(&answer)), expected);
}

#[test]
fn a_wrong_request_is_wrong_elsewhere_too() {
    let house = house();
    house.upstreams[0].push(Reply::error(400, "wrong"));
    let answer = house.chat("auto", true);
    assert_eq!(
        (answer.status, short(&house.attempts(&answer))),
        (400, vec!["only bad_request done".to_owned()])
    );
}

#[test]
fn a_conversation_goes_up_after_everything_beside_it_failed_and_at_once_where_that_alone_helps() {
    let talking = r#"
[providers.only]
kind = "openai"
base_url = "{0}"
retries = 0
breaker = false
[models.small]
provider = "only"
id = "small-1"
[models.spare]
provider = "only"
id = "spare-1"
[models.large]
provider = "only"
id = "large-1"
[routes.auto]
ladder = ["small", "large"]
fallback = { small = ["spare"] }
"#;
    let house = House::start(talking, vec![Upstream::start()]);
    let refused = openai_error(400, "invalid_request_error", "content_filter", "content management policy");
    let long =
        openai_error(400, "invalid_request_error", "context_length_exceeded", "maximum context length");
    for (reply, cause) in [(refused, "content_refused"), (long, "context_overflow")] {
        house.upstreams[0].push(reply);
        let answer = house.chat("auto", true);
        assert_eq!((answer.status, answer.header("x-waymark-model")), (200, "large-1"));
        let expected = [format!("only {cause} escalate"), "only succeeded done served".to_owned()];
        assert_eq!(short(&house.attempts(&answer)), expected);
    }
    (0..2).for_each(|_| house.upstreams[0].push(Reply::error(500, "broken")));
    let answer = house.chat("auto", false);
    assert_eq!((answer.status, answer.header("x-waymark-route")), (200, "escalated"));
    let expected = ["only server_error fallback", "only server_error escalate", "only succeeded done served"];
    assert_eq!(short(&house.attempts(&answer)), expected);
}

#[test]
fn what_is_too_long_for_a_rung_goes_up_and_not_sideways() {
    let house = house();
    let long = || {
        openai_error(400, "invalid_request_error", "context_length_exceeded", "maximum context length is 5")
    };
    let body = json!({"model": "coding", "prompt": "fn main() {", "suffix": "}"});
    house.upstreams[0].push(long());
    let answer = house.ask("/v1/completions", &[], &body);
    assert_eq!((answer.status, answer.header("x-waymark-route")), (200, "escalated"));
    let expected = ["only context_overflow escalate", "only succeeded done served"];
    assert_eq!(short(&house.attempts(&answer)), expected);
    assert_eq!(answer.header("x-waymark-model"), "large-1");
    (0..2).for_each(|_| house.upstreams[0].push(long()));
    let answer = house.ask("/v1/completions", &[], &body);
    assert_eq!(answer.status, 400, "where nothing is above, the client hears what is wrong");
    let expected = ["only context_overflow escalate", "only context_overflow exhausted"];
    assert_eq!(short(&house.attempts(&answer)), expected);
}
