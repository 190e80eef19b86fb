//! Where conversations stand.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use waymark_types::{Dialect, ProviderKind, Task};

use super::*;
use crate::conversation::Conversation;
use crate::features::{Needs, Shape};
use crate::policy::{Model, Snapshot};
use crate::rules::Rules;
use crate::stock::StockNames;
use crate::{Plan, decide, decide_again};

fn price(input: u64, cached: u64, output: u64) -> Price {
    let usd = |dollars: u64| MicroUsd(dollars * 10_000);
    Price {
        input: usd(input),
        cached_input: usd(cached),
        cache_write: usd(input * 5 / 4),
        output: usd(output),
    }
}

/// Three rungs, the prices of which are in cents per million tokens.
fn snapshot() -> Snapshot {
    let model = |id: &str, price: Price, context| Model {
        provider: "acme".into(),
        kind: ProviderKind::Anthropic,
        dialects: vec![Dialect::AnthropicMessages],
        id: id.into(),
        price: Some(price),
        tasks: None,
        region: None,
        context,
        can: None,
        deployments: Vec::new(),
    };
    let models = [
        ("small", model("s", price(100, 10, 500), Some(100_000))),
        ("middle", model("m", price(300, 30, 1_500), Some(150_000))),
        ("large", model("l", price(1_000, 100, 5_000), None)),
    ];
    let route = Route { ladder: ["small", "middle", "large"].map(String::from).to_vec(), ..Route::default() };
    let policy = Policy {
        content: Default::default(),
        models: models.into_iter().map(|(name, model)| (name.to_owned(), model)).collect(),
        routes: [("auto".to_owned(), route)].into(),
        aliases: BTreeMap::new(),
        stock: StockNames::shipped().unwrap(),
        rules: Rules::shipped().unwrap(),
    };
    static RULES: LazyLock<Compiled> = LazyLock::new(|| Compiled::of(&Rules::shipped().unwrap()).unwrap());
    Snapshot { policy, digest: "d".into(), rules: RULES.clone() }
}

fn features(events: Vec<Event>, tokens: u64, standing: Option<Standing>) -> Features {
    Features {
        dialect: Dialect::AnthropicMessages,
        task: Task::AgentStep,
        rule: None,
        shape: Shape::Plain,
        requested_model: "auto".into(),
        needs: Needs { input_tokens: tokens, ..Needs::default() },
        conversation: Arc::new(Conversation { events, marks_errors: true }),
        content: Vec::new(),
        standing,
    }
}

fn plan(events: &[Event], tokens: u64, standing: Option<Standing>) -> Plan {
    decide(&features(events.to_vec(), tokens, standing), &snapshot()).unwrap()
}

fn climb(events: &[Event], standing: Option<Standing>) -> Climb {
    plan(events, 20_000, standing).climb.unwrap()
}

fn user(text: &str) -> Event {
    Event::User { text: text.to_owned() }
}

fn says(text: &str) -> Event {
    Event::Assistant { text: text.to_owned() }
}

/// An edit that does not apply.
fn miss(n: usize) -> [Event; 2] {
    let (id, tool) = (format!("c{n}"), "Edit".to_owned());
    let call = Event::Call { id: id.clone(), tool, arguments: format!("{{\"n\":{n}}}"), freeform: false };
    [call, Event::Result { id, text: "String to replace not found in file.".to_owned(), is_error: true }]
}

fn stuck() -> Vec<Event> {
    [user("Fix it.")].into_iter().chain((0..3).flat_map(miss)).collect()
}

/// Where a conversation stands after an answer by what was decided.
fn after(climb: &Climb, idle_seconds: u64) -> Standing {
    Standing {
        route: "auto".into(),
        rung: climb.rung.clone(),
        since: climb.since,
        events: climb.events,
        turns: climb.turns,
        idle_seconds,
    }
}

#[test]
fn it_starts_low_and_climbs_one_rung_on_evidence_whose_cost_is_told() {
    let first = climb(&[user("Fix it.")], None);
    assert_eq!((first.rung.as_str(), first.reason), ("small", "starts"));
    let events = stuck();
    let decided = plan(&events, 20_000, Some(after(&first, 1)));
    assert_eq!(decided.reason, "climbs");
    let climb = decided.climb.unwrap();
    assert_eq!((climb.rung.as_str(), climb.since), ("middle", 7));
    let rules: Vec<_> =
        climb.evidence.iter().map(|seen| (seen.rule.as_str(), seen.count, seen.weight)).collect();
    assert_eq!(rules, [("failed_edit", 3, 1_000), ("tool_error", 3, 300)]);
    let switch = climb.switch.unwrap();
    // 20,000 tokens written at $3.75 a million; a turn was 20,000 at $0.10 and 500 at $5, and is three times that.
    assert_eq!((switch.uncached_tokens, switch.cost), (20_000, Some(MicroUsd(75_000))));
    assert_eq!((switch.saved_per_turn, switch.repaid_after), (Some(-9_000), None));
    let told = "climbs:small:middle:20000:75000".to_owned();
    assert!(decided.reasons.contains(&told), "{:?}", decided.reasons);
    let names: Vec<_> = decided.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["middle", "large", "small"]);
}

