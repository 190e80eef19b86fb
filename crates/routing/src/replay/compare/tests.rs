use proptest::prelude::*;

use super::*;

const PILOT: &str = include_str!("../samples/pilot.csv");
/// Three rows of SWE-bench Verified, by OpenHands: github.com/OpenHands/openhands-index-results at 3015ac6.
const CUT: &str = include_str!("../samples/swe-bench-verified-cut.csv");

const FEW: Resampling = Resampling { seed: 7, resamples: 200 };

fn ladder(rungs: &[&str], verifier: &str) -> Ladder {
    Ladder {
        rungs: rungs.iter().map(|&rung| rung.to_owned()).collect(),
        verifier: verifier.parse().unwrap(),
        check_cost_usd: 0.0,
    }
}

fn compared(text: &str, rungs: &[&str], verifier: &str) -> Comparison {
    compare(&Outcomes::read(text).unwrap(), &ladder(rungs, verifier), FEW).unwrap()
}

/// Tasks solved and dollars spent, as published figures are rounded.
fn rounded(comparison: &Comparison, policy: Policy) -> (f64, f64) {
    let result = comparison.of(policy).unwrap();
    (result.solved.estimate.round(), result.cost_usd.estimate.round())
}

#[test]
fn the_published_arithmetic_comes_out() {
    let rungs = ["MiniMax-M2.7", "claude-fable-5"];
    let perfect = compared(CUT, &rungs, "perfect");
    let cost = perfect.of(Policy::Ladder).unwrap().cost_usd.estimate;
    assert!((cost - 159.70).abs() < 0.005, "{cost}");
    assert_eq!(rounded(&perfect, Policy::Ladder), (234.0, 160.0));
    assert_eq!(rounded(&perfect, Policy::AlwaysCheapest), (185.0, 42.0));
    assert_eq!(rounded(&perfect, Policy::AlwaysStrongest), (233.0, 374.0));
    assert_eq!((perfect.tasks, perfect.repositories), (246, 10));
    // The verifier's specificity is what it does not accept falsely, its sensitivity what it does not reject falsely.
    for (verifier, solved, cost, split) in [
        ("1,1", 234.0, 160.0, 202.0),
        ("0.9,0.75", 222.0, 156.0, 201.0),
        ("0.9,0.5", 209.0, 127.0, 197.0),
        ("0.9,0.25", 197.0, 97.0, 193.0),
        ("0.75,0.25", 197.0, 136.0, 199.0),
    ] {
        let comparison = compared(CUT, &rungs, verifier);
        assert_eq!(rounded(&comparison, Policy::Ladder), (solved, cost), "{verifier}");
        assert_eq!(rounded(&comparison, Policy::RandomSplitEqualMoney).0, split, "{verifier}");
    }
}

#[test]
fn a_ladder_that_costs_more_than_the_strongest_alone_is_said_to() {
    let comparison = compared(CUT, &["Qwen3-Coder-480B", "claude-fable-5"], "perfect");
    assert_eq!(rounded(&comparison, Policy::Ladder), (236.0, 491.0));
    // More money than the strongest costs buys a random split nothing more.
    assert_eq!(rounded(&comparison, Policy::RandomSplitEqualMoney), (233.0, 374.0));
    let codes: Vec<&str> = comparison.findings.iter().map(|finding| finding.code).collect();
    assert!(codes.contains(&"costs_more_than_strongest"), "{codes:?}");
    assert!(codes.contains(&"does_not_beat_random_split"), "{codes:?}");
}

/// The whole file, where somebody has it: every total and every ladder published beside it.
#[test]
fn the_whole_file_gives_the_published_totals() {
    let Some(path) = std::env::var_os("WAYMARK_SWE_BENCH_OUTCOMES") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let outcomes = Outcomes::read(&text).unwrap();
    let published: Vec<(&str, usize, f64)> = include_str!("../samples/swe-bench-verified-totals.txt")
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .map(|fields| (fields[0], fields[1].parse().unwrap(), fields[2].parse().unwrap()))
        .collect();
    assert_eq!((outcomes.tasks().len(), outcomes.rows().len(), published.len()), (246, 39, 39));
    for (name, solved, usd) in published {
        assert_eq!(outcomes.row(name).unwrap().solved(), solved, "{name}");
        let stated = outcomes.row(name).unwrap().stated_cost() as f64 / MICRO;
        assert!((stated - usd).abs() < 0.0051, "{name}: {stated} and not {usd}");
    }
    for (first, last, solved, cost) in [
        ("MiniMax-M2.7", "claude-fable-5", 234.0, 160.0),
        ("DeepSeek-V4-Pro", "claude-fable-5", 233.0, 165.0),
        ("Kimi-K2.5", "claude-fable-5", 234.0, 265.0),
        ("Nemotron-3-Nano", "claude-fable-5", 235.0, 348.0),
        ("Qwen3-Coder-480B", "claude-fable-5", 236.0, 491.0),
        ("MiniMax-M3", "claude-opus-4-8", 216.0, 95.0),
        ("Kimi-K2.5", "claude-opus-4-8", 211.0, 178.0),
        ("Nemotron-3-Super", "claude-opus-4-8", 207.0, 214.0),
    ] {
        let comparison = compare(&outcomes, &ladder(&[first, last], "perfect"), FEW).unwrap();
        assert_eq!(rounded(&comparison, Policy::Ladder), (solved, cost), "{first}, {last}");
        assert_eq!(rounded(&comparison, Policy::OracleAllRows), (241.0, 48.0));
    }
}

