//! Every rule that ships, alone, under every agent: it fires when it should, and not on near misses.

use std::collections::BTreeMap;

use serde_json::Value;
use waymark_testkit::{Agent, Script};

use super::{CHEAP, House, STRONG, climbed_after};

const RULES: &str = include_str!("../../../../routing/src/rules.json");
const FAILED: &str = "FAILED test_app.py::test_total - assert 3 == 6\n1 failed, 3 passed in 0.03s\n";
const PASSED: &str = "4 passed in 0.03s\n";

/// What a rule fires on, and what only looks like it.
struct Case {
    /// At the last request, and not before.
    fires: Script,
    /// Never.
    misses: Vec<(&'static str, Script)>,
    /// Whose requests do not say what the rule looks for.
    silent: &'static [Agent],
}

fn task() -> Script {
    Script::new().user("Make the tests pass.").says("I look at it.")
}

fn case(fires: Script, misses: Vec<(&'static str, Script)>) -> Case {
    Case { fires, misses, silent: &[] }
}

/// A command that ends with an error, in words that read as one where nobody tells the exit code.
fn errs(script: Script, command: &str) -> Script {
    script.runs(command).prints(&format!("error: {command}: no such option\n")).fails(2)
}

fn tests_fail(script: Script) -> Script {
    script.runs("python -m pytest -q").prints(FAILED).fails(1)
}

fn misses_text(script: Script) -> Script {
    script.edits("app.py", "max(item)", "sum(items)").fails_to_apply()
}

fn not_allowed(script: Script) -> Script {
    script.edits("app.py", "max(items)", "sum(items)").rejected().user("Look at the other file.")
}

fn applies(script: Script) -> Script {
    script.edits("app.py", "max(items)", "sum(items)")
}

fn cases() -> BTreeMap<&'static str, Case> {
    BTreeMap::from([
        ("tool_error", tool_error()),
        ("tool_error_rising", tool_error_rising()),
        ("repeated_call", repeated_call()),
        ("failed_edit", failed_edit()),
        ("failing_tests", failing_tests()),
        ("user_rejection", user_rejection()),
        ("user_stopped", user_stopped()),
        ("tool_rejected", tool_rejected()),
        ("malformed_call", malformed_call()),
        ("refusal", refusal()),
    ])
}

fn tool_error() -> Case {
    let two = errs(errs(task(), "make -a"), "make -b");
    let quotes = task()
        .reads("build.log")
        .prints("error: the linker failed\nExit code 1\nTraceback (most recent call last)");
    let longer_ago = two.clone().times(4, |script| script.runs("ls").prints("app.py"));
    case(
        errs(two.clone(), "make -c"),
        vec![
            (
                "an error the agent recovers from",
                two.runs("make").prints("ok\n").says("Done.").user("Thanks."),
            ),
            (
                "a file that quotes errors",
                quotes.reads("old.log").prints("error: x").reads("new.log").prints("error: y"),
            ),
            ("errors of long ago", errs(longer_ago, "make -c")),
        ],
    )
}

fn tool_error_rising() -> Case {
    let error = |script: Script| errs(script, "make");
    let trace = |script: Script| {
        let words = "Traceback (most recent call last):\n  File \"app.py\", line 2\nZeroDivisionError\n";
        script.runs("python app.py").prints(words).fails(1)
    };
    let crash =
        |script: Script| script.runs("./app").prints("error: Segmentation fault (core dumped)\n").fails(139);
    case(
        crash(trace(error(task()))),
        vec![
            ("errors that become milder", error(trace(crash(task())))),
            ("errors of one kind", trace(trace(trace(task())))),
            ("one that is worse", crash(error(task()))),
        ],
    )
}

fn repeated_call() -> Case {
    let same = |script: Script| script.runs("git log -3").prints("one\ntwo\n");
    let two = same(same(task()));
    case(
        same(two.clone()),
        vec![
            ("the same command after an edit", same(applies(two.clone()))),
            ("another command", two.runs("git log -4").prints("one\n")),
        ],
    )
}

fn failed_edit() -> Case {
    let once = misses_text(task());
    let quotes = "String to replace not found in file.\nCould not find oldString in the file.\n\
                  apply_patch verification failed: Failed to find expected lines\n";
    case(
        misses_text(once.clone()),
        vec![
            ("one that then applies", misses_text(applies(once.clone()))),
            ("edits that were not allowed", not_allowed(not_allowed(task()))),
            (
                "a file that quotes one",
                once.reads("agent.log").prints(quotes).runs("tail agent.log").prints(quotes),
            ),
        ],
    )
}

fn failing_tests() -> Case {
    // Something else is tried each time.
    let again = |script: Script| tests_fail(applies(script));
    let two = again(again(task()));
    case(
        again(two.clone()),
        vec![
            ("tests that then pass", again(two.clone().runs("python -m pytest -q").prints(PASSED))),
            ("a file that tells of failed tests", two.reads("ci.log").prints(FAILED)),
            (
                "none that fail",
                task().times(4, |script| {
                    script.runs("cargo test").prints("test result: ok. 9 passed; 0 failed\n")
                }),
            ),
        ],
    )
}

fn user_rejection() -> Case {
    let after = |words: &str| task().says("All done.").user(words);
    case(
        after("No, that's wrong: the total must not count the tax. Undo it."),
        vec![
            ("no problem", after("No problem, thanks. Now write the documentation.")),
            ("no, thanks", after("No, thanks, that's all for now.")),
            (
                "a task that sounds like it",
                Script::new().user("The login doesn't work, it still fails. Fix it."),
            ),
            ("a feature of that name", after("Now add a command that can undo the last edit.")),
            (
                "a compaction of what was said",
                task().says("Done.").compacted("The user said: no, that's wrong. Undo it."),
            ),
        ],
    )
}

fn user_stopped() -> Case {
    let stopped = |script: Script| script.runs("make all").interrupted().user("Use the other target.");
    Case {
        // opencode tells of it in the call's result alone, where `tool_rejected` looks.
        silent: &[Agent::OpenCode],
        ..case(
            stopped(stopped(task())),
            vec![
                ("once", stopped(task())),
                ("words about it", task().says("Done.").user("Was it interrupted by the user?")),
            ],
        )
    }
}

fn tool_rejected() -> Case {
    let once = task().runs("rm -r build").rejected().user("Leave the folder alone.");
    let quotes = "The user doesn't want to proceed with this tool use.\nThe user rejected permission to use this specific \
                  tool call.\nexec command rejected by user\n";
    case(
        once.clone().runs("rm -r dist").rejected().user("That one too."),
        vec![
            ("once", once.clone().runs("ls").prints("build\n")),
            ("a file that quotes it", once.reads("agent.log").prints(quotes)),
        ],
    )
}

fn malformed_call() -> Case {
    let once = task().garbles("echo hi");
    let quotes =
        "class InputValidationError(Exception):\n    # unsupported call: no such tool available\n    pass\n";
    case(
        once.clone().calls_unknown("frobnicate"),
        vec![
            (
                "one that is then put right",
                once.clone().runs("echo hi").prints("hi\n").says("Done.").user("Go on."),
            ),
            ("a file that quotes it", once.reads("errors.py").prints(quotes).reads("more.py").prints(quotes)),
        ],
    )
}

fn refusal() -> Case {
    case(
        task().user("Then write the scanner.").refuses().user("It is for our own machines."),
        vec![
            ("an apology", task().says("I'm sorry, I misread the test. I fix it now.").user("Good.")),
            ("a user who declines", task().says("Shall I?").user("I'm sorry, I can't say yet.")),
        ],
    )
}

/// The weights of the rules that ship.
fn weights() -> BTreeMap<String, u64> {
    let rules: Value = serde_json::from_str(RULES).unwrap();
    let rules = rules["rules"].as_object().unwrap();
    rules.iter().map(|(name, rule)| (name.clone(), rule["weight"].as_u64().unwrap())).collect()
}

/// A gateway on which this rule alone counts, and is enough by itself.
fn alone(rule: &str, weights: &BTreeMap<String, u64>) -> House {
    let others: String = weights
        .keys()
        .filter(|name| *name != rule)
        .map(|name| format!("[rules.{name}]\nenabled = false\n"))
        .collect();
    House::with(&format!("climb_at = {}", weights[rule] as f64 / 1_000.0), &others)
}

fn check(rule: &str) {
    let (weights, case) = (weights(), cases().remove(rule).unwrap());
    let house = alone(rule, &weights);
    for (number, agent) in (0_u32..).step_by(100).zip(Agent::ALL) {
        let session = agent.session(number, case.fires.clone());
        let rungs = house.rungs(&session);
        if case.silent.contains(&agent) {
            assert_eq!(climbed_after(&rungs), None, "{rule} under {agent:?}");
        } else {
            assert_eq!(climbed_after(&rungs), Some(rungs.len() - 1), "{rule} under {agent:?}: {rungs:?}");
            told(&house, &agent.session(number + 50, case.fires.clone()), rule, weights[rule]);
        }
        for (miss, (what, script)) in (1..).zip(&case.misses) {
            let rungs = house.rungs(&agent.session(number + miss, script.clone()));
            assert_eq!(climbed_after(&rungs), None, "{rule} under {agent:?} on {what}");
        }
    }
}

/// The record says which rule it was, in which version, what it counted for, and what the change of model costs.
fn told(house: &House, session: &waymark_testkit::Session, rule: &str, weight: u64) {
    let decision = house.decision(&house.last(session));
    let ladder = &decision["ladder"];
    assert_eq!((&decision["reason"], &ladder["rung"]), (&"climbs".into(), &STRONG.into()), "{decision}");
    let evidence = ladder["evidence"].as_array().unwrap();
    assert_eq!(evidence.len(), 1, "{decision}");
    assert_eq!((&evidence[0]["rule"], &evidence[0]["version"]), (&rule.into(), &1.into()), "{decision}");
    assert_eq!((&evidence[0]["weight"], &ladder["score"]), (&weight.into(), &weight.into()), "{decision}");
    let switch = &ladder["switch"];
    assert_eq!((&switch["from"], &switch["to"]), (&CHEAP.into(), &STRONG.into()), "{decision}");
    // 3 USD for a million tokens that are read afresh.
    let tokens = switch["uncached_tokens"].as_u64().unwrap();
    assert!(tokens > 100, "{decision}");
    assert_eq!(switch["cost_micro_usd"], tokens * 3, "{decision}");
    let reasons = decision["reasons"].as_array().unwrap();
    let count = evidence[0]["count"].as_u64().unwrap();
    assert!(reasons.contains(&format!("evidence:{rule}@1:{count}:{weight}").into()), "{decision}");
}

#[test]
fn every_rule_that_ships_is_tried() {
    let (weights, cases) = (weights(), cases());
    assert!(weights.keys().map(String::as_str).eq(cases.keys().copied()), "{weights:?}");
}

#[test]
fn tools_that_err() {
    check("tool_error");
}

#[test]
fn tools_that_err_worse_and_worse() {
    check("tool_error_rising");
}

#[test]
fn the_same_call_again_and_again() {
    check("repeated_call");
}

#[test]
fn edits_that_do_not_apply() {
    check("failed_edit");
}

#[test]
fn tests_that_keep_failing() {
    check("failing_tests");
}

#[test]
fn a_user_who_is_not_content() {
    check("user_rejection");
}

#[test]
fn a_user_who_stops_the_model() {
    check("user_stopped");
}

#[test]
fn calls_that_are_not_allowed() {
    check("tool_rejected");
}

#[test]
fn calls_that_cannot_be_read() {
    check("malformed_call");
}

#[test]
fn a_model_that_declines() {
    check("refusal");
}

#[test]
fn a_large_context_that_fits_changes_nothing_and_one_that_does_not_is_taken_higher() {
    let models = House::with("", "");
    let text = "def total(items):\n    return sum(items)\n".repeat(4_000);
    let large = |script: Script| script.reads("app.py").prints(&text).runs("ls").prints("app.py\n");
    for (number, agent) in (0..).zip(Agent::ALL) {
        let rungs = models.rungs(&agent.session(number, large(task())));
        assert_eq!(climbed_after(&rungs), None, "{agent:?}");
    }
    drop(models);
    let mut house = House::stopped("", "");
    let small = std::fs::read_to_string(house.waymark.config()).unwrap();
    let small = small.replace("id = \"mock-small-1\"", "id = \"mock-small-1\"\ncontext = 16_000");
    house.waymark.configure(&small);
    house.waymark.start();
    for (number, agent) in (0..).zip(Agent::ALL) {
        let session = agent.session(number, large(task()));
        let rungs = house.rungs(&session);
        assert_eq!(climbed_after(&rungs), Some(1), "{agent:?}: {rungs:?}");
        let answer = house.ask(&session.last());
        let reasons = house.decision(&answer)["reasons"].clone();
        assert!(reasons.as_array().unwrap().contains(&"cannot:small:context".into()), "{reasons}");
    }
}

#[test]
fn work_that_goes_well_never_climbs_and_work_that_does_not_does() {
    let house = House::with("", "");
    let well = task()
        .reads("app.py")
        .prints("def total(items):\n    return max(items)\n")
        .runs("python -m pytest -q")
        .prints(FAILED)
        .fails(1)
        .edits("app.py", "max(items)", "sum(items)")
        .runs("python -m pytest -q")
        .prints(PASSED)
        .says("All tests pass.")
        .user("Thanks. Now describe it in the README.")
        .writes("README.md", "# Totals\n")
        .says("Done.")
        .user("And commit it.");
    let badly = tests_fail(misses_text(tests_fail(misses_text(tests_fail(task())))));
    for (number, agent) in (0..).step_by(10).zip(Agent::ALL) {
        assert_eq!(climbed_after(&house.rungs(&agent.session(number, well.clone()))), None, "{agent:?}");
        let rungs = house.rungs(&agent.session(number + 1, badly.clone()));
        assert!(climbed_after(&rungs).is_some_and(|after| after > 2), "{agent:?}: {rungs:?}");
    }
}
