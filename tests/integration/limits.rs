//! Limits: rates and calls under way, for each target and each key.

use http::Method;
use http::header::AUTHORIZATION;
use outcrop::config::{KeyDigest, KeyEntry, LimitSettings, Limits};

use futures_util::future::join_all;

use crate::stream_ends::within_limit;
use crate::world::{Reply, World, streamed, whole};

fn rate(requests_per_second: f64, burst: u32) -> LimitSettings {
    let mut settings = LimitSettings::calls(2048).at_rate(requests_per_second);
    settings.burst = burst;
    settings
}

async fn chat_as(world: &World, key: &str) -> Reply {
    let mut request = world.request(
        Method::POST,
        "/v1/chat/completions",
        whole("hi").to_string(),
    );
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, value);
    world.send(request).await
}

#[tokio::test]
async fn over_the_rate_the_answer_is_429_with_all_that_a_client_needs() {
    let limits = Limits {
        target: rate(0.01, 2),
        ..Limits::default()
    };
    let world = World::with(|config| config.limits = limits).await;
    let first = world.chat(&whole("hi")).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-limit-requests"), Some("2"));
    assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("1"));
    assert!(first.header("x-ratelimit-reset-requests").is_some());
    assert_eq!(world.chat(&whole("hi")).await.status, 200);
    let refused = world.chat(&whole("hi")).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.error()["code"], "rate_limit_exceeded");
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    // A rate of one in a hundred seconds asks for more than clients wait for.
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(world.asked().len(), 2, "Bedrock is not asked");
}

#[tokio::test]
async fn each_key_has_a_rate_of_its_own() {
    let key = |name: &str| KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}")),
        access_key: None,
        chat: Default::default(),
    };
    let world = World::with(|config| {
        config.keys = vec![key("one"), key("two")];
        config.limits.key = rate(0.01, 1);
    })
    .await;
    assert_eq!(chat_as(&world, "sk-one").await.status, 200);
    assert_eq!(chat_as(&world, "sk-one").await.status, 429);
    assert_eq!(chat_as(&world, "sk-two").await.status, 200);
}

#[tokio::test]
async fn requests_over_the_rate_wait_for_their_turn_and_all_are_answered() {
    let world = World::with(|config| config.limits.key = rate(20.0, 1)).await;
    let request = whole("hi");
    let replies = within_limit(join_all((0..6).map(|_| world.chat(&request)))).await;
    for reply in replies {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    assert_eq!(world.asked().len(), 6);
}

#[tokio::test]
async fn those_that_would_wait_too_long_are_told_different_times_to_come_back() {
    let mut settings = rate(0.1, 1);
    settings.max_wait = std::time::Duration::ZERO;
    let world = World::with(|config| config.limits.key = settings).await;
    let request = whole("hi");
    assert_eq!(world.chat(&request).await.status, 200);
    let mut waits = Vec::new();
    for _ in 0..3 {
        let reply = world.chat(&request).await;
        assert_eq!(reply.status, 429);
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        waits.push(wait);
    }
    assert!(
        waits.is_sorted_by(|one, other| one + 9 <= *other),
        "{waits:?}"
    );
    assert!(
        waits.iter().all(|wait| (1..=31).contains(wait)),
        "{waits:?}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn the_wait_is_written_down() {
    crate::logs::begin();
    let world = World::with(|config| config.limits.key = rate(20.0, 1)).await;
    let request = whole("hi");
    let (first, second) = tokio::join!(world.chat(&request), world.chat(&request));
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
    within_limit(async {
        while crate::logs::lines_with("queued_ms=").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_holds_all_its_places_leaves_those_of_others() {
    let limits = Limits::default();
    let (key, target) = (limits.key.calls_under_way, limits.target.calls_under_way);
    assert!(key < target, "{key} of {target}");
    let entry = |name: &str| KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}")),
        access_key: None,
        chat: Default::default(),
    };
    let world = World::with(|config| {
        config.keys = vec![entry("one"), entry("two")];
        config.limits.key = LimitSettings::calls(1);
        config.limits.key.max_wait = std::time::Duration::ZERO;
        config.limits.target = LimitSettings::calls(2);
    })
    .await;
    let silence = bedrock_simulator::Fault::SlowAnswer { delay_ms: 600_000 };
    world
        .simulator
        .push(bedrock_simulator::Script::fault(silence));
    let held = chat_as(&world, "sk-one");
    tokio::pin!(held);
    tokio::select! {
        _ = &mut held => panic!("the answer should not have come"),
        () = world.simulator.received_at_least(1) => {}
    }
    assert_eq!(chat_as(&world, "sk-one").await.status, 429);
    assert_eq!(chat_as(&world, "sk-two").await.status, 200);
}

#[tokio::test]
async fn a_burst_beyond_the_concurrent_requests_is_served_one_after_another() {
    let world = World::with(|config| config.limits.target = LimitSettings::calls(1)).await;
    for request in [whole("hi"), streamed("hi")] {
        let replies = within_limit(join_all((0..6).map(|_| world.chat(&request)))).await;
        for reply in replies {
            assert_eq!(reply.status, 200, "{}", reply.text);
        }
    }
    assert_eq!(world.asked().len(), 12);
}

#[tokio::test]
async fn several_choices_are_let_in_together() {
    let world = World::with(|config| config.limits.target = LimitSettings::calls(2)).await;
    let mut request = whole("hi");
    request["n"] = 2.into();
    let replies = within_limit(join_all((0..3).map(|_| world.chat(&request)))).await;
    for reply in replies {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    request["n"] = 3.into();
    let world = World::with(|config| {
        config.limits.target = LimitSettings::calls(2);
        config.limits.target.max_wait = std::time::Duration::ZERO;
    })
    .await;
    assert_eq!(
        world.chat(&request).await.status,
        429,
        "more than there are"
    );
    request["n"] = 2.into();
    assert_eq!(world.chat(&request).await.status, 200);
}
