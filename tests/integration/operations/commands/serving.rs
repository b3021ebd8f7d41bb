//! `outcrop serve`: signals and the log.

use std::process::Command;

use bedrock_simulator::{Options, Simulator};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Served, config_file, credentials, outcrop};

#[tokio::test]
async fn it_serves_with_standard_variables_and_exits_with_0_on_sigterm() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let file = config_file("drain.toml", "[server]\ndrain_delay = \"0s\"\n");
    let file = file.to_string_lossy().into_owned();
    let url = simulator.url();
    let bearer = vec![
        ("AWS_REGION", "us-east-1".to_owned()),
        (
            "AWS_BEARER_TOKEN_BEDROCK",
            "bedrock-api-key-EXAMPLE".to_owned(),
        ),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url.clone()),
        ("AWS_ENDPOINT_URL_BEDROCK", url.clone()),
    ];
    for mut environment in [credentials(&url), bearer] {
        environment.push(("OUTCROP_API_KEYS", "sk-secret-key".to_owned()));
        environment.push(("OUTCROP_CONFIG", file.clone()));
        let lines = tokio::task::spawn_blocking(move || {
            let environment: Vec<_> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let served = Served::start(&environment, &["serve", "--listen", "127.0.0.1:0"]);
            let healthy = outcrop(&["healthcheck", "--listen", &served.address], &[]).status();
            assert!(healthy.unwrap().success());
            let response = Command::new("curl")
                .args(["-s", "-H", "authorization: Bearer sk-secret-key", "-d"])
                .arg(r#"{"model":"amazon.nova-lite-v1:0","messages":[{"role":"user","content":"a secret word"}]}"#)
                .arg(format!("http://{}/v1/chat/completions", served.address))
                .output()
                .unwrap();
            let response: Value = serde_json::from_slice(&response.stdout).unwrap();
            assert_eq!(response["object"], "chat.completion", "{response}");
            let (code, lines) = served.terminate();
            assert_eq!(code, Some(0));
            lines
        })
        .await
        .unwrap();
        one_line_a_request_and_no_text_in_it(&lines);
    }
}

fn one_line_a_request_and_no_text_in_it(lines: &[String]) {
    let entries = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let requests: Vec<Value> = entries
        .filter(|entry| entry["message"] == "request")
        .collect();
    let [entry] = &requests[..] else {
        panic!("{requests:?}");
    };
    for (field, value) in [
        ("caller", "key-1"),
        ("model", "amazon.nova-lite-v1:0"),
        ("outcome", "completed"),
        ("method", "POST"),
        ("client_address", "127.0.0.1"),
        ("level", "INFO"),
    ] {
        assert_eq!(entry[field], value);
    }
    assert_eq!(entry["status"], 200);
    for field in [
        "request_id",
        "prompt_tokens",
        "completion_tokens",
        "duration_ms",
        "target_model",
    ] {
        assert!(!entry[field].is_null(), "{field} in {entry}");
    }
    for line in lines {
        for secret in ["secret", "You said", "AKIA", "wJalr"] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}

#[tokio::test]
async fn a_second_sigterm_skips_the_drain_delay() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    // Longer than any test.
    let file = config_file("second.toml", "[server]\ndrain_delay = \"10h\"\n");
    let environment = credentials(&simulator.url());
    let code = tokio::task::spawn_blocking(move || {
        let environment: Vec<_> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config"];
        let file = file.to_string_lossy();
        let arguments: Vec<&str> = arguments.into_iter().chain([&*file]).collect();
        let mut served = Served::start(&environment, &arguments);
        served.signal("-TERM");
        served.wait_for("draining: /readyz fails");
        served.terminate().0
    });
    assert_eq!(code.await.unwrap(), Some(0));
}

/// Sends requests one after the other, each of which leaves a long line in the log.
async fn fill_log(address: &str, requests: usize) {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let id = "i".repeat(512);
    let request =
        format!("GET /v1/nothing HTTP/1.1\r\nhost: {address}\r\nx-client-request-id: {id}\r\n\r\n");
    for _ in 0..requests {
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        // The error's JSON ends here.
        while !reply.ends_with(b"}}") {
            assert_ne!(connection.read_buf(&mut reply).await.unwrap(), 0);
        }
        assert!(reply.starts_with(b"HTTP/1.1 404"));
    }
}

#[tokio::test]
async fn unread_stdout_does_not_block_responses_and_dropped_lines_are_counted() {
    const CONNECTIONS: usize = 8;
    const REQUESTS: usize = 600;
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let environment = credentials(&simulator.url());
    let started = tokio::task::spawn_blocking(move || {
        let environment: Vec<_> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Served::start(&environment, &["serve", "--listen", "127.0.0.1:0"])
    });
    let mut served = started.await.unwrap();
    // From here on the log is not read; the pipe holds 64 KiB.
    let clients = (0..CONNECTIONS).map(|_| fill_log(&served.address, REQUESTS));
    let all = futures_util::future::join_all(clients);
    // If a full log blocked responses, the test would fail here instead of running forever.
    let success_line = tokio::time::timeout(std::time::Duration::from_secs(120), all).await;
    success_line.expect("every request has a response in time");

    let (logged, dropped) = tokio::task::spawn_blocking(move || {
        let (mut logged, mut dropped) = (0, 0);
        while logged + dropped < CONNECTIONS * REQUESTS {
            let line = served.lines.next().expect("a line").unwrap();
            let entry: Value = serde_json::from_str(&line).unwrap();
            if entry["message"] == "request" {
                logged += 1;
            }
            if let Some(lines) = entry["lines"].as_u64() {
                dropped += lines as usize;
            }
        }
        assert_eq!(served.terminate().0, Some(0));
        (logged, dropped)
    })
    .await
    .unwrap();
    assert!(dropped > 0, "{logged} lines do not fill the buffer");
    assert_eq!(logged + dropped, CONNECTIONS * REQUESTS);
}
