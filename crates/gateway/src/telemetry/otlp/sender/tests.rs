use waymark_testkit::{Captured, Reply, Upstream};

use super::*;
use crate::clock::SystemClock;
use crate::telemetry::samples;

fn told() -> Told {
    Told {
        intent: samples::intent(),
        completion: samples::completion(),
        error: None,
        first_byte: None,
        finish: None,
        texts: None,
    }
}

fn sender(address: impl std::fmt::Display) -> Sender {
    let at = |signal| reqwest::Url::parse(&format!("http://{address}/v1/{signal}")).unwrap();
    let (urls, clock) = ((at("traces"), at("metrics")), Arc::new(SystemClock));
    Sender::new(urls, HeaderMap::new(), samples::names(), "1".into(), clock, Arc::default()).unwrap()
}

fn answering(status: u16, body: &'static str) -> Upstream {
    Upstream::with(move |_: &Captured| Reply::body(status, "application/json", body))
}

fn targets(collector: &Upstream) -> Vec<String> {
    collector.requests().into_iter().map(|request| request.target).collect()
}

#[tokio::test]
async fn what_a_collector_could_not_take_is_told_again() {
    let collector = answering(200, "{}");
    collector.push(Reply::error(503, "busy"));
    let mut sender = sender(collector.address());
    sender.take(&told());
    sender.tell().await;
    assert_eq!((sender.pending.len(), sender.news), (1, true));
    sender.tell().await;
    assert_eq!((sender.pending.len(), sender.news), (0, false));
    assert_eq!(targets(&collector), ["/v1/traces", "/v1/traces", "/v1/metrics"]);
    let [first, again] = [0, 1].map(|request| collector.requests()[request].body.clone());
    assert_eq!(first, again);
    assert_eq!(sender.dropped.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_a_collector_will_not_take_is_lost_and_counted() {
    let collector = answering(400, "{}");
    let mut sender = sender(collector.address());
    sender.take(&told());
    sender.tell().await;
    assert_eq!((sender.pending.len(), sender.dropped.load(Ordering::Relaxed)), (0, 1));
    sender.tell().await;
    assert_eq!(collector.requests().len(), 2, "what was refused is not told again");
}

#[tokio::test]
async fn what_a_collector_took_in_part_is_counted() {
    let collector = answering(200, r#"{"partialSuccess":{"rejectedSpans":"2"}}"#);
    let mut sender = sender(collector.address());
    (0..3).for_each(|_| sender.take(&told()));
    sender.tell().await;
    assert_eq!((sender.pending.len(), sender.dropped.load(Ordering::Relaxed)), (0, 2));
}

#[tokio::test]
async fn without_a_collector_the_newest_are_kept() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut sender = sender(nobody);
    (0..KEPT + 3).for_each(|_| sender.take(&told()));
    sender.tell().await;
    assert_eq!((sender.pending.len(), sender.dropped.load(Ordering::Relaxed)), (KEPT, 3));
}

#[tokio::test]
async fn many_answers_are_told_in_batches() {
    let collector = answering(200, "{}");
    let mut sender = sender(collector.address());
    (0..BATCH + 1).for_each(|_| sender.take(&told()));
    sender.tell().await;
    assert_eq!(targets(&collector), ["/v1/traces", "/v1/traces", "/v1/metrics"]);
}
