//! Bedrock's API through the gateway: the requests of its clients and their responses.

mod operator;
mod sdk;
pub mod signatures;
mod streams;

use bedrock_simulator::Options;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};
use outcrop::config::Config;
use serde_json::{Value, json};

use crate::bedrock_api::signatures::team_a;
use crate::harness::{Harness, MODEL, Reply};

/// A gateway with the API key and the access key of `team-a`.
async fn harness(change: impl FnOnce(&mut Config)) -> Harness {
    Harness::with_simulator(Options::default(), |config| {
        config.keys.push(team_a());
        change(config);
    })
    .await
}

/// Sends a request as an SDK does with a Bedrock API key.
async fn send(
    harness: &Harness,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Reply {
    let mut request = harness.request(Method::POST, path, body.to_owned());
    let bearer = HeaderValue::from_static("Bearer sk-team-a");
    request.headers_mut().insert(AUTHORIZATION, bearer);
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().insert(*name, value);
    }
    harness.send(request).await
}

fn path(model: &str, action: &str) -> String {
    format!("/model/{model}/{action}")
}

fn converse_request(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": text}]}]})
}

async fn converse(harness: &Harness, body: &Value) -> Reply {
    send(harness, &path(MODEL, "converse"), &[], &body.to_string()).await
}

fn error_type(reply: &Reply) -> &str {
    reply.header("x-amzn-errortype").unwrap_or_default()
}

