//! Where a session stands: on its rung, over restarts, until there is a natural place to come down.

use std::time::Duration;

use waymark_testkit::{Agent, Faults, Script, Session};

use super::{CHEAP, House, STRONG, climbed_after, rung};

/// A session whose user has rejected what the cheap model did, and in which the strong one is at work.
fn climbed() -> Script {
    Script::new()
        .user("Make the tests pass.")
        .runs("ls")
        .prints("app.py\n")
        .says("Done.")
        .user("No, that's wrong. Undo it.")
        .runs("git checkout app.py")
        .edits("app.py", "max(items)", "sum(items)")
}

/// The session so far stands on the strong rung because the cheap model's provider failed once, of which its
/// conversation says nothing.
fn moved_by_a_fault(house: &House, session: &Session) {
    let requests = session.requests();
    let (last, before) = requests.split_last().unwrap();
    assert!(before.iter().all(|asked| rung(&house.ask(asked)) == CHEAP));
    house.fail_once();
    assert_eq!(rung(&house.ask(last)), STRONG);
}

fn begun() -> Script {
    Script::new().user("Make the tests pass.").runs("ls").prints("app.py\n")
}

fn goes_on() -> Script {
    begun().reads("app.py").prints("x = 1\n").reads("b.py").prints("y = 1\n")
}

#[test]
fn a_session_stays_on_its_rung_to_the_end_of_its_turn() {
    let house = House::with("", "");
    for (number, agent) in (0..).zip(Agent::ALL) {
        let rungs = house.rungs(&agent.session(number, climbed().runs("pytest").prints("4 passed\n")));
        assert_eq!(climbed_after(&rungs), Some(2), "{agent:?}: {rungs:?}");
    }
}

#[test]
fn a_session_stays_on_its_rung_over_restarts() {
    let mut house = House::with("", "");
    let sessions = |script: Script| {
        (0..).zip(Agent::ALL).map(move |(number, agent)| agent.session(number, script.clone()))
    };
    for session in sessions(begun()) {
        moved_by_a_fault(&house, &session);
    }
    for session in sessions(begun().reads("app.py").prints("x = 1\n")) {
        assert_eq!(rung(&house.ask(&session.last())), STRONG, "before a restart");
    }
    house.waymark.kill();
    house.waymark.start();
    for session in sessions(goes_on()) {
        assert_eq!(rung(&house.ask(&session.last())), STRONG, "after SIGKILL");
    }
    house.waymark.signal("TERM");
    assert_eq!(house.waymark.wait().code, Some(0));
    house.waymark.start();
    for session in sessions(goes_on().runs("pytest").prints("4 passed\n")) {
        assert_eq!(rung(&house.ask(&session.last())), STRONG, "after SIGTERM");
    }
}

#[test]
fn conversations_that_begin_alike_share_no_rung() {
    let house = House::with("", "");
    for (number, agent) in (0..).step_by(10).zip(Agent::ALL) {
        moved_by_a_fault(&house, &agent.session(number, begun()));
        let other = agent.session(number + 1, goes_on());
        assert_eq!(climbed_after(&house.rungs(&other)), None, "{agent:?}: another session");
        let unnamed = agent.session(number + 2, begun()).unnamed();
        moved_by_a_fault(&house, &unnamed);
        let alike = agent.session(number + 3, goes_on()).unnamed();
        assert_eq!(climbed_after(&house.rungs(&alike)), None, "{agent:?}: clients that name no session");
    }
}

#[test]
fn it_comes_down_at_a_new_turn_after_a_success_and_not_before() {
    let house = House::with("", "");
    for (number, agent) in (0..).zip(Agent::ALL) {
        let success = climbed().runs("pytest").prints("4 passed\n").says("All tests pass.");
        let session = agent.session(number, success.user("Thanks. Now describe it."));
        let rungs = house.rungs(&session);
        let (last, before) = rungs.split_last().unwrap();
        assert_eq!((*last, climbed_after(before)), (CHEAP, Some(2)), "{agent:?}: {rungs:?}");
        let decision = house.decision(&house.ask(&session.last()));
        assert_ne!(decision["reason"], "descends_after_success", "it is down already: {decision}");
    }
}

#[test]
fn the_record_says_why_it_came_down_and_what_that_costs() {
    let house = House::with("", "");
    let success = climbed().says("All tests pass.").user("Thanks. Now describe it.");
    let decision = house.decision(&house.last(&Agent::ClaudeCode.session(0, success)));
    assert_eq!(decision["reason"], "descends_after_success", "{decision}");
    let switch = &decision["ladder"]["switch"];
    assert_eq!((&switch["from"], &switch["to"]), (&STRONG.into(), &CHEAP.into()), "{decision}");
    let tokens = switch["uncached_tokens"].as_u64().unwrap();
    assert_eq!(switch["cost_micro_usd"], tokens, "1 USD for a million: {decision}");
    assert!(switch["saved_per_turn_micro_usd"].as_i64().unwrap() > 0, "{decision}");
    assert!(switch["repaid_after_turns"].as_u64().unwrap() <= 8, "{decision}");
}

#[test]
fn it_does_not_come_down_to_a_user_who_is_not_content_still() {
    let house = House::with("", "");
    for (number, agent) in (0..).zip(Agent::ALL) {
        let session = climbed().says("Done.").user("No, that's still wrong.");
        assert_eq!(climbed_after(&house.rungs(&agent.session(number, session))), Some(2), "{agent:?}");
    }
}

#[test]
fn it_comes_down_after_a_compaction() {
    let house = House::with("", "");
    for (number, agent) in (0..).zip(Agent::ALL) {
        let compacted = climbed().compacted("The total is right now.").runs("pytest").prints("4 passed\n");
        let session = agent.session(number, compacted);
        let rungs = house.rungs(&session);
        assert_eq!(rungs[2..5], [STRONG; 3], "{agent:?}: {rungs:?}");
        assert_eq!(rungs[rungs.len() - 2..], [CHEAP; 2], "{agent:?}: {rungs:?}");
    }
}

#[test]
fn it_comes_down_after_a_pause_that_no_cache_outlives() {
    let mut house = House::stopped("cache_life = \"5m\"", "");
    let faults = Faults::below(&house.waymark.data_dir());
    house.waymark.start_with(&faults.environment());
    let agents = || (0..).zip(Agent::ALL);
    for (number, agent) in agents() {
        assert_eq!(climbed_after(&house.rungs(&agent.session(number, climbed()))), Some(2), "{agent:?}");
    }
    let next = |script: Script| script.runs("pytest").prints("4 passed\n");
    faults.set_clock_ahead(Duration::from_secs(4 * 60));
    for (number, agent) in agents() {
        let asked = agent.session(number, next(climbed())).last();
        assert_eq!(rung(&house.ask(&asked)), STRONG, "{agent:?}: its cache is warm");
    }
    faults.set_clock_ahead(Duration::from_secs(10 * 60));
    for (number, agent) in agents() {
        let asked = agent.session(number, next(next(climbed()))).last();
        let answer = house.ask(&asked);
        assert_eq!(rung(&answer), CHEAP, "{agent:?}: its cache is cold");
        assert_eq!(house.decision(&answer)["reason"], "descends_after_idle");
    }
}
