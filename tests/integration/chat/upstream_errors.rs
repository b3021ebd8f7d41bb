//! The errors that clients receive when Bedrock fails.

use std::time::Duration;

use bedrock_simulator::{Fault, Script, ScriptedResponse};
use serde_json::{Value, json};

use crate::harness::{Harness, non_streaming, streamed};

/// Bedrock's error: status, name, message.
type UpstreamCase = (u16, &'static str, &'static str);

/// The client's error: status, type, code, `x-should-retry`.
type ExpectedError = (u16, &'static str, &'static str, Option<&'static str>);

const ERRORS: &[(UpstreamCase, ExpectedError)] = &[
    (
        (
            400,
            "ValidationException",
            "The model returned the following errors: Input is too long for requested model.",
        ),
        (
            400,
            "invalid_request_error",
            "context_length_exceeded",
            None,
        ),
    ),
    (
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
        ),
        (404, "invalid_request_error", "model_not_found", None),
    ),
    (
        (
            400,
            "ValidationException",
            "Invocation of model ID amazon.nova-pro-v1:0 with on-demand throughput isn’t supported. Retry your request with an inference profile.",
        ),
        (404, "invalid_request_error", "model_not_found", None),
    ),
    (
        (
            400,
            "ValidationException",
            "Malformed input request: #/messages/0: required key [role] not found",
        ),
        (400, "invalid_request_error", "invalid_value", None),
    ),
    (
        (
            400,
            "ServiceQuotaExceededException",
            "Your request exceeds the service quota.",
        ),
        (
            429,
            "insufficient_quota",
            "insufficient_quota",
            Some("false"),
        ),
    ),
    (
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
        ),
        (
            403,
            "permission_error",
            "model_access_denied",
            Some("false"),
        ),
    ),
    (
        (
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        (500, "server_error", "upstream_auth_failed", Some("false")),
    ),
    (
        (
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (500, "server_error", "upstream_auth_failed", Some("false")),
    ),
    (
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life.",
        ),
        (404, "invalid_request_error", "model_not_found", None),
    ),
    (
        (
            408,
            "ModelTimeoutException",
            "Model has timed out in processing the request.",
        ),
        (504, "server_error", "upstream_timeout", None),
    ),
    (
        (
            424,
            "ModelErrorException",
            "The system encountered an unexpected error during processing.",
        ),
        (502, "server_error", "model_error", None),
    ),
    (
        (
            429,
            "ThrottlingException",
            "Too many requests, please wait before trying again.",
        ),
        (429, "requests", "rate_limit_exceeded", None),
    ),
    (
        (
            429,
            "ThrottlingException",
            "Too many tokens, please wait before trying again.",
        ),
        (429, "tokens", "rate_limit_exceeded", None),
    ),
    (
        (
            429,
            "ThrottlingException",
            "Too many tokens per day, please wait before trying again.",
        ),
        (
            429,
            "insufficient_quota",
            "insufficient_quota",
            Some("false"),
        ),
    ),
    (
        (
            429,
            "ModelNotReadyException",
            "Model is not ready for inference.",
        ),
        (503, "server_error", "model_not_ready", None),
    ),
    (
        (
            500,
            "InternalServerException",
            "The system encountered an unexpected error.",
        ),
        (500, "server_error", "upstream_error", None),
    ),
    (
        (
            503,
            "ServiceUnavailableException",
            "Model is getting throttled. Try your request again.",
        ),
        (503, "server_error", "service_unavailable", None),
    ),
    (
        (418, "SomethingNewException", "A message."),
        (400, "invalid_request_error", "invalid_value", None),
    ),
    (
        (599, "SomethingNewException", "A message."),
        (502, "server_error", "upstream_error", None),
    ),
];

async fn one_attempt() -> Harness {
    Harness::with(|config| config.bedrock.retry.max_attempts = 1).await
}