#[test]
fn chance_is_weighed_and_every_rung_paid() {
    let text = "instance_id,harness,model,resolved,cost_usd\n\
                a-1,h,x,0,1\na-1,h,y,1,10\na-1,h,z,1,100\na-2,h,x,1,1\na-2,h,y,0,10\na-2,h,z,0,100\n";
    let question = Ladder { check_cost_usd: 0.5, ..ladder(&["x", "y", "z"], "0.8,0.6") };
    let comparison = compare(&Outcomes::read(text).unwrap(), &question, FEW).unwrap();
    // Task 1: x is accepted at 0.4 and wrong, y at 0.8 of the rest and right, z of what is left right.
    // Task 2: x is accepted at 0.8 and right; the rest cannot be saved, whoever is asked.
    let result = comparison.of(Policy::Ladder).unwrap();
    assert!((result.solved.estimate - (0.6 + 0.8)).abs() < 1e-12, "{result:?}");
    let first = 1.5 + 0.6 * (10.5 + 0.2 * 100.0);
    let second = 1.5 + 0.2 * (10.5 + 0.6 * 100.0);
    assert!((result.cost_usd.estimate - (first + second)).abs() < 1e-9, "{result:?}");
    let reached: Vec<f64> = comparison.rungs.iter().map(|rung| rung.reached).collect();
    let ended: Vec<f64> = comparison.rungs.iter().map(|rung| rung.ended).collect();
    for (found, expected) in reached.iter().zip([1.0, 0.4, 0.12]).chain(ended.iter().zip([0.6, 0.28, 0.12])) {
        assert!((found - expected).abs() < 1e-12, "{reached:?} {ended:?}");
    }
    // As many to each rung by lot: 0.6 × 1 + 0.28 × 1 + 0.12 × 1 of two tasks.
    let split = comparison.of(Policy::RandomSplitEqualShare).unwrap();
    assert!((split.cost_usd.estimate - (0.6 * 2.0 + 0.28 * 20.0 + 0.12 * 200.0)).abs() < 1e-9, "{split:?}");
}

#[test]
fn gaps_are_filled_and_counted() {
    let comparison = compared(PILOT, &["small", "pilot/large"], "perfect");
    let told: Vec<(&str, bool, usize, usize, usize)> = comparison
        .gaps
        .iter()
        .map(|gap| (gap.row.as_str(), gap.rung, gap.outcomes_missing, gap.costs_missing, gap.costs_zero))
        .collect();
    assert_eq!(
        told,
        [("crew/large", false, 0, 0, 1), ("pilot/large", true, 1, 0, 0), ("pilot/small", true, 0, 1, 1)]
    );
    let median = comparison.gaps[2].median_cost_usd.unwrap();
    let outcomes = Outcomes::read(PILOT).unwrap();
    let stated = outcomes.row("small").unwrap().stated_cost() as f64 / MICRO;
    let cost = comparison.of(Policy::AlwaysCheapest).unwrap().cost_usd.estimate;
    assert!((cost - stated - 2.0 * median).abs() < 1e-9, "{cost} {stated} {median}");
}

#[test]
fn a_task_that_a_rung_did_not_try_is_left_out() {
    let text = format!("{PILOT}0.1,small,,elm__x-1,1,pilot\n");
    let comparison = compared(&text, &["small", "pilot/large"], "perfect");
    assert_eq!((comparison.tasks, comparison.tasks_left_out, comparison.repositories), (28, 1, 5));
}

#[test]
fn what_cannot_be_compared_says_why() {
    let text = "instance_id,harness,model,resolved,cost_usd\n\
                a-1,h,x,0,1\na-1,h,free,1,0\na-2,h,elsewhere,1,1\na-1,h,dear,1,9\n";
    let outcomes = Outcomes::read(text).unwrap();
    for (rungs, told) in [
        (&["x"][..], "a ladder has at least two rungs, and this one has 1"),
        (&["x", "h/x"], "`h/x` is on the ladder twice"),
        (
            &["x", "free"],
            "no run of `h/free` states a cost above zero, so that the ladder's cost cannot be told",
        ),
        (&["x", "elsewhere"], "no task has an outcome of every rung"),
        (&["x", "deer"], "the file has no row `deer`; the closest are `h/dear`, `h/free`, `h/elsewhere`"),
    ] {
        let error = compare(&outcomes, &ladder(rungs, "perfect"), FEW).unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    // One repository: its tasks are drawn.
    assert_eq!(compare(&outcomes, &ladder(&["x", "dear"], "perfect"), FEW).unwrap().unit, Unit::Task);
}

#[test]
fn a_seed_draws_the_same_and_another_differs() {
    let outcomes = Outcomes::read(PILOT).unwrap();
    let drawn = |seed| {
        let resampling = Resampling { seed, ..FEW };
        compare(&outcomes, &ladder(&["small", "pilot/large"], "0.9,0.8"), resampling).unwrap()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1).policies, drawn(2).policies);
}

