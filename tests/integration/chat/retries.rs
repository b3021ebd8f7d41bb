//! Which calls to Bedrock are retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bedrock_simulator::{Fault, Script, ScriptedResponse};
use outcrop::bedrock::SimulatedBedrock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::chat::stream_ends::within_limit;
use crate::fetch::site::tls;
use crate::harness::{Harness, non_streaming, streamed};

fn throttled() -> Script {
    Script::error(429, "ThrottlingException", "Too many requests")
}

#[tokio::test]
async fn a_throttled_call_is_retried_until_it_succeeds() {
    for request in [non_streaming("hi"), streamed("hi")] {
        let harness = Harness::start().await;
        harness.simulator.push(throttled().times(3));
        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(harness.sent_upstream().len(), 4);
    }
}

#[tokio::test]
async fn there_are_at_most_max_attempts() {
    let harness = Harness::with(|config| config.bedrock.retry.max_attempts = 3).await;
    harness.simulator.push(throttled().times(0));
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 429);
    assert_eq!(harness.sent_upstream().len(), 3);
}

#[tokio::test]
async fn permanent_errors_are_not_retried() {
    let harness = Harness::start().await;
    for (status, name) in [
        (400, "ValidationException"),
        (400, "ServiceQuotaExceededException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
    ] {
        harness.simulator.clear();
        harness
            .simulator
            .push(Script::error(status, name, "no").times(0));
        harness.chat(&non_streaming("hi")).await;
        assert_eq!(harness.sent_upstream().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_stream_is_retried_until_its_first_event_and_never_after() {
    let harness = Harness::start().await;
    let exception = |after_events| Fault::Exception {
        after_events,
        code: "throttlingException".to_owned(),
        message: "slow down".to_owned(),
        original_status_code: None,
    };
    harness.simulator.push(Script::fault(exception(0)).times(2));
    let reply = harness.chat(&streamed("hi")).await;
    assert_eq!(reply.last_event(), "[DONE]");
    assert_eq!(harness.sent_upstream().len(), 3);

    harness.simulator.clear();
    harness.simulator.push(Script::fault(exception(2)).times(0));
    let reply = harness.chat(&streamed("hi")).await;
    assert!(reply.last_event().contains("error"), "{}", reply.text);
    assert_eq!(harness.sent_upstream().len(), 1);
}

#[tokio::test]
async fn a_retry_delay_beyond_the_deadline_is_forwarded() {
    let harness = Harness::start().await;
    let mut script = throttled().times(0);
    if let bedrock_simulator::ScriptedResponse::Error { retry_after, .. } = &mut script.response {
        *retry_after = Some(45);
    }
    harness.simulator.push(script);
    let reply = harness.chat(&non_streaming("hi")).await;
    assert_eq!(reply.header("retry-after"), Some("45"));
    assert_eq!(harness.sent_upstream().len(), 1);
}

#[tokio::test]
async fn a_retry_after_date_is_honored() {
    let harness = Harness::start().await;
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(45));
    let headers = [
        ("x-amzn-errortype", "ThrottlingException"),
        ("retry-after", date.as_str()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let response = ScriptedResponse::Raw {
        status: 429,
        headers: headers.into(),
        body: "{}".into(),
    };
    harness.simulator.push(Script::new(response).times(0));
    let reply = harness.chat(&non_streaming("hi")).await;
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((20..=45).contains(&wait), "{wait}");
    assert_eq!(harness.sent_upstream().len(), 1);
}

#[tokio::test]
async fn a_complete_unreadable_response_is_not_retried() {
    let harness = Harness::start().await;
    let page = ScriptedResponse::Raw {
        status: 200,
        headers: Default::default(),
        body: "<html>a proxy's page</html>".into(),
    };
    for request in [non_streaming("hi"), streamed("hi")] {
        harness.simulator.clear();
        harness.simulator.push(Script::new(page.clone()).times(0));
        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, 502);
        assert_eq!(reply.error()["code"], "upstream_bad_response");
        assert_eq!(reply.header("x-should-retry"), Some("false"));
        assert_eq!(harness.sent_upstream().len(), 1);
    }
}

#[tokio::test]
async fn an_interrupted_response_is_retried_once() {
    let harness = Harness::start().await;
    for fault in [
        Fault::Cut { after_events: 0 },
        Fault::TruncatedFrame { after_events: 0 },
        Fault::BadCrc { after_events: 0 },
        Fault::End { after_events: 0 },
    ] {
        harness.simulator.clear();
        harness
            .simulator
            .push(Script::fault(fault.clone()).times(0));
        assert_eq!(harness.chat(&streamed("hi")).await.status, 502, "{fault:?}");
        assert_eq!(harness.sent_upstream().len(), 2, "{fault:?}");
    }
    for fault in [
        Fault::Cut { after_events: 0 },
        Fault::End { after_events: 0 },
    ] {
        harness.simulator.clear();
        harness.simulator.push(Script::fault(fault).times(0));
        assert_eq!(harness.chat(&non_streaming("hi")).await.status, 502);
        assert_eq!(harness.sent_upstream().len(), 2);
    }
}

/// A gateway with this Bedrock endpoint.
async fn with_bedrock_at(url: String) -> Harness {
    Harness::with(|config| {
        config.bedrock.timeouts.connect = Duration::from_millis(200);
        config.bedrock.simulated = Some(SimulatedBedrock::at(url));
    })
    .await
}

#[tokio::test]
async fn redirects_and_protocol_changes_are_not_retried() {
    for head in [
        "HTTP/1.1 301 Moved\r\nlocation: http://elsewhere.example.com/\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 307 Moved\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let request_count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&request_count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1 << 16];
                if stream.read(&mut request).await.is_ok() {
                    counter.fetch_add(1, Ordering::SeqCst);
                    // The client may disconnect before it has read everything.
                    let _ = stream.write_all(head.as_bytes()).await;
                }
            }
        });
        let harness = with_bedrock_at(format!("http://{address}")).await;
        for request in [non_streaming("hi"), streamed("hi")] {
            request_count.store(0, Ordering::SeqCst);
            let reply = within_limit(harness.chat(&request)).await;
            assert_eq!(reply.status, 502, "{head}");
            assert_eq!(reply.error()["code"], "upstream_bad_response", "{head}");
            assert_eq!(reply.header("x-should-retry"), Some("false"), "{head}");
            assert!(!reply.text.contains("elsewhere"), "{}", reply.text);
            assert_eq!(request_count.load(Ordering::SeqCst), 1, "{head}");
        }
    }
}

#[tokio::test]
async fn an_untrusted_certificate_is_not_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let request_count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&request_count);
    let (acceptor, _): (TlsAcceptor, _) = tls();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            // The gateway does not trust the certificate, so the handshake fails.
            let _ = acceptor.accept(stream).await;
        }
    });
    let harness = with_bedrock_at(format!("https://{address}")).await;
    let reply = within_limit(harness.chat(&non_streaming("hi"))).await;
    assert_eq!(reply.status, 502);
    assert_eq!(reply.error()["code"], "upstream_connection_error");
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert_eq!(request_count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_connect_timeout_covers_the_tls_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Accepts connections and sends nothing.
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    let harness = with_bedrock_at(format!("https://{address}")).await;
    for request in [non_streaming("hi"), streamed("hi")] {
        let reply = within_limit(harness.chat(&request)).await;
        assert_eq!(reply.status, 502, "{}", reply.text);
        assert_eq!(reply.error()["code"], "upstream_connection_error");
    }
}

