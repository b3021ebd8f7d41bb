//! Requests and tokens per minute, and concurrent requests.

use std::time::Instant;

use bedrock_simulator::{Fault, Script};
use outcrop::allowances::{BudgetPeriod, ModelAllowance, ModelPattern};
use outcrop::config::Config;
use serde_json::json;

use super::{
    allowance, budget, chat, harness, request, requests, settled, spent, states, team, tokens,
    tokens_left,
};
use crate::harness::{non_streaming, streamed};

#[tokio::test]
async fn each_level_refuses_and_names_itself() {
    type Change = fn(&mut Config);
    let cases: [(Change, &str, &[&str]); 5] = [
        (
            |config| config.organization.allowance = allowance(requests(1)),
            "the organization",
            &["sk-bob", "sk-other"],
        ),
        (
            |config| team(config).allowance = allowance(requests(1)),
            "team `research`",
            &["sk-bob"],
        ),
        (
            |config| team(config).user = allowance(requests(1)),
            "user `ann` of team `research`",
            &[],
        ),
        (
            |config| config.keys[0].grant.allowance = allowance(requests(1)),
            "this API key",
            &[],
        ),
        (
            |config| {
                team(config).allowance.models = vec![ModelAllowance {
                    pattern: ModelPattern::parse("*sonnet*").unwrap(),
                    usage: requests(1),
                }];
            },
            "team `research` and models `*sonnet*`",
            &["sk-bob"],
        ),
    ];
    for (change, owner, others) in cases {
        let harness = harness(change).await;
        let body = non_streaming("hi");
        let first = chat(&harness, "sk-ann", &body).await;
        assert_eq!(first.status, 200, "{owner}: {}", first.text);
        assert_eq!(first.header("x-ratelimit-limit-requests"), Some("1"));
        assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("0"));
        let refused = chat(&harness, "sk-ann", &body).await;
        assert_eq!(refused.status, 429, "{owner}");
        let error = refused.error();
        let expected = format!(
            "Rate limit reached for {owner} on requests per min (RPM): Limit 1, Used 1, Requested \
             1. Please try again in "
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&expected), "{message}");
        assert_eq!(error["type"], "requests");
        assert_eq!(error["code"], "rate_limit_exceeded");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        for key in ["sk-bob", "sk-other"] {
            let status = chat(&harness, key, &body).await.status;
            let expected = if others.contains(&key) { 429 } else { 200 };
            assert_eq!(status, expected, "{owner}: {key}");
        }
    }
}

#[tokio::test]
async fn a_refusal_of_one_level_takes_nothing_from_the_others() {
    let harness = harness(|config| {
        config.organization.allowance = allowance(requests(100));
        config.keys[0].grant.allowance = allowance(tokens(1500));
    })
    .await;
    let mut body = non_streaming("hi");
    body["max_tokens"] = json!(2000);
    let refused = chat(&harness, "sk-ann", &body).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.error()["type"]),
        (429, &json!("tokens"))
    );
    let message = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Request too large for this API key on tokens per min (TPM)"));
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    assert_eq!(refused.header("x-ratelimit-remaining-tokens"), Some("1500"));
    let organization = &states(&harness, "sk-ann")[0];
    assert_eq!(organization.requests.unwrap().remaining, 100);
    assert_eq!(harness.sent_upstream().len(), 0, "Bedrock is not called");
}

#[tokio::test]
async fn tokens_are_settled_however_a_request_ends() {
    let harness = harness(|config| {
        config.organization.allowance = allowance(tokens(6000));
    })
    .await;
    let began = Instant::now();
    let used_since = |before: u64| before.saturating_sub(tokens_left(&harness, "sk-ann"));
    // A hundred come back each second.
    let restored = || began.elapsed().as_millis() as u64 / 10 + 1;
    // Completed: what Bedrock reports.
    for body in [non_streaming("hi"), streamed("hi")] {
        let before = tokens_left(&harness, "sk-ann");
        let reply = chat(&harness, "sk-ann", &body).await;
        assert_eq!(reply.status, 200);
        let record = settled(&harness, 1).await.remove(0);
        let (used, reported) = (used_since(before), record.tokens.unwrap().limited());
        assert!(
            used <= reported && used + restored() >= reported,
            "{used} of {reported}"
        );
    }
    // Failed, and refused after the reservation: nothing but the request.
    harness
        .simulator
        .push(Script::error(403, "AccessDeniedException", "not allowed"));
    let mut invalid = non_streaming("hi");
    invalid["temperature"] = json!(7);
    for body in [non_streaming("hi"), invalid] {
        let before = tokens_left(&harness, "sk-ann");
        let status = chat(&harness, "sk-ann", &body).await.status;
        assert!(matches!(status.as_u16(), 400 | 403), "{status}");
        settled(&harness, 1).await;
        assert_eq!(used_since(before), 0, "{body}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_charged_by_estimate() {
    let harness = harness(|config| {
        config.organization.allowance = allowance(budget("100", BudgetPeriod::Total));
    })
    .await;
    let stall = Script::fault(Fault::Stall { after_events: 4 });
    harness.simulator.push(stall);
    let request = request(&harness, "sk-ann", "/v1/chat/completions", &streamed("hi"));
    let mut stream = harness.open_request(request).await;
    assert!(stream.next().await.is_some());
    let reserved = spent(&harness, "sk-ann");
    assert!(
        reserved > 16_000_000,
        "1,024 output tokens are expected: {reserved}"
    );
    drop(stream);
    harness.simulator.wait_for_abandoned(1).await;
    let record = settled(&harness, 1).await.remove(0);
    assert!(record.estimated, "{record:?}");
    let tokens = record.tokens.unwrap();
    assert!(tokens.prompt > 0 && tokens.completion > 0, "{tokens:?}");
    let cost = record.cost.unwrap().total().unwrap().nanodollars();
    assert_eq!(
        spent(&harness, "sk-ann"),
        cost,
        "the budget is the sum of the records"
    );
    assert!(cost > 0 && cost < reserved, "{cost} of {reserved}");
}

#[tokio::test]
async fn concurrent_requests_are_counted_until_they_end() {
    let harness = harness(|config| {
        let allowance = &mut team(config).allowance;
        allowance.usage.max_concurrent_requests = Some(1);
    })
    .await;
    let stall = Script::fault(Fault::Stall { after_events: 2 });
    harness.simulator.push(stall);
    let open = request(&harness, "sk-ann", "/v1/chat/completions", &streamed("hi"));
    let mut stream = harness.open_request(open).await;
    assert!(stream.next().await.is_some());
    let refused = chat(&harness, "sk-bob", &non_streaming("hi")).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(
        refused.error()["message"],
        "Rate limit reached for team `research` on concurrent requests: Limit 1, Used 1, Requested \
         1. Please try again in 1s."
    );
    drop(stream);
    harness.simulator.wait_for_abandoned(1).await;
    settled(&harness, 2).await;
    assert_eq!(
        chat(&harness, "sk-bob", &non_streaming("hi")).await.status,
        200
    );
}
