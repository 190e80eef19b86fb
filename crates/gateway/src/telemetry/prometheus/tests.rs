use bytes::Bytes;
use waymark_ledger::Intent;
use waymark_types::{Outcome, Task};

use super::*;
use crate::telemetry::samples;

fn metrics() -> Metrics {
    Metrics::new(samples::names())
}

fn count(metrics: &Metrics, intent: &Intent, on_record: bool) {
    metrics.answered(&Answered {
        intent,
        completion: &samples::completion(),
        on_record,
        first_byte: Some(samples::at(250)),
        finish: None,
        request: &Bytes::new(),
        response: None,
    });
}

#[track_caller]
fn assert_says(page: &str, line: &str) {
    assert!(page.lines().any(|said| said == line), "no {line} in:\n{page}");
}

#[test]
fn an_answer_is_counted_under_configured_names() {
    let metrics = metrics();
    count(&metrics, &samples::intent(), true);
    let page = metrics.page(&Gauges { leaves: Some(3), writable: true, ..Gauges::default() });
    for line in [
        "waymark_answers_total{task=\"agent_step\",route=\"auto\",model=\"large\",outcome=\"succeeded\"} 1",
        "waymark_tokens_total{model=\"large\",type=\"cached_input\"} 60",
        "waymark_cost_usd_total{model=\"large\"} 0.00125",
        "waymark_attempts_total{provider=\"acme\",model=\"small\",outcome=\"failed\"} 1",
        "waymark_further_attempts_total{next=\"fallback\"} 1",
        "waymark_first_byte_seconds_bucket{le=\"0.25\",task=\"agent_step\",model=\"large\"} 1",
        "waymark_answer_duration_seconds_sum{task=\"agent_step\",model=\"large\"} 1.5",
        "waymark_ledger_leaves 3",
        "waymark_ledger_writable 1",
        "# EOF",
    ] {
        assert_says(&page, line);
    }
}

#[test]
fn what_is_not_on_record_is_no_success() {
    let metrics = metrics();
    count(&metrics, &samples::intent(), false);
    let page = metrics.page(&Gauges::default());
    assert_says(
        &page,
        "waymark_answers_total{task=\"agent_step\",route=\"auto\",model=\"large\",outcome=\"unrecorded\"} 1",
    );
}

#[test]
fn no_word_of_a_client_or_provider_becomes_a_label() {
    let metrics = metrics();
    count(&metrics, &samples::intent(), true);
    let series = |metrics: &Metrics| metrics.page(&Gauges::default()).lines().count();
    let before = series(&metrics);
    for number in 0..1_000 {
        let word = Some(format!("word-{number}"));
        let (session, requested_model) = (word.clone(), word.clone());
        let intent = Intent { client: word, session, requested_model, ..samples::intent() };
        let mut completion = samples::completion();
        completion.served_model = Some(format!("word-{number}"));
        metrics.answered(&Answered {
            intent: &intent,
            completion: &completion,
            on_record: true,
            first_byte: None,
            finish: Some("word"),
            request: &Bytes::new(),
            response: None,
        });
    }
    assert_eq!(series(&metrics), before);
    assert!(!metrics.page(&Gauges::default()).contains("word"));
}

#[test]
fn every_combination_of_labels_is_bounded_by_the_configuration() {
    let metrics = metrics();
    for &task in Task::ALL {
        for &outcome in Outcome::ALL {
            let intent = Intent { task: Some(task), ..samples::intent() };
            let mut completion = samples::completion();
            completion.outcome = outcome;
            completion.attempts.as_mut().unwrap()[1].model = "stranger".into();
            metrics.answered(&Answered {
                intent: &intent,
                completion: &completion,
                on_record: true,
                first_byte: None,
                finish: None,
                request: &Bytes::new(),
                response: None,
            });
        }
    }
    assert!(metrics.page(&Gauges::default()).contains("model=\"none\""));
    assert!(!metrics.page(&Gauges::default()).contains("stranger"));
}