#[test]
fn what_made_it_climb_does_not_make_it_climb_again() {
    let mut events = stuck();
    let climbed = climb(&events, Some(after(&climb(&events[..1], None), 1)));
    events.extend(miss(8));
    let next = climb(&events, Some(after(&climbed, 1)));
    assert_eq!((next.rung.as_str(), next.reason, next.evidence.len()), ("middle", "stays", 0));
    events.extend((9..12).flat_map(miss));
    assert_eq!(climb(&events, Some(after(&next, 1))).rung, "large");
}

#[test]
fn it_comes_down_only_where_the_cache_ends() {
    let stuck = stuck();
    let up = climb(&stuck, Some(after(&climb(&stuck[..1], None), 1)));
    let mut events = stuck.clone();
    events.extend([says("Done."), user("Now the docs.")]);
    let turned = climb(&events, Some(after(&up, 1)));
    // Writing 20,000 tokens to the cheap one's cache costs $0.025, and each turn saves $0.009.
    assert_eq!((turned.rung.as_str(), turned.reason), ("small", "descends_after_success"));
    assert_eq!(turned.switch.unwrap().repaid_after, Some(3));
    let rejected = [stuck.clone(), vec![says("Done."), user("No, that's wrong.")]].concat();
    assert_eq!(climb(&rejected, Some(after(&up, 1))).rung, "large", "the user does not call it a success");
    let mid_turn = [stuck, vec![says("I look at it.")], miss(20).to_vec()].concat();
    assert_eq!(climb(&mid_turn, Some(after(&up, 1))).reason, "stays");
    let idle = climb(&mid_turn, Some(after(&up, CACHE + 1)));
    assert_eq!((idle.rung.as_str(), idle.reason), ("small", "descends_after_idle"));
    let compacted = climb(&[user("A summary of what was done.")], Some(after(&up, 1)));
    assert_eq!((compacted.rung.as_str(), compacted.reason), ("small", "descends_after_compaction"));
}

const CACHE: u64 = crate::CACHE_LIFE;

#[test]
fn a_change_that_is_not_repaid_is_left() {
    let mut snapshot = snapshot();
    snapshot.policy.routes.get_mut("auto").unwrap().payback_turns = 2;
    let events = stuck();
    let up = climb(&events, Some(after(&climb(&events[..1], None), 1)));
    let turned = [events.clone(), vec![says("Done."), user("Now the docs.")]].concat();
    let decided = decide(&features(turned, 20_000, Some(after(&up, 1))), &snapshot).unwrap();
    assert_eq!(decided.climb.unwrap().reason, "switch_not_repaid");
    snapshot.policy.routes.get_mut("auto").unwrap().switch_limit = Some(MicroUsd(70_000));
    let decided = decide(&features(events, 20_000, None), &snapshot).unwrap();
    assert_eq!((decided.reason, decided.steps[0].name.as_str()), ("switch_too_dear", "small"));
}

#[test]
fn what_does_not_fit_moves_up_and_the_longest_window_takes_what_fits_nowhere() {
    let told = |tokens| plan(&[user("Fix it.")], tokens, None);
    assert_eq!(told(98_000).steps[0].name, "small");
    let moved = told(99_500);
    assert_eq!((moved.steps[0].name.as_str(), moved.reason), ("middle", "first_capable_rung"));
    assert!(moved.reasons.contains(&"cannot:small:context".to_owned()));
    let standing = Standing { route: "auto".into(), rung: "middle".into(), ..Standing::default() };
    let over = plan(&[user("Fix it."), says("x"), user("y")], 200_000, Some(standing));
    assert_eq!((over.steps[0].name.as_str(), over.reason), ("large", "rung_cannot"));
    let mut snapshot = snapshot();
    snapshot.policy.models.get_mut("large").unwrap().context = Some(120_000);
    let nowhere = decide(&features(vec![user("x")], 500_000, None), &snapshot).unwrap();
    assert_eq!(nowhere.steps[0].name, "middle");
}