#[tokio::test]
async fn each_bedrock_error_has_a_status_type_and_code() {
    let harness = one_attempt().await;
    for ((status, name, message), (expected, kind, code, should_retry)) in ERRORS {
        for request in [non_streaming("hi"), streamed("hi")] {
            harness.simulator.clear();
            harness
                .simulator
                .push(Script::error(*status, *name, *message).times(0));
            let reply = harness.chat(&request).await;
            assert_eq!(reply.status.as_u16(), *expected, "{name}: {message}");
            let error = reply.error();
            assert_eq!(error["type"], *kind, "{name}: {message}");
            assert_eq!(error["code"], *code, "{name}: {message}");
            assert!(error.get("param").is_some() && error["message"].is_string());
            assert_eq!(
                reply.header("x-should-retry"),
                *should_retry,
                "{name}: {message}"
            );
            assert!(reply.header("x-request-id").is_some());
            let waits = matches!(*expected, 429 | 503) && should_retry.is_none();
            let wait = reply
                .header("retry-after")
                .and_then(|wait| wait.parse::<u32>().ok());
            assert_eq!(
                wait.is_some_and(|wait| (1..=60).contains(&wait)),
                waits,
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn errors_begin_with_the_words_that_clients_match() {
    let harness = one_attempt().await;
    for (status, name, message, start) in [
        (
            400,
            "ValidationException",
            "The model returned the following errors: prompt is too long: 215000 tokens > 200000 \
             maximum",
            "This model's maximum context length is 200000 tokens. However, your messages resulted \
             in 215000 tokens. Please reduce the length of the messages. The input exceeds the \
             context window (prompt is too long: 215000 tokens > 200000 maximum).",
        ),
        (
            400,
            "ValidationException",
            "Input is too long for requested model.",
            // The context window from the model table.
            "This model's maximum context length is 200000 tokens. However, your messages resulted \
             in more. Please reduce the length of the messages. The input exceeds the context \
             window (prompt is too long: Input is too long for requested model).",
        ),
        (
            400,
            "ValidationException",
            "This request has been blocked by our content filters.",
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. ",
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            "The model `us.anthropic.claude-sonnet-4-5-20250929-v1:0` does not exist or you do not \
             have access to it.",
        ),
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life.",
            "The model `us.anthropic.claude-sonnet-4-5-20250929-v1:0` does not exist or you do not \
             have access to it. It has reached its end of life on Bedrock.",
        ),
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            "You do not have access to the model `us.anthropic.claude-sonnet-4-5-20250929-v1:0`: ",
        ),
        (
            429,
            "ThrottlingException",
            "Too many requests, please wait before trying again.",
            "Rate limit reached for `us.anthropic.claude-sonnet-4-5-20250929-v1:0` on requests per \
             min (RPM): Bedrock throttles it for this gateway. Please try again in ",
        ),
        (
            429,
            "ThrottlingException",
            "Too many tokens, please wait before trying again.",
            "Rate limit reached for `us.anthropic.claude-sonnet-4-5-20250929-v1:0` on tokens per \
             min (TPM): ",
        ),
        (
            400,
            "ServiceQuotaExceededException",
            "Your request exceeds the service quota.",
            "You exceeded your current quota, please check your plan and billing details. ",
        ),
    ] {
        for request in [non_streaming("hi"), streamed("hi")] {
            harness.simulator.clear();
            let script = Script::error(status, name, message).times(0);
            harness.simulator.push(script);
            let reply = harness.chat(&request).await;
            let error_message = reply.error()["message"].as_str().unwrap().to_owned();
            assert!(error_message.starts_with(start), "{error_message}");
        }
    }
    // The same within a stream.
    harness.simulator.clear();
    harness.simulator.push(Script::fault(Fault::Exception {
        after_events: 3,
        code: "validationException".to_owned(),
        message: "Input is too long for requested model.".to_owned(),
        original_status_code: None,
    }));
    let reply = harness.chat(&streamed("Tell me a story")).await;
    let last: Value = serde_json::from_str(&reply.last_event()).unwrap();
    let error_message = last["error"]["message"].as_str().unwrap();
    let start = "This model's maximum context length is 200000 tokens. ";
    assert!(error_message.starts_with(start), "{error_message}");
}

#[tokio::test]
async fn a_rate_limit_error_states_the_delay_of_its_header() {
    let harness = one_attempt().await;
    let throttled = Script::new(ScriptedResponse::Error {
        status: 429,
        code: "ThrottlingException".to_owned(),
        message: "Too many requests".to_owned(),
        retry_after: Some(7),
    });
    harness.simulator.push(throttled.times(0));
    let reply = harness.chat(&non_streaming("hi")).await;
    assert_eq!(reply.header("retry-after"), Some("7"));
    let error_message = reply.error()["message"].as_str().unwrap().to_owned();
    assert!(
        error_message.ends_with("Please try again in 7s."),
        "{error_message}"
    );
}

#[tokio::test]
async fn errors_do_not_reveal_operator_details() {
    let harness = one_attempt().await;
    let secret = "User: arn:aws:sts::123456789012:assumed-role/gateway-prod/i-0abc is not \
                  authorized to perform bedrock:InvokeModel on account 123456789012 \
                  at bedrock-runtime.us-east-1.amazonaws.com";
    for (status, name) in [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (403, "InvalidSignatureException"),
        (404, "ResourceNotFoundException"),
        (409, "ConflictException"),
        (424, "ModelErrorException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
    ] {
        harness.simulator.clear();
        harness
            .simulator
            .push(Script::error(status, name, secret).times(0));
        let reply = harness.chat(&non_streaming("hi")).await;
        for part in ["123456789012", "arn:", "gateway-prod", "amazonaws", "AKIA"] {
            assert!(!reply.text.contains(part), "{name}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn an_exception_in_the_first_frame_has_a_real_status() {
    let harness = one_attempt().await;
    for (code, status) in [
        ("throttlingException", 429),
        ("validationException", 400),
        ("serviceUnavailableException", 503),
        ("internalServerException", 500),
        ("modelStreamErrorException", 502),
    ] {
        harness.simulator.clear();
        let exception = Fault::Exception {
            after_events: 0,
            code: code.to_owned(),
            message: "no".to_owned(),
            original_status_code: None,
        };
        harness.simulator.push(Script::fault(exception));
        let reply = harness.chat(&streamed("hi")).await;
        assert_eq!(reply.status.as_u16(), status, "{code}");
        assert!(reply.error()["message"].is_string());
    }
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_event_and_without_done() {
    let harness = one_attempt().await;
    let exception = |code: &str| Fault::Exception {
        after_events: 3,
        code: code.to_owned(),
        message: "it broke".to_owned(),
        original_status_code: None,
    };
    let after_events = 3;
    for (fault, code) in [
        (exception("throttlingException"), "rate_limit_exceeded"),
        (exception("modelStreamErrorException"), "model_stream_error"),
        (exception("internalServerException"), "upstream_error"),
        (
            exception("serviceUnavailableException"),
            "service_unavailable",
        ),
        (exception("validationException"), "invalid_value"),
        (Fault::Cut { after_events }, "upstream_connection_error"),
        (Fault::End { after_events }, "upstream_connection_error"),
        (
            Fault::TruncatedFrame { after_events },
            "upstream_bad_response",
        ),
        (Fault::BadCrc { after_events }, "upstream_bad_response"),
    ] {
        harness.simulator.clear();
        let name = format!("{fault:?}");
        harness.simulator.push(Script::fault(fault));
        let reply = harness.chat(&streamed("Tell me a story")).await;
        assert_eq!(reply.status, 200, "{name}");
        let events = reply.events();
        assert!(
            events.len() > 1,
            "{name}: events before the error are delivered: {events:?}"
        );
        let last: Value = serde_json::from_str(&reply.last_event()).expect("an error event");
        assert_eq!(last["error"]["code"], code, "{name}: {last}");
        assert!(!reply.text.contains("[DONE]"), "{name}");
        assert!(!reply.text.contains("finish_reason\":\"stop"), "{name}");
    }
}

#[tokio::test]
async fn an_idle_stream_ends_with_an_error_event_despite_keepalive_comments() {
    let harness = Harness::with(|config| {
        config.bedrock.timeouts.stream_idle = Duration::from_millis(400);
        config.server.keepalive = Duration::from_millis(100);
    })
    .await;
    harness
        .simulator
        .push(Script::fault(Fault::Stall { after_events: 2 }));
    let events = harness.open(&streamed("hi")).await.rest().await;
    assert!(
        events.iter().any(|event| event == ": keepalive"),
        "{events:?}"
    );
    let last = events.last().expect("events");
    assert!(last.contains("upstream_timeout"), "{last}");
    assert!(events.iter().all(|event| event != "data: "));
}

#[tokio::test]
async fn a_missing_first_event_is_a_504() {
    let harness = Harness::with(|config| {
        config.bedrock.timeouts.first_event = Duration::from_millis(100);
        config.bedrock.retry.max_attempts = 1;
    })
    .await;
    let delay_ms = 60_000;
    harness
        .simulator
        .push(Script::fault(Fault::SlowFirstEvent { delay_ms }));
    let reply = harness.chat(&streamed("hi")).await;
    assert_eq!(reply.status, 504);
    assert_eq!(reply.error()["code"], "upstream_timeout");
}

#[tokio::test]
async fn an_unreachable_bedrock_is_a_502() {
    let harness = Harness::with(|config| {
        config.bedrock.retry.max_attempts = 1;
        // A port that was free a moment ago, on which nothing listens.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nowhere = format!("http://{}", free.local_addr().unwrap());
        config.bedrock.simulated = Some(outcrop::bedrock::SimulatedBedrock::at(nowhere));
    })
    .await;
    let reply = harness.chat(&non_streaming("hi")).await;
    assert_eq!(reply.status, 502);
    assert_eq!(reply.error()["code"], "upstream_connection_error");
    assert!(!reply.text.contains("127.0.0.1"), "{}", reply.text);
}

#[tokio::test]
async fn an_unreadable_response_is_a_502() {
    let harness = one_attempt().await;
    harness
        .simulator
        .push(Script::new(bedrock_simulator::ScriptedResponse::Raw {
            status: 200,
            headers: Default::default(),
            body: "<html>a proxy's page</html>".into(),
        }));
    let reply = harness.chat(&non_streaming("hi")).await;
    assert_eq!(reply.status, 502);
    assert_eq!(reply.error()["code"], "upstream_bad_response");
}

#[tokio::test]
async fn credentials_that_aws_rejects_are_a_server_error() {
    let harness = Harness::with(|config| {
        if let Some(simulated) = &mut config.bedrock.simulated {
            simulated.secret_access_key = "another".to_owned();
        }
    })
    .await;
    let reply = harness.chat(&non_streaming("hi")).await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.error()["code"], "upstream_auth_failed");
    assert_eq!(reply.error()["param"], json!(null));
    assert_eq!(reply.header("x-should-retry"), Some("false"));
}

#[tokio::test]
async fn an_empty_malformed_output_is_an_error() {
    let harness = one_attempt().await;
    let empty_text = Script::new(bedrock_simulator::ScriptedResponse::Text {
        text: String::new(),
        deltas: Some(Vec::new()),
        stop_reason: Some("malformed_model_output".to_owned()),
        usage: None,
    });
    harness.simulator.push(empty_text.times(0));
    let reply = harness.chat(&non_streaming("hi")).await;
    assert_eq!(reply.status, 502, "{}", reply.text);
    assert_eq!(reply.error()["code"], "malformed_model_output");
    let stream = harness.chat(&streamed("hi")).await;
    assert!(
        stream.last_event().contains("malformed_model_output"),
        "{}",
        stream.text
    );
    assert!(!stream.text.contains("[DONE]"));
}