#[tokio::test]
async fn bodies_are_forwarded_byte_for_byte_and_client_headers_are_filtered() {
    let harness = harness(|_| {}).await;
    let body = "{ \"messages\" : [{\"content\":[{\"text\":\"h\\u00e9\"}],\"role\":\"user\"}],\
                \"inferenceConfig\":{\"temperature\":0.70} }";
    for model in [
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0",
    ] {
        harness.simulator.clear();
        let headers = [
            ("x-amzn-bedrock-trace", "ENABLED"),
            ("accept", "application/json"),
            ("x-custom", "mine"),
            ("amz-sdk-invocation-id", "1"),
            ("x-amz-date", "20250101T000000Z"),
        ];
        let reply = send(&harness, &path(model, "converse"), &headers, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(reply.header("x-amzn-requestid").is_some());
        assert!(reply.header("x-request-id").is_some());
        let sent_upstream = harness.simulator.requests().pop().unwrap();
        assert_eq!(sent_upstream.body, body);
        assert_eq!(sent_upstream.path, path(model, "converse"));
        assert_eq!(sent_upstream.headers["x-amzn-bedrock-trace"], "ENABLED");
        let signed = sent_upstream.headers["authorization"].to_str().unwrap();
        assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"));
        assert_ne!(sent_upstream.headers["x-amz-date"], "20250101T000000Z");
        for name in ["x-custom", "amz-sdk-invocation-id"] {
            assert!(!sent_upstream.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_configured_name_resolves_to_its_model() {
    let harness = harness(|config| {
        let model = outcrop::models::ModelId::parse(MODEL).unwrap();
        config.models.insert("team/sonnet".to_owned(), model.into());
    })
    .await;
    let body = converse_request("hi").to_string();
    for name in ["team/sonnet", "team%2Fsonnet"] {
        let reply = send(&harness, &path(name, "converse"), &[], &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let count = json!({"input": {"converse": converse_request("hi")}}).to_string();
    let reply = send(&harness, &path("team/sonnet", "count-tokens"), &[], &count).await;
    assert!(reply.json()["inputTokens"].is_u64(), "{}", reply.text);
    let paths = harness.simulator.requests().into_iter();
    let paths: Vec<String> = paths.map(|request| request.path).collect();
    let encoded = MODEL.replace(':', "%3A");
    let foundation = encoded.strip_prefix("us.").unwrap();
    assert_eq!(
        paths,
        [
            path(&encoded, "converse"),
            path(&encoded, "converse"),
            path(foundation, "count-tokens")
        ]
    );
}

#[tokio::test]
async fn missing_keys_are_rejected_in_aws_error_format() {
    let harness = harness(|_| {}).await;
    let body = converse_request("hi").to_string();
    let without_key = harness
        .post(&path(MODEL, "converse"), &converse_request("hi"))
        .await;
    let mut request = harness.request(Method::POST, &path(MODEL, "converse"), body.clone());
    let bearer = HeaderValue::from_static("Bearer sk-somebody-else");
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let wrong = harness.send(request).await;
    for reply in [without_key, wrong] {
        assert_eq!(reply.status, 403);
        assert_eq!(error_type(&reply), "UnrecognizedClientException");
        let members: Vec<String> = reply.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["message"]);
    }
    assert_eq!(harness.simulator.requests().len(), 0);
}

#[tokio::test]
async fn unknown_operations_return_aws_error_format() {
    let harness = harness(|_| {}).await;
    let reply = send(&harness, "/model/a/sing", &[], "{}").await;
    assert_eq!(
        (reply.status.as_u16(), error_type(&reply)),
        (404, "UnknownOperationException")
    );
    let reply = send(&harness, &path("a%20b", "converse"), &[], "{}").await;
    assert_eq!(
        (reply.status.as_u16(), error_type(&reply)),
        (400, "ValidationException")
    );
    assert_eq!(harness.simulator.requests().len(), 0);
}

#[tokio::test]
async fn the_bedrock_api_can_be_disabled() {
    let harness = harness(|config| config.bedrock_api.enabled = false).await;
    let reply = converse(&harness, &converse_request("hi")).await;
    assert_eq!(
        (reply.status.as_u16(), error_type(&reply)),
        (404, "UnknownOperationException")
    );
}

#[tokio::test]
async fn bedrocks_errors_are_forwarded_without_operator_details() {
    let harness = harness(|_| {}).await;
    let script = bedrock_simulator::Script::error;
    let denied = "User: arn:aws:sts::123456789012:assumed-role/gateway is not authorized";
    for (status, name, message, expected) in [
        (
            400,
            "ValidationException",
            "The \"é\" is bad.",
            "The \"é\" is bad.",
        ),
        (
            403,
            "AccessDeniedException",
            denied,
            "User: [arn] is not authorized",
        ),
        (
            404,
            "ResourceNotFoundException",
            "end of its life",
            "end of its life",
        ),
        (424, "ModelErrorException", "it broke", "it broke"),
        (
            429,
            "ThrottlingException",
            "Too many requests",
            "Too many requests",
        ),
        (408, "ModelTimeoutException", "too slow", "too slow"),
    ] {
        harness.simulator.clear();
        harness
            .simulator
            .push(script(status, name, message).times(0));
        let reply = converse(&harness, &converse_request("hi")).await;
        assert_eq!(reply.status, status);
        assert!(
            error_type(&reply).starts_with(name),
            "{}",
            error_type(&reply)
        );
        assert_eq!(reply.json()["message"], expected);
        assert!(reply.header("x-amzn-requestid").is_some());
    }
}

#[tokio::test]
async fn rejected_gateway_credentials_are_not_reported_as_the_clients_error() {
    let harness = harness(|_| {}).await;
    let script = bedrock_simulator::Script::error(
        403,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    harness.simulator.push(script.times(0));
    let reply = converse(&harness, &converse_request("hi")).await;
    assert_eq!(
        (reply.status.as_u16(), error_type(&reply)),
        (500, "InternalServerException")
    );
    assert!(!reply.text.contains("token"), "{}", reply.text);
}

#[tokio::test]
async fn a_throttled_call_is_retried_until_it_succeeds() {
    for action in ["converse", "invoke"] {
        let harness = harness(|_| {}).await;
        let script = bedrock_simulator::Script::error(429, "ThrottlingException", "slow down");
        harness.simulator.push(script.times(3));
        let mut body = converse_request("hi");
        if action == "invoke" {
            body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
        }
        let reply = send(&harness, &path(MODEL, action), &[], &body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(harness.simulator.requests().len(), 4);
    }
}

#[tokio::test]
async fn exceeding_a_gateway_limit_returns_a_throttling_exception() {
    let harness = harness(|config| {
        let mut rate = outcrop::config::LimitSettings::calls(10).at_rate(0.01);
        rate.burst = 1;
        config.limits.key = rate;
    })
    .await;
    let first = converse(&harness, &converse_request("hi")).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("0"));
    let reply = converse(&harness, &converse_request("hi")).await;
    assert_eq!(
        (reply.status.as_u16(), error_type(&reply)),
        (429, "ThrottlingException")
    );
    assert_eq!(reply.header("retry-after"), Some("60"));
}

#[tokio::test(flavor = "current_thread")]
async fn usage_and_cost_are_logged_for_every_response_format() {
    let claude = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    for (action, body) in [("converse", converse_request("hi")), ("invoke", claude)] {
        crate::harness::logs::begin();
        let harness = harness(|_| {}).await;
        let reply = send(&harness, &path(MODEL, action), &[], &body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let cost = reply.header("x-outcrop-cost-usd").unwrap().to_owned();
        assert!(cost.starts_with("0.0"), "{cost}");
        let line = crate::harness::logs::request_line().await;
        for part in [
            "caller=\"team-a\"",
            &format!("model=\"{MODEL}\""),
            "status=200",
            "outcome=\"completed\"",
            &format!("cost_usd=\"{cost}\""),
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert!(!line.contains("prompt_tokens=0"), "{line}");
        assert!(!line.contains("completion_tokens=0"), "{line}");
    }
}
