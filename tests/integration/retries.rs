//! When Bedrock is asked again, and when it is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bedrock_simulator::{Fault, Script, ScriptedResponse};
use outcrop::bedrock::SimulatedBedrock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::fetch::site::tls;
use crate::stream_ends::within_limit;
use crate::world::{World, streamed, whole};

fn throttled() -> Script {
    Script::error(429, "ThrottlingException", "Too many requests")
}

#[tokio::test]
async fn a_throttled_call_is_asked_again_until_it_is_answered() {
    for request in [whole("hi"), streamed("hi")] {
        let world = World::start().await;
        world.simulator.push(throttled().times(3));
        let reply = world.chat(&request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(world.asked().len(), 4);
    }
}

#[tokio::test]
async fn there_are_as_many_attempts_as_configured() {
    let world = World::with(|config| config.bedrock.retry.attempts = 3).await;
    world.simulator.push(throttled().times(0));
    assert_eq!(world.chat(&whole("hi")).await.status, 429);
    assert_eq!(world.asked().len(), 3);
}

#[tokio::test]
async fn what_cannot_succeed_is_asked_once() {
    let world = World::start().await;
    for (status, name) in [
        (400, "ValidationException"),
        (400, "ServiceQuotaExceededException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
    ] {
        world.simulator.clear();
        world
            .simulator
            .push(Script::error(status, name, "no").times(0));
        world.chat(&whole("hi")).await;
        assert_eq!(world.asked().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_stream_is_begun_again_until_its_first_event_and_never_after() {
    let world = World::start().await;
    let exception = |after_events| Fault::Exception {
        after_events,
        code: "throttlingException".to_owned(),
        message: "slow down".to_owned(),
        original_status_code: None,
    };
    world.simulator.push(Script::fault(exception(0)).times(2));
    let reply = world.chat(&streamed("hi")).await;
    assert_eq!(reply.last_event(), "[DONE]");
    assert_eq!(world.asked().len(), 3);

    world.simulator.clear();
    world.simulator.push(Script::fault(exception(2)).times(0));
    let reply = world.chat(&streamed("hi")).await;
    assert!(reply.last_event().contains("error"), "{}", reply.text);
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn a_wait_that_bedrock_asks_for_beyond_the_deadline_is_passed_on() {
    let world = World::start().await;
    let mut script = throttled().times(0);
    if let bedrock_simulator::ScriptedResponse::Error { retry_after, .. } = &mut script.answer {
        *retry_after = Some(45);
    }
    world.simulator.push(script);
    let reply = world.chat(&whole("hi")).await;
    assert_eq!(reply.header("retry-after"), Some("45"));
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn a_date_to_come_back_at_is_understood() {
    let world = World::start().await;
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(45));
    let headers = [
        ("x-amzn-errortype", "ThrottlingException"),
        ("retry-after", date.as_str()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer = ScriptedResponse::Raw {
        status: 429,
        headers: headers.into(),
        body: "{}".into(),
    };
    world.simulator.push(Script::new(answer).times(0));
    let reply = world.chat(&whole("hi")).await;
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((20..=45).contains(&wait), "{wait}");
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn a_complete_response_that_cannot_be_read_is_not_requested_again() {
    let world = World::start().await;
    let page = ScriptedResponse::Raw {
        status: 200,
        headers: Default::default(),
        body: "<html>a proxy's page</html>".into(),
    };
    for request in [whole("hi"), streamed("hi")] {
        world.simulator.clear();
        world.simulator.push(Script::new(page.clone()).times(0));
        let reply = world.chat(&request).await;
        assert_eq!(reply.status, 502);
        assert_eq!(reply.error()["code"], "upstream_bad_response");
        assert_eq!(reply.header("x-should-retry"), Some("false"));
        assert_eq!(world.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_response_that_breaks_off_is_requested_once_more() {
    let world = World::start().await;
    for fault in [
        Fault::Cut { after_events: 0 },
        Fault::TruncatedFrame { after_events: 0 },
        Fault::BadCrc { after_events: 0 },
        Fault::End { after_events: 0 },
    ] {
        world.simulator.clear();
        world.simulator.push(Script::fault(fault.clone()).times(0));
        assert_eq!(world.chat(&streamed("hi")).await.status, 502, "{fault:?}");
        assert_eq!(world.asked().len(), 2, "{fault:?}");
    }
    for fault in [
        Fault::Cut { after_events: 0 },
        Fault::End { after_events: 0 },
    ] {
        world.simulator.clear();
        world.simulator.push(Script::fault(fault).times(0));
        assert_eq!(world.chat(&whole("hi")).await.status, 502);
        assert_eq!(world.asked().len(), 2);
    }
}

/// A gateway whose Bedrock is at another address.
async fn with_bedrock_at(url: String) -> World {
    World::with(|config| {
        config.bedrock.timeouts.connect = Duration::from_millis(200);
        config.bedrock.simulated = Some(SimulatedBedrock::at(url));
    })
    .await
}

#[tokio::test]
async fn whoever_redirects_or_changes_the_protocol_is_not_asked_again() {
    for head in [
        "HTTP/1.1 301 Moved\r\nlocation: http://elsewhere.example.com/\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 307 Moved\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1 << 16];
                if stream.read(&mut request).await.is_ok() {
                    counted.fetch_add(1, Ordering::SeqCst);
                    // The client may leave before it has all.
                    let _ = stream.write_all(head.as_bytes()).await;
                }
            }
        });
        let world = with_bedrock_at(format!("http://{address}")).await;
        for request in [whole("hi"), streamed("hi")] {
            asked.store(0, Ordering::SeqCst);
            let reply = within_limit(world.chat(&request)).await;
            assert_eq!(reply.status, 502, "{head}");
            assert_eq!(reply.error()["code"], "upstream_bad_response", "{head}");
            assert_eq!(reply.header("x-should-retry"), Some("false"), "{head}");
            assert!(!reply.text.contains("elsewhere"), "{}", reply.text);
            assert_eq!(asked.load(Ordering::SeqCst), 1, "{head}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_not_asked_for_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let (acceptor, _): (TlsAcceptor, _) = tls();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            // Nobody trusts it: there is no handshake that succeeds.
            let _ = acceptor.accept(stream).await;
        }
    });
    let world = with_bedrock_at(format!("https://{address}")).await;
    let reply = within_limit(world.chat(&whole("hi"))).await;
    assert_eq!(reply.status, 502);
    assert_eq!(reply.error()["code"], "upstream_connection_error");
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_time_for_a_connection_covers_its_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Connections are taken, and nothing is said on them.
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    let world = with_bedrock_at(format!("https://{address}")).await;
    for request in [whole("hi"), streamed("hi")] {
        let reply = within_limit(world.chat(&request)).await;
        assert_eq!(reply.status, 502, "{}", reply.text);
        assert_eq!(reply.error()["code"], "upstream_connection_error");
    }
}

/// Clients such as Vercel's AI SDK send a request again without a header that says so.
#[tokio::test]
async fn a_model_that_failed_through_all_attempts_has_one_until_it_answers() {
    let world = World::start().await;
    for request in [whole("hi"), streamed("hi")] {
        world.simulator.clear();
        world.simulator.push(throttled().times(6));
        for calls in [4, 5, 6] {
            let reply = world.chat(&request).await;
            assert_eq!(reply.status, 429, "{}", reply.text);
            assert!(reply.header("retry-after").is_some());
            assert_eq!(world.asked().len(), calls);
        }
        assert_eq!(world.chat(&request).await.status, 200);
        world.simulator.push(throttled().times(3));
        assert_eq!(world.chat(&request).await.status, 200, "it has all again");
    }
}

#[tokio::test]
async fn another_model_keeps_its_attempts() {
    let world = World::start().await;
    world.simulator.push(throttled().times(4));
    assert_eq!(world.chat(&whole("hi")).await.status, 429);
    world.simulator.push(throttled().times(3));
    let mut other = whole("hi");
    other["model"] = "amazon.nova-lite-v1:0".into();
    let reply = world.chat(&other).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn embeddings_and_bedrocks_own_api_share_the_rule() {
    let model = "amazon.titan-embed-text-v2:0";
    let body = serde_json::json!({"inputText": "hi"});
    let embeddings = serde_json::json!({"model": model, "input": "hi"});
    let world = World::start().await;
    world.simulator.push(throttled().times(0));
    let path = format!("/model/{model}/invoke");
    for (path, request, calls) in [
        ("/v1/embeddings", &embeddings, 4),
        ("/v1/embeddings", &embeddings, 5),
        (path.as_str(), &body, 6),
    ] {
        assert_eq!(world.post(path, request).await.status, 429, "{path}");
        assert_eq!(world.simulator.received(), calls, "{path}");
    }
}