/// A table of outcomes as a file: for each task its repository, and of three rows whether solved and the cost.
type Lines = (u8, [(Option<bool>, Option<u16>); 3]);

fn tables() -> impl Strategy<Value = Vec<Lines>> {
    let cell =
        || (proptest::option::weighted(0.9, any::<bool>()), proptest::option::weighted(0.9, 0..900u16));
    proptest::collection::vec((0..5u8, [cell(), cell(), cell()]), 1..30)
}

fn lines(table: &[Lines]) -> Vec<String> {
    let mut lines = vec!["r-0,h,a,1,0.5".to_owned(), "r-0,h,b,1,0.5".to_owned(), "r-0,h,c,0,0.5".to_owned()];
    for (at, (repository, cells)) in table.iter().enumerate() {
        for (row, (resolved, cost)) in ["a", "b", "c"].iter().zip(cells) {
            let resolved = resolved.map_or("", |resolved| if resolved { "1" } else { "0" });
            let cost = cost.map_or(String::new(), |cost| format!("{}", f64::from(cost) / 100.0));
            lines.push(format!("r{repository}-{},h,{row},{resolved},{cost}", at + 1));
        }
    }
    lines
}

fn text(lines: &[String]) -> String {
    format!("instance_id,harness,model,resolved,cost_usd\n{}\n", lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bounds_hold(table in tables(), sensitivity in 0..=10u8, specificity in 0..=10u8) {
        let verifier = format!("{},{}", f64::from(sensitivity) / 10.0, f64::from(specificity) / 10.0);
        let comparison = compared(&text(&lines(&table)), &["a", "b", "c"], &verifier);
        let [solved, cost]: [Vec<f64>; 2] = [
            comparison.policies.iter().map(|result| result.solved.estimate).collect(),
            comparison.policies.iter().map(|result| result.cost_usd.estimate).collect(),
        ];
        let at = |policy| Policy::ALL.iter().position(|&other| other == policy).unwrap();
        let (ladder, perfect) = (at(Policy::Ladder), at(Policy::PerfectVerifier));
        let (first, last) = (at(Policy::AlwaysCheapest), at(Policy::AlwaysStrongest));
        const LEAST: f64 = 1e-9;
        // A perfect verifier pays the first rung at least, and solves what any rung solves.
        prop_assert!(cost[perfect] >= cost[first] - LEAST);
        prop_assert!((solved[perfect] - solved[at(Policy::Oracle)]).abs() < LEAST);
        for other in [ladder, first, last, at(Policy::BestSingle), at(Policy::RandomSplitEqualMoney)] {
            prop_assert!(solved[perfect] >= solved[other] - LEAST);
        }
        prop_assert!(cost[ladder] >= cost[first] - LEAST);
        prop_assert!(cost[at(Policy::Oracle)] <= cost[perfect] + LEAST);
        prop_assert!(solved[at(Policy::OracleAllRows)] >= solved[at(Policy::Oracle)] - LEAST);
        prop_assert!(cost[at(Policy::RandomSplitEqualMoney)] <= cost[ladder] + LEAST);
        for result in &comparison.policies {
            for interval in [result.success, result.solved, result.cost_usd, result.cost_per_success_usd] {
                prop_assert!(interval.low <= interval.estimate && interval.estimate <= interval.high, "{interval:?}");
            }
        }
        for difference in &comparison.differences {
            for interval in [difference.success, difference.cost_usd, difference.cost_share] {
                prop_assert!(interval.low <= interval.estimate && interval.estimate <= interval.high, "{interval:?}");
            }
        }
        let ended: f64 = comparison.rungs.iter().map(|rung| rung.ended).sum();
        prop_assert!((ended - 1.0).abs() < LEAST);
        if sensitivity == 10 && specificity == 10 {
            prop_assert_eq!(solved[ladder], solved[perfect]);
            prop_assert_eq!(cost[ladder], cost[perfect]);
        }
        // Whoever accepts everything never climbs; whoever rejects everything pays all and gets the last.
        let extreme = |verifier| compared(&text(&lines(&table)), &["a", "b", "c"], verifier).policies;
        let accepting = extreme("1,0");
        prop_assert_eq!(accepting[ladder].solved.estimate, accepting[first].solved.estimate);
        prop_assert!((accepting[ladder].cost_usd.estimate - accepting[first].cost_usd.estimate).abs() < LEAST);
        let rejecting = extreme("0,1");
        prop_assert_eq!(rejecting[ladder].solved.estimate, rejecting[last].solved.estimate);
    }

    #[test]
    fn the_order_of_lines_changes_nothing(table in tables(), seed in any::<u64>()) {
        let straight = lines(&table);
        let mut turned = straight.clone();
        turned.sort_by_key(|line| {
            line.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        });
        let [one, other] = [straight, turned].map(|lines| compared(&text(&lines), &["a", "c"], "0.9,0.7"));
        prop_assert_eq!(one, other);
    }
}
