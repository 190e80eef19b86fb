//! Several places for one model: which of them answers, and what becomes of one that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use waymark_testkit::{DEADLINE, Reply, Response, Upstream};

use super::{House, short};
use crate::rig::{chat, wait};

const THREE: &str = r#"
[providers.a]
kind = "openai"
base_url = "{0}"

[providers.b]
kind = "openai"
base_url = "{1}"

[providers.c]
kind = "openai"
base_url = "{2}"

[models.large]
id = "large-1"

[models.large.deployments]
a = { provider = "a" }
b = { provider = "b" }
c = { provider = "c", id = "large-1-west" }

[routes.auto]
ladder = ["large"]
"#;

/// An upstream that fails as long as it is told to.
fn mortal() -> (Upstream, Arc<AtomicBool>) {
    let dead = Arc::new(AtomicBool::new(false));
    let upstream = Upstream::with({
        let dead = Arc::clone(&dead);
        move |_| match dead.load(Ordering::SeqCst) {
            true => Reply::error(500, "dead"),
            false => Reply::text("alive"),
        }
    });
    (upstream, dead)
}

/// A server with three places for one model, and what kills each.
fn three() -> (House, Vec<Arc<AtomicBool>>) {
    let (upstreams, deaths) = (0..3).map(|_| mortal()).unzip();
    (House::start(THREE, upstreams), deaths)
}

/// Four clients at once, each of whose requests is a session of its own.
fn load(house: &House, name: &str, requests: usize) -> Vec<Response> {
    let ask = |session: String| {
        house.ask("/v1/chat/completions", &[("x-session-id", &session)], &chat("auto", true))
    };
    let client = |client: usize| {
        let sessions = (0..requests).map(move |number| format!("{name}-{client}-{number}"));
        sessions.map(ask).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|number| scope.spawn(move || client(number))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn one_of_three_dies_under_load_and_every_request_is_answered() {
    let (house, deaths) = three();
    assert!(load(&house, "healthy", 10).iter().all(|answer| answer.status == 200));
    let victim = (0..3).max_by_key(|upstream| house.asked(*upstream)).unwrap();
    deaths[victim].store(true, Ordering::SeqCst);
    let victim = ["a", "b", "c"][victim];
    let faulty = load(&house, "faulty", 25);
    let succeeded = faulty.iter().filter(|answer| answer.status == 200 && answer.text().contains("[DONE]"));
    assert_eq!(succeeded.count(), 100, "not one request is lost");
    let (mut failed, mut passed_over) = (0, 0);
    for answer in &faulty {
        let why = house.why(answer);
        let attempts = super::told(&why);
        let served: Vec<_> = attempts.iter().filter(|attempt| attempt.served).collect();
        assert!(matches!(served[..], [one] if one.provider != victim), "{why}");
        assert_eq!(why["provider"], served[0].provider.as_str());
        for attempt in attempts.iter().filter(|attempt| !attempt.served) {
            assert_eq!(attempt.provider, victim, "{why}");
            match attempt.error.as_deref() {
                Some("server_error") => failed += 1,
                Some("breaker_open") => passed_over += 1,
                _ => panic!("{why}"),
            }
        }
    }
    assert!(failed >= 5 && passed_over > 0, "{failed} failed, {passed_over} passed over");
    assert!(failed < 40, "the breaker keeps requests away: {failed} failed");
    for one in house.deployments("large") {
        let is_victim = one["provider"] == victim;
        assert_eq!(one["name"], format!("large/{}", one["provider"].as_str().unwrap()));
        assert_eq!(
            (one["last_error"] == "server_error", one["breaker"] != "closed"),
            (is_victim, is_victim),
            "{one}"
        );
    }
    let metrics = house.http().get("/metrics", &[]).text();
    for provider in ["a", "b", "c"] {
        let closed = format!("waymark_breaker{{model=\"large\",deployment=\"large/{provider}\"}} 0");
        assert_eq!(metrics.contains(&closed), provider != victim, "{metrics}");
    }
    assert!(metrics.contains("cause=\"server_error\""), "{metrics}");
}

#[test]
fn a_session_stays_where_its_prompts_are_cached() {
    let (house, deaths) = three();
    let ask = |session: &str| {
        let answer = house.ask("/v1/chat/completions", &[("x-session-id", session)], &chat("auto", true));
        house.why(&answer)["provider"].as_str().unwrap().to_owned()
    };
    for session in ["s1", "s2", "s3"] {
        let first = ask(session);
        assert!((0..8).all(|_| ask(session) == first), "{session}");
    }
    let first = ask("s4");
    let dead = &deaths[["a", "b", "c"].iter().position(|provider| *provider == first).unwrap()];
    dead.store(true, Ordering::SeqCst);
    let moved = ask("s4");
    assert_ne!(moved, first);
    dead.store(false, Ordering::SeqCst);
    assert!((0..8).all(|_| ask("s4") == moved), "it does not go back, where nothing is cached any more");
}

#[test]
fn what_keeps_failing_is_not_asked_and_the_client_is_told_when_to_come_back() {
    let (mortal, dead) = mortal();
    dead.store(true, Ordering::SeqCst);
    let one = "[providers.a]\nkind = \"openai\"\nbase_url = \"{0}\"\nretries = 0\n[models.m]\nprovider = \"a\"\nid = \"m-1\"\n";
    let house = House::start(one, vec![mortal]);
    for _ in 0..5 {
        assert_eq!(house.chat("m", false).status, 500);
    }
    for stream in [false, true] {
        let refused = house.chat("m", stream);
        assert_eq!((refused.status, refused.header("x-waymark-route")), (503, "breaker_open"));
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=5).contains(&seconds), "{seconds}");
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("server_error") && message.contains("tried again in"), "{message}");
        let why = house.why(&refused);
        assert_eq!(why["outcome"], "refused");
        assert_eq!(short(&super::told(&why)), ["a breaker_open exhausted"]);
    }
    assert_eq!(house.asked(0), 5);
}

