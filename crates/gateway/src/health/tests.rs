//! Deployments under a clock that stands still unless told.

use waymark_routing::Snapshot;
use waymark_types::ProviderKind;

use super::*;
use crate::config::{ModelConfig, ProviderConfig};
use crate::snapshot;

/// So many seconds after the start.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_795_780_800_000_000 + seconds * 1_000_000)
}

/// `large` is served at three places, `small` at one with room for one call.
fn health() -> Health {
    let mut config = crate::telemetry::sample_config();
    let provider =
        ProviderConfig { max_concurrent: Some(1), ..config.providers.get("acme").cloned().unwrap() };
    assert_eq!(provider.kind, ProviderKind::OpenAi);
    config.providers.insert("narrow".to_owned(), provider);
    config.models.insert(
        "small".to_owned(),
        ModelConfig { provider: "narrow".to_owned(), ..config.models["small"].clone() },
    );
    let deployment = |name: &str, provider: &str, id: &str| crate::config::DeploymentConfig {
        name: name.to_owned(),
        provider: provider.to_owned(),
        id: id.to_owned(),
        weight: 1,
    };
    let large = config.models.get_mut("large").unwrap();
    large.deployments = vec![
        deployment("large", "beta", "large-1"),
        deployment("large/b", "beta", "large-b"),
        deployment("large/c", "beta", "large-c"),
    ];
    let Snapshot { policy, .. } = snapshot::snapshot(&config).unwrap();
    Health::new(&config, &policy)
}

fn all(health: &Health) -> Vec<&Arc<Deployed>> {
    ["large-1", "large-b", "large-c"].iter().map(|id| health.at("large", "beta", id).unwrap()).collect()
}

async fn fail(deployed: &Arc<Deployed>, cause: Cause, times: usize) {
    for _ in 0..times {
        let under_way = deployed.enter(at(0)).await.unwrap();
        under_way.settle(Verdict::Bad(cause.into()), at(0));
    }
}

#[tokio::test]
async fn what_says_something_of_the_deployment_opens_its_breaker_and_nothing_else_does() {
    let health = health();
    let [a, b, c] = all(&health)[..] else { panic!("three") };
    fail(a, Cause::ServerError, 5).await;
    assert_eq!((a.opening(at(0)), a.last_error()), (Admission::No(at(5)), Some(Cause::ServerError)));
    for cause in [Cause::BadRequest, Cause::ContextOverflow, Cause::RateLimited, Cause::NotFound] {
        fail(b, cause, 30).await;
    }
    assert_eq!(b.opening(at(0)), Admission::Yes);
    for _ in 0..30 {
        let under_way = c.enter(at(0)).await.unwrap();
        under_way.settle(Verdict::Unknown, at(0));
        drop(c.enter(at(0)).await.unwrap());
    }
    assert_eq!((c.opening(at(0)), c.in_flight()), (Admission::Yes, 0));
    let told = health.of("large", at(0));
    let breakers: Vec<_> = told.deployments.iter().map(|one| one.breaker).collect();
    assert_eq!(breakers, ["open", "closed", "closed"]);
}

#[tokio::test]
async fn a_probe_is_chosen_once_and_settles_it() {
    let health = health();
    let among = all(&health);
    fail(among[1], Cause::ConnectFailed, 5).await;
    assert_eq!(health.choose("large", None, &among, at(5)), Some(1), "it is tried before the others");
    let probe = among[1].enter(at(5)).await.unwrap();
    assert!(probe.probes());
    assert!(matches!(among[1].opening(at(5)), Admission::No(_)), "by one request");
    drop(probe);
    assert_eq!(among[1].opening(at(5)), Admission::Probe, "what says nothing leaves it to the next");
    let probe = among[1].enter(at(5)).await.unwrap();
    probe.settle(Verdict::Bad(Cause::BadRequest.into()), at(5));
    assert_eq!(among[1].opening(at(5)), Admission::Probe, "a wrong request says nothing");
    let mut probe = among[1].enter(at(5)).await.unwrap();
    probe.answers(at(6));
    assert_eq!(among[1].opening(at(6)), Admission::Yes, "an answer that has begun is enough");
    probe.settle(Verdict::Good, at(9));
    assert_eq!(among[1].opening(at(9)), Admission::Yes);
}

#[tokio::test]
async fn a_session_stays_where_its_prompts_are_while_that_is_well() {
    let health = health();
    let among = all(&health);
    health.stay("large", "s1", among[2], at(0));
    for _ in 0..20 {
        assert_eq!(health.choose("large", Some("s1"), &among, at(1)), Some(2));
    }
    assert_eq!(health.choose("large", Some("s1"), &among[..1], at(1)), Some(0));
    let limited = Failure { wait: Some(Duration::from_secs(30)), ..Cause::RateLimited.into() };
    among[2].enter(at(1)).await.unwrap().settle(Verdict::Bad(limited), at(1));
    for _ in 0..20 {
        assert_ne!(health.choose("large", Some("s1"), &among, at(2)), Some(2));
    }
    assert_eq!(health.choose("large", Some("s1"), &among, at(40)), Some(2));
    let chosen: std::collections::BTreeSet<_> =
        (0..200).filter_map(|_| health.choose("large", Some("s1"), &among, at(7_200))).collect();
    assert_eq!(chosen.len(), 3, "after two hours no cache is left");
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_than_a_provider_has_room_for() {
    let health = health();
    let small = health.at("small", "narrow", "small-1").unwrap();
    let first = small.enter(at(0)).await.unwrap();
    assert!(small.enter(at(0)).await.is_none(), "it waits a moment, in vain");
    assert_eq!(small.in_flight(), 1);
    drop(first);
    assert!(small.enter(at(0)).await.is_some());
}