#[test]
fn a_conversation_that_nobody_remembers_stands_where_it_stood() {
    let mut events = stuck();
    let mut standing: Option<Standing> = None;
    for at in [1, 3, 5, 7] {
        standing = Some(after(&climb(&events[..at], standing), 1));
    }
    events.extend([says("Done."), user("Thanks.")]);
    let remembered = climb(&events[..8], standing);
    let forgotten = climb(&events[..8], None);
    assert_eq!((forgotten.rung.as_str(), forgotten.since), (remembered.rung.as_str(), remembered.since));
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        "[a-z ]{0,20}|No, that's wrong".prop_map(|text| Event::User { text }),
        "[a-z ]{0,20}".prop_map(|text| Event::Assistant { text }),
        (0..4usize, "Edit|Bash").prop_map(|(n, tool)| Event::Call {
            id: n.to_string(),
            tool,
            arguments: "{}".into(),
            freeform: false
        }),
        (0..4usize, any::<bool>()).prop_map(|(n, is_error)| Event::Result {
            id: n.to_string(),
            text: "test result: FAILED".into(),
            is_error
        }),
        Just(Event::Refusal),
    ]
}

proptest! {
    #[test]
    fn the_same_conversation_and_standing_give_the_same_decision(
        events in prop::collection::vec(any_event(), 0..40),
        tokens in 0..200_000u64,
        rung in prop::option::of("small|middle|large|gone"),
        (since, before, idle) in (0..60u32, 0..60u32, 0..1_000u64),
    ) {
        let standing = rung.map(|rung| Standing { route: "auto".into(), rung, since, events: before, turns: 0, idle_seconds: idle });
        let features = features(events, tokens, standing);
        let first = decide(&features, &snapshot()).unwrap();
        prop_assert_eq!(&first, &decide(&features, &snapshot()).unwrap());
        let climb = first.climb.unwrap();
        prop_assert_eq!(&first.steps[0].name, &climb.rung);
        prop_assert!(climb.since <= climb.events || climb.reason == "stays");
    }
    #[test]
    fn what_is_on_record_decides_the_same_again(
        events in prop::collection::vec(any_event(), 0..40),
        tokens in 0..200_000u64,
        rung in "small|middle|large|gone",
        (since, before, idle) in (0..60u32, 0..60u32, 0..1_000u64),
    ) {
        let standing = Standing { route: "auto".into(), rung, since, events: before, turns: 0, idle_seconds: idle };
        // A conversation without a word in it has no length.
        let events = [vec![user("Go on.")], events].concat();
        let asked = features(events, tokens, Some(standing));
        let plan = decide(&asked, &snapshot()).unwrap();
        let climb = plan.climb.as_ref().unwrap();
        let seen = Seen {
            events: climb.events,
            turns: climb.turns,
            new_turn: matches!(climb.reason, "descends_after_success" | "switch_not_repaid"),
            counts: climb.evidence.iter().map(|seen| (seen.rule.clone(), seen.count)).collect(),
        };
        let recorded = Features { conversation: Arc::default(), ..asked };
        prop_assert_eq!(decide_again(&recorded, &seen, &snapshot()).unwrap(), plan);
    }
}

#[test]
fn whoever_did_the_work_sums_it_up() {
    let high = Standing { events: 40, ..after(&climb(&stuck(), None), 0) };
    assert_eq!(high.rung, "middle");
    // One text in place of the conversation, as opencode has it; and the conversation with a word at its end.
    let text = vec![user("Here is the conversation so far: ...")];
    let whole = vec![user("Fix it."), says("Done."), user("Create a handoff summary.")];
    for (events, stays, comes_down) in
        [(text, "opencode-compaction", "opencode-title"), (whole, "codex-compaction", "codex-title")]
    {
        let told = |rule| {
            let features =
                Features { rule: Some(rule), ..features(events.clone(), 20_000, Some(high.clone())) };
            decide(&features, &snapshot()).unwrap().climb.unwrap().rung
        };
        assert_eq!((told(stays).as_str(), told(comes_down).as_str()), ("middle", "small"), "{stays}");
    }
    // What then goes on from the summary begins anew.
    let summed_up = Standing { events: 1, since: 7, ..high };
    let goes_on =
        climb(&[user("What did we do so far?"), says("A lot."), user("Continue.")], Some(summed_up));
    assert_eq!(goes_on.reason, "descends_after_compaction");
}