#[test]
fn a_request_that_tries_a_place_again_does_not_wait_for_it() {
    let (house, deaths) = three();
    deaths.iter().take(1).for_each(|dead| dead.store(true, Ordering::SeqCst));
    let state = || house.deployments("large")[0]["breaker"].as_str().unwrap().to_owned();
    let mut rounds = 0;
    wait("the breaker opens", || {
        rounds += 1;
        load(&house, &format!("before-{rounds}"), 1);
        state() != "closed"
    });
    deaths[0].store(false, Ordering::SeqCst);
    wait("it is time for a probe", || state() == "half_open");
    house.upstreams[0].push(Reply::silence());
    let answer = house.chat("auto", true);
    assert_eq!(answer.status, 200);
    let attempts = short(&house.attempts(&answer));
    assert_eq!(attempts[0], "a hedge_lost hedge", "{attempts:?}");
    assert!(attempts.len() == 2 && attempts[1].ends_with("succeeded done served"), "{attempts:?}");
    assert!(house.upstreams[0].wait_for_peer_close(1, DEADLINE));
    wait("another request finds that it is well", || {
        rounds += 1;
        load(&house, &format!("after-{rounds}"), 1);
        state() == "closed"
    });
}

#[test]
fn a_wrong_request_opens_no_breaker() {
    let one =
        "[providers.a]\nkind = \"openai\"\nbase_url = \"{0}\"\n[models.m]\nprovider = \"a\"\nid = \"m-1\"\n";
    let house = House::start(one, vec![Upstream::with(|_| Reply::error(400, "wrong"))]);
    for _ in 0..12 {
        assert_eq!(house.chat("m", false).status, 400);
    }
    assert_eq!(house.deployments("m")[0]["breaker"], "closed");
}

#[test]
fn a_silent_place_is_hedged_within_the_budget_and_the_loser_is_cancelled() {
    const HEDGED: &str = r#"
[providers.slow]
kind = "openai"
base_url = "{0}"
[providers.quick]
kind = "openai"
base_url = "{1}"
[models.coder]
provider = "slow"
id = "coder-1"
tasks = ["completion"]
[models.spare]
provider = "quick"
id = "spare-1"
tasks = ["completion"]
[routes.auto]
ladder = ["coder"]
fallback = { coder = ["spare"] }
hedge_after = "20ms"
hedge_budget = 0.000001
"#;
    let house = House::start(HEDGED, vec![Upstream::start(), Upstream::start()]);
    let body = json!({"model": "auto", "prompt": "fn main() {", "suffix": "}"});
    house.upstreams[0].push(Reply::silence());
    let answer = house.ask("/v1/completions", &[], &body);
    assert_eq!((answer.status, answer.header("x-waymark-model")), (200, "spare-1"));
    let expected = ["slow hedge_lost hedge", "quick succeeded done served"];
    assert_eq!(short(&house.attempts(&answer)), expected);
    assert!(house.upstreams[0].wait_for_peer_close(1, DEADLINE), "the loser goes on");
    // The budget is spent: the next one waits for its first place, which the client gives up on.
    let waiting = [("x-waymark-deadline", "0.3")];
    house.upstreams[0].push(Reply::silence());
    let answer = house.ask("/v1/completions", &waiting, &body);
    assert_eq!((answer.status, house.asked(1)), (504, 1));
    assert_eq!(short(&house.attempts(&answer)), ["slow deadline done"]);
}
