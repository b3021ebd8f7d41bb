//! `outcrop serve` with few file descriptors.

use bedrock_simulator::{Options, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Served, config_file, credentials};
use crate::harness::MODEL;

/// A gateway for `simulator` under `limits`, whose log is read to the end so that the pipe does not
/// block it.
async fn served_within(simulator: &Simulator, limits: &'static str, config: &str) -> Served {
    let name = format!("limits-{}.toml", fastrand::u64(..));
    let file = config_file(&name, config);
    let environment = credentials(&simulator.url());
    let started = tokio::task::spawn_blocking(move || {
        let environment: Vec<_> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let file = file.to_string_lossy();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", &file];
        Served::start_within(limits, &environment, &arguments)
    });
    started.await.unwrap()
}

/// The status line of a response on a new connection. Fails the test if there is none.
async fn status_of(address: &str, request: String) -> String {
    let exchange = async {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        client.read_exact(&mut status).await.unwrap();
        String::from_utf8_lossy(&status).into_owned()
    };
    let limit = std::time::Duration::from_secs(60);
    let success_line = tokio::time::timeout(limit, exchange).await;
    success_line.expect("the response arrives in time")
}

fn health_check() -> String {
    "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned()
}

fn chat_request(stream: bool) -> String {
    let body = format!(
        "{{\"model\":\"{MODEL}\",\"stream\":{stream},\
         \"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}]}}"
    );
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn idle_connections_block_nobody_at_any_descriptor_limit() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    for (limits, config, idle) in [
        ("ulimit -n 1024", "", 1_100),
        // `max_connections` exceeds the descriptors.
        ("ulimit -n 64", "[server]\nmax_connections = 4096\n", 200),
    ] {
        let served = served_within(&simulator, limits, config).await;
        let mut clients = Vec::new();
        for _ in 0..idle {
            clients.push(TcpStream::connect(&served.address).await.unwrap());
        }
        for request in [health_check(), chat_request(false), chat_request(true)] {
            let status = status_of(&served.address, request).await;
            assert_eq!(status, "HTTP/1.1 200", "{limits}");
        }
        let ended = tokio::task::spawn_blocking(|| served.terminate());
        assert_eq!(ended.await.unwrap().0, Some(0));
    }
}

#[tokio::test]
async fn health_checks_succeed_when_no_descriptors_are_left() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let stall = bedrock_simulator::Fault::Stall { after_events: 2 };
    simulator.push(bedrock_simulator::Script::fault(stall).times(200));
    let config = "[server]\nmax_connections = 4096\ndrain_delay = \"0s\"\ngrace_period = \"0s\"\n";
    let served = served_within(&simulator, "ulimit -n 64", config).await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        let mut client = TcpStream::connect(&served.address).await.unwrap();
        client
            .write_all(chat_request(true).as_bytes())
            .await
            .unwrap();
        streams.push(client);
    }
    // Each connection gets a stream or an error, or is closed before its request: unused connections
    // are closed first when descriptors run out.
    for client in &mut streams {
        let mut status = [0; 9];
        let _ = client.read(&mut status).await;
    }
    for _ in 0..8 {
        let status = status_of(&served.address, health_check()).await;
        assert_eq!(status, "HTTP/1.1 200");
    }
    let ended = tokio::task::spawn_blocking(|| served.terminate());
    assert_eq!(ended.await.unwrap().0, Some(0));
}

#[tokio::test]
async fn the_soft_descriptor_limit_is_raised_to_the_hard_limit() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let limits = "ulimit -S -n 300; ulimit -H -n 2000";
    let served = served_within(&simulator, limits, "").await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", served.child.id())).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let files: Vec<&str> = files.unwrap().split_whitespace().collect();
    assert_eq!(files[3..5], ["2000", "2000"]);
    let ended = tokio::task::spawn_blocking(|| served.terminate());
    assert_eq!(ended.await.unwrap().0, Some(0));
}
