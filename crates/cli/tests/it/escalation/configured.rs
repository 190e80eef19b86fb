//! What a configuration makes of the rules, and a policy that decides beside the live one.

use waymark_testkit::{Agent, Script};

use super::{CHEAP, House, STRONG, climbed_after};

fn rejected() -> Script {
    Script::new().user("Make the tests pass.").says("Done.").user("No, that's wrong. Undo it.")
}

#[test]
fn a_rule_that_is_disabled_does_not_count() {
    let house = House::with("", "[rules.user_rejection]\nenabled = false");
    for (number, agent) in (0..).zip(Agent::ALL) {
        assert_eq!(climbed_after(&house.rungs(&agent.session(number, rejected()))), None, "{agent:?}");
    }
}

#[test]
fn a_rule_that_is_overridden_counts_as_the_configuration_says() {
    let house = House::with("", "[rules.user_rejection]\nat_least = 2");
    for (number, agent) in (0..).zip(Agent::ALL) {
        let session = agent.session(number, rejected().says("Done.").user("That is still wrong."));
        let requests = session.requests();
        let rungs = house.rungs(&session);
        assert_eq!(climbed_after(&rungs), Some(requests.len() - 1), "{agent:?}: {rungs:?}");
        let decision =
            house.decision(&house.ask(
                &agent.session(number + 10, rejected().says("Done.").user("That is still wrong.")).last(),
            ));
        let evidence = &decision["ladder"]["evidence"][0];
        assert_eq!(
            (&evidence["rule"], &evidence["version"]),
            (&"user_rejection".into(), &0.into()),
            "{decision}"
        );
    }
}

#[test]
fn a_rule_of_the_teams_own_counts() {
    let ours = "[rules.locked_table]\nsignal = \"result_says\"\npatterns = [\"quota table is locked\"]\nat_least = 1\nweight = 1.0";
    let house = House::with("", ours);
    for (number, agent) in (0..).zip(Agent::ALL) {
        let script =
            Script::new().user("Migrate it.").runs("make migrate").prints("the quota table is locked\n");
        let answer = house.last(&agent.session(number, script));
        let decision = house.decision(&answer);
        assert_eq!(
            (&decision["reason"], &decision["ladder"]["rung"]),
            (&"climbs".into(), &STRONG.into()),
            "{decision}"
        );
        assert_eq!(decision["ladder"]["evidence"][0]["rule"], "locked_table", "{decision}");
    }
}

#[test]
fn a_switch_that_costs_too_much_is_weighed_and_left() {
    let house = House::with("switch_limit = 0.000001", "");
    for (number, agent) in (0..).zip(Agent::ALL) {
        let session = agent.session(number, rejected());
        assert_eq!(climbed_after(&house.rungs(&session)), None, "{agent:?}");
        let decision = house.decision(&house.ask(&session.last()));
        assert_eq!(decision["reason"], "switch_too_dear", "{decision}");
        assert_eq!(decision["ladder"]["switch"]["to"], STRONG, "{decision}");
    }
}

#[test]
fn a_shadow_decides_and_is_never_acted_on() {
    let eager = format!("[routes.eager]\nladder = [\"{CHEAP}\", \"{STRONG}\"]\nclimb_at = 0.5");
    let house = House::with("shadow = \"eager\"", &eager);
    let script = Script::new()
        .user("Edit it.")
        .edits("app.py", "max(item)", "sum(items)")
        .fails_to_apply()
        .edits("app.py", "max( items )", "sum(items)")
        .fails_to_apply();
    for (number, agent) in (0..).zip(Agent::ALL) {
        let goes_on =
            script.clone().edits("app.py", "max(items)", "sum(items)").runs("pytest").prints("4 passed\n");
        let session = agent.session(number, goes_on);
        assert_eq!(climbed_after(&house.rungs(&session)), None, "{agent:?}");
        let decision = house.decision(&house.ask(&session.last()));
        let shadow = &decision["shadow"];
        assert_eq!((&shadow["route"], &shadow["model"]), (&"eager".into(), &STRONG.into()), "{decision}");
        assert_eq!(
            (&decision["route"], &decision["ladder"]["rung"]),
            (&"auto".into(), &CHEAP.into()),
            "{decision}"
        );
    }
}