/// Clients such as Vercel's AI SDK retry without a retry-count header.
#[tokio::test]
async fn after_exhausted_retries_a_model_has_one_attempt_until_it_succeeds() {
    let harness = Harness::start().await;
    for request in [non_streaming("hi"), streamed("hi")] {
        harness.simulator.clear();
        harness.simulator.push(throttled().times(6));
        for calls in [4, 5, 6] {
            let reply = harness.chat(&request).await;
            assert_eq!(reply.status, 429, "{}", reply.text);
            assert!(reply.header("retry-after").is_some());
            assert_eq!(harness.sent_upstream().len(), calls);
        }
        assert_eq!(harness.chat(&request).await.status, 200);
        harness.simulator.push(throttled().times(3));
        assert_eq!(
            harness.chat(&request).await.status,
            200,
            "all attempts are restored"
        );
    }
}

#[tokio::test]
async fn another_model_keeps_its_attempts() {
    let harness = Harness::start().await;
    harness.simulator.push(throttled().times(4));
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 429);
    harness.simulator.push(throttled().times(3));
    let mut other = non_streaming("hi");
    other["model"] = "amazon.nova-lite-v1:0".into();
    let reply = harness.chat(&other).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn embeddings_and_bedrocks_own_api_share_the_rule() {
    let model = "amazon.titan-embed-text-v2:0";
    let body = serde_json::json!({"inputText": "hi"});
    let embeddings = serde_json::json!({"model": model, "input": "hi"});
    let harness = Harness::start().await;
    harness.simulator.push(throttled().times(0));
    let path = format!("/model/{model}/invoke");
    for (path, request, calls) in [
        ("/v1/embeddings", &embeddings, 4),
        ("/v1/embeddings", &embeddings, 5),
        (path.as_str(), &body, 6),
    ] {
        assert_eq!(harness.post(path, request).await.status, 429, "{path}");
        assert_eq!(harness.simulator.received(), calls, "{path}");
    }
}
