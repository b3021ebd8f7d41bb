//! Rate limits and concurrency limits, for each target and each key.

use http::Method;
use http::header::AUTHORIZATION;
use outcrop::config::{KeyDigest, KeyEntry, LimitSettings, Limits};
use outcrop::limits::RefusedLimit;

use futures_util::future::join_all;

use crate::chat::stream_ends::within_limit;
use crate::harness::{Harness, Reply, non_streaming, streamed};

fn rate(requests_per_second: f64, burst: u32) -> LimitSettings {
    let mut settings = LimitSettings::calls(2048).at_rate(requests_per_second);
    settings.burst = burst;
    settings
}

async fn chat_as(harness: &Harness, key: &str) -> Reply {
    let mut request = harness.request(
        Method::POST,
        "/v1/chat/completions",
        non_streaming("hi").to_string(),
    );
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, value);
    harness.send(request).await
}

#[tokio::test]
async fn exceeding_the_rate_returns_429_with_rate_limit_headers() {
    let limits = Limits {
        target: rate(0.01, 2),
        ..Limits::default()
    };
    let harness = Harness::with(|config| config.limits = limits).await;
    let first = harness.chat(&non_streaming("hi")).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-limit-requests"), Some("2"));
    assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("1"));
    assert!(first.header("x-ratelimit-reset-requests").is_some());
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 200);
    let refused = harness.chat(&non_streaming("hi")).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.error()["code"], "rate_limit_exceeded");
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    // One request per 100 seconds: the delay is capped at what clients accept.
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(harness.sent_upstream().len(), 2, "Bedrock is not called");
    let records = harness.records.take(3).await;
    let limits: Vec<_> = records.iter().map(|record| record.refused_limit).collect();
    let limit = RefusedLimit {
        scope: "model",
        kind: "requests",
    };
    assert_eq!(limits, [None, None, Some(limit)]);
}

#[tokio::test]
async fn the_record_of_a_refused_request_has_the_level_of_the_limit() {
    let harness = Harness::with(|config| {
        config.keys = vec![KeyEntry {
            caller: "a".to_owned(),
            digest: KeyDigest::of("sk-a"),
            access_key: None,
            chat: Default::default(),
            grant: outcrop::allowances::KeyGrant::default(),
        }];
        let allowance = &mut config.organization.allowance;
        allowance.usage.requests_per_minute = Some(1);
    });
    let harness = harness.await;
    assert_eq!(chat_as(&harness, "sk-a").await.status, 200);
    assert_eq!(chat_as(&harness, "sk-a").await.status, 429);
    let records = harness.records.take(2).await;
    let limit = RefusedLimit {
        scope: "organization",
        kind: "requests",
    };
    assert_eq!(records[1].refused_limit, Some(limit));
}

#[tokio::test]
async fn each_key_has_its_own_rate() {
    let key = |name: &str| KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}")),
        access_key: None,
        chat: Default::default(),
        grant: outcrop::allowances::KeyGrant::default(),
    };
    let harness = Harness::with(|config| {
        config.keys = vec![key("one"), key("two")];
        config.limits.key = rate(0.01, 1);
    })
    .await;
    assert_eq!(chat_as(&harness, "sk-one").await.status, 200);
    assert_eq!(chat_as(&harness, "sk-one").await.status, 429);
    assert_eq!(chat_as(&harness, "sk-two").await.status, 200);
}

#[tokio::test]
async fn requests_over_the_rate_are_queued_and_all_complete() {
    let harness = Harness::with(|config| config.limits.key = rate(20.0, 1)).await;
    let request = non_streaming("hi");
    let replies = within_limit(join_all((0..6).map(|_| harness.chat(&request)))).await;
    for reply in replies {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    assert_eq!(harness.sent_upstream().len(), 6);
}

#[tokio::test]
async fn rejected_requests_get_staggered_retry_after_values() {
    let mut settings = rate(0.1, 1);
    settings.max_wait = std::time::Duration::ZERO;
    let harness = Harness::with(|config| config.limits.key = settings).await;
    let request = non_streaming("hi");
    assert_eq!(harness.chat(&request).await.status, 200);
    let mut waits = Vec::new();
    for _ in 0..3 {
        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, 429);
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        waits.push(wait);
    }
    assert!(
        waits.is_sorted_by(|one, next| one + 9 <= *next),
        "{waits:?}"
    );
    assert!(
        waits.iter().all(|wait| (1..=31).contains(wait)),
        "{waits:?}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn the_queue_time_is_logged() {
    crate::harness::logs::begin();
    let harness = Harness::with(|config| config.limits.key = rate(20.0, 1)).await;
    let request = non_streaming("hi");
    let (first, second) = tokio::join!(harness.chat(&request), harness.chat(&request));
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
    within_limit(async {
        while crate::harness::logs::lines_with("queued_ms=").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_caller_at_its_limit_does_not_use_up_other_callers_slots() {
    let limits = Limits::default();
    let (key, target) = (
        limits.key.max_concurrent_requests,
        limits.target.max_concurrent_requests,
    );
    assert!(key < target, "{key} of {target}");
    let entry = |name: &str| KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}")),
        access_key: None,
        chat: Default::default(),
        grant: outcrop::allowances::KeyGrant::default(),
    };
    let harness = Harness::with(|config| {
        config.keys = vec![entry("one"), entry("two")];
        config.limits.key = LimitSettings::calls(1);
        config.limits.key.max_wait = std::time::Duration::ZERO;
        config.limits.target = LimitSettings::calls(2);
    })
    .await;
    let slow_response = bedrock_simulator::Fault::SlowResponse { delay_ms: 600_000 };
    harness
        .simulator
        .push(bedrock_simulator::Script::fault(slow_response));
    let held_request = chat_as(&harness, "sk-one");
    tokio::pin!(held_request);
    tokio::select! {
        _ = &mut held_request => panic!("the response arrived"),
        () = harness.simulator.wait_for_received(1) => {}
    }
    assert_eq!(chat_as(&harness, "sk-one").await.status, 429);
    assert_eq!(chat_as(&harness, "sk-two").await.status, 200);
}

#[tokio::test]
async fn a_burst_beyond_the_concurrent_requests_is_served_one_after_another() {
    let harness = Harness::with(|config| config.limits.target = LimitSettings::calls(1)).await;
    for request in [non_streaming("hi"), streamed("hi")] {
        let replies = within_limit(join_all((0..6).map(|_| harness.chat(&request)))).await;
        for reply in replies {
            assert_eq!(reply.status, 200, "{}", reply.text);
        }
    }
    assert_eq!(harness.sent_upstream().len(), 12);
}

#[tokio::test]
async fn several_choices_are_let_in_together() {
    let harness = Harness::with(|config| config.limits.target = LimitSettings::calls(2)).await;
    let mut request = non_streaming("hi");
    request["n"] = 2.into();
    let replies = within_limit(join_all((0..3).map(|_| harness.chat(&request)))).await;
    for reply in replies {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    request["n"] = 3.into();
    let harness = Harness::with(|config| {
        config.limits.target = LimitSettings::calls(2);
        config.limits.target.max_wait = std::time::Duration::ZERO;
    })
    .await;
    assert_eq!(
        harness.chat(&request).await.status,
        429,
        "more slots than the limit"
    );
    request["n"] = 2.into();
    assert_eq!(harness.chat(&request).await.status, 200);
}
