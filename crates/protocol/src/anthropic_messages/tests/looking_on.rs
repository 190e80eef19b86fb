//! What is learnt of answers that pass untouched.

use waymark_types::{Dialect, Usage};

use super::*;
use crate::answer::{Answer, Progress};
use crate::sse::{self, Splitter};

fn looked_on(name: &str) -> (Answer, Progress) {
    let (mut splitter, mut answer, mut progress) =
        (Splitter::default(), Answer::default(), Progress::Ongoing);
    splitter.push(&case(&format!("{name}.stream.txt")));
    while let Some(event) = splitter.next_event().unwrap() {
        progress = answer.read_event(Dialect::AnthropicMessages, &sse::read(&event));
    }
    (answer, progress)
}

fn body(name: &str) -> Answer {
    let mut answer = Answer::default();
    answer.read_body(Dialect::AnthropicMessages, &case(&format!("{name}.reply.json")));
    answer
}

#[test]
fn the_served_model_is_the_one_that_went_on() {
    assert_eq!(looked_on("text").0.served_model.as_deref(), Some("claude-sonnet-5"));
    assert_eq!(looked_on("fallback").0.served_model.as_deref(), Some("claude-opus-4-8"));
    assert_eq!(looked_on("sticky_fallback").0.served_model.as_deref(), Some("claude-opus-4-8"));
    assert_eq!(body("fallback").served_model.as_deref(), Some("claude-opus-4-8"));
    // Even when the stream ends before the usage, the boundary itself was seen.
    let bytes = case("fallback.stream.txt");
    let (mut splitter, mut answer) = (Splitter::default(), Answer::default());
    splitter.push(&bytes);
    for _ in 0..5 {
        let event = splitter.next_event().unwrap().unwrap();
        answer.read_event(Dialect::AnthropicMessages, &sse::read(&event));
    }
    assert_eq!(answer.served_model.as_deref(), Some("claude-opus-4-8"));
}

#[test]
fn counts_are_totals_with_the_cache_included() {
    let text = Usage {
        input: Some(25),
        cached_input: Some(0),
        cache_write: Some(0),
        output: Some(15),
        reasoning: None,
    };
    assert_eq!(looked_on("text").0.usage, text);
    let late = Usage {
        input: Some(43),
        cached_input: Some(12),
        cache_write: None,
        output: Some(7),
        reasoning: None,
    };
    assert_eq!(looked_on("usage_only_at_end").0.usage, late);
    let cached = Usage {
        input: Some(19_221),
        cached_input: Some(18_000),
        cache_write: Some(1_200),
        output: Some(4),
        reasoning: None,
    };
    assert_eq!(body("cached_usage").usage, cached);
    assert_eq!(body("reasoning").usage.reasoning, Some(201));
}

#[test]
fn how_it_ended_is_seen() {
    let (answer, progress) = looked_on("refusal");
    assert_eq!((answer.finish.as_deref(), progress), (Some("refusal"), Progress::Last));
    let (answer, progress) = looked_on("error_mid_stream");
    assert_eq!((answer.error.as_deref(), progress), (Some("Overloaded"), Progress::Failed));
    let (answer, progress) = looked_on("cut");
    assert_eq!((answer.finish, progress), (None, Progress::Ongoing));
    let mut plain = Answer::default();
    plain.read_event(
        Dialect::AnthropicMessages,
        &sse::read(b"event: error\ndata: upstream connect error\n\n"),
    );
    assert_eq!(plain.error.as_deref(), Some("upstream connect error"));
    let mut nameless = Answer::default();
    let event = sse::read(b"data: {\"type\":\"message_stop\"}\n\n");
    assert_eq!(nameless.read_event(Dialect::AnthropicMessages, &event), Progress::Last);
}

proptest! {
    #[test]
    fn no_bytes_stop_an_onlooker(json in any_json(), raw in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut answer = Answer::default();
        answer.read_body(Dialect::AnthropicMessages, &raw);
        answer.read_body(Dialect::AnthropicMessages, json.to_string().as_bytes());
        answer.read_event(Dialect::AnthropicMessages, &sse::read(format!("data: {json}\n\n").as_bytes()));
    }
}
