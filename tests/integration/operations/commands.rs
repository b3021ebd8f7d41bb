//! The command line: arguments, output and exit codes.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use bedrock_simulator::{Options, Simulator};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::MODEL;

/// The program with this environment only.
pub fn outcrop(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let home = std::env::temp_dir().join("outcrop-tests-empty-home");
    std::fs::create_dir_all(&home).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_outcrop"));
    command
        .args(arguments)
        .current_dir(&home)
        .env_clear()
        .env("HOME", &home)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied());
    command
}

pub fn credentials(url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        ),
        ("AWS_ENDPOINT_URL", url.to_owned()),
    ]
}

pub fn text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(error)
    )
}

pub async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

pub fn config_file(name: &str, content: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("outcrop-{}-{name}", std::process::id()));
    std::fs::write(&file, content).unwrap();
    file
}

#[tokio::test]
async fn an_invalid_configuration_exits_with_code_2_and_lists_all_mistakes() {
    let file = config_file(
        "mistakes.toml",
        "[server]\nlisten = \"x\"\n[retry]\nmax_attempts = 0\n",
    );
    let file = file.to_string_lossy();
    for command in ["check", "serve"] {
        let output = run(outcrop(&[command, "--config", &file], &[])).await;
        let printed = text(&output);
        assert_eq!(output.status.code(), Some(2), "{printed}");
        assert!(
            printed.contains("server.listen") && printed.contains("retry.max_attempts"),
            "{printed}"
        );
    }
}

#[tokio::test]
async fn a_valid_configuration_is_checked_without_aws() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/outcrop.example.toml");
    let output = run(outcrop(&["check", "--offline", "--config", example], &[])).await;
    let printed = text(&output);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains(example), "{printed}");
}

#[tokio::test]
async fn a_mistake_names_the_configuration_file() {
    let file = config_file("named.toml", "[server]\nlisten = \"x\"\n");
    let file = file.to_string_lossy();
    let by_flag = outcrop(&["check", "--config", &file], &[]);
    let by_variable = outcrop(&["check"], &[("OUTCROP_CONFIG", &file)]);
    for command in [by_flag, by_variable] {
        let printed = text(&run(command).await);
        let first = printed.lines().next().unwrap().to_owned();
        assert_eq!(
            first,
            format!("outcrop: 1 mistake in the configuration {file}:")
        );
    }
}

#[tokio::test]
async fn without_keys_only_loopback_is_served() {
    for keys in [&[][..], &[("OUTCROP_API_KEYS", "")]] {
        let output = run(outcrop(&["serve", "--listen", "0.0.0.0:0"], keys)).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output).contains("OUTCROP_API_KEYS"),
            "{}",
            text(&output)
        );
    }
}

#[tokio::test]
async fn without_a_region_the_error_explains_how_to_set_one() {
    let output = run(outcrop(&["serve", "--listen", "127.0.0.1:0"], &[])).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("AWS_REGION"), "{}", text(&output));
}

#[tokio::test]
async fn explain_needs_neither_region_nor_credentials() {
    let request = config_file(
        "request.json",
        r#"{"model": "us.amazon.nova-2-lite-v1:0", "messages": [{"role": "user", "content": "Hi"}]}"#,
    );
    let request = request.to_string_lossy();
    for environment in [&[][..], &[("AWS_REGION", "eu-west-1")]] {
        let output = run(outcrop(&["explain", &request], environment)).await;
        let printed = text(&output);
        assert!(output.status.success(), "{printed}");
        let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(explained["input_tokens"]["source"], "estimate");
        assert!(explained["converse"]["messages"].is_array());
        assert_eq!(
            String::from_utf8_lossy(&output.stderr).lines().count(),
            1,
            "{printed}"
        );
    }
}

#[tokio::test]
async fn starting_without_credentials_is_reported_in_one_line() {
    let warnings = tokio::task::spawn_blocking(|| {
        let environment = [
            ("AWS_REGION", "us-east-1"),
            ("OUTCROP_API_KEYS", "sk-secret-key"),
        ];
        let arguments = ["serve", "--listen", "127.0.0.1:0"];
        let mut served = Served::start(&environment, &arguments);
        let mut lines = served.lines.by_ref().map(Result::unwrap);
        let first = lines.find(|line| line.contains("WARN")).unwrap();
        let (code, rest) = served.terminate();
        assert_eq!(code, Some(0));
        let warnings = rest.into_iter().filter(|line| line.contains("WARN"));
        std::iter::once(first).chain(warnings).collect::<Vec<_>>()
    });
    let warnings = warnings.await.unwrap();
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert!(warning.contains("set AWS_ACCESS_KEY_ID"), "{warning}");
    assert!(warning.len() < 512, "{warning}");
}

#[tokio::test]
async fn the_terminal_log_has_one_short_line_per_request() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let mut environment = credentials(&simulator.url());
    let config = config_file(
        "text.toml",
        &format!(
            "[log]\nformat = \"text\"\n[server]\ndrain_delay = \"0s\"\n\
             [models]\ngpt-4o = \"{MODEL}\"\n"
        ),
    );
    environment.push(("OUTCROP_CONFIG", config.to_string_lossy().into_owned()));
    environment.push(("OUTCROP_API_KEYS", "sk-right-key-123".to_owned()));
    let lines = tokio::task::spawn_blocking(move || {
        let environment: Vec<_> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let served = Served::start(&environment, &["serve", "--listen", "127.0.0.1:0"]);
        for key in ["sk-right-key-123", "sk-wrong-key-123"] {
            let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
            let status = Command::new("curl")
                .args(["-s", "-o", "/dev/null", "-d", body, "-H"])
                .arg(format!("authorization: Bearer {key}"))
                .arg(format!("http://{}/v1/chat/completions", served.address))
                .status();
            assert!(status.unwrap().success());
        }
        served.terminate().1
    });
    let lines = lines.await.unwrap();
    let find = |words: &str| {
        let line = lines.iter().find(|line| line.contains(words));
        line.unwrap_or_else(|| panic!("{words} is not in {lines:#?}"))
            .clone()
    };
    let success_line = find("200 POST /v1/chat/completions gpt-4o → us.anthropic.claude");
    for words in [" INFO ", " tok ", " $0.0", " ms ", "key-1 127.0.0.1"] {
        assert!(
            success_line.contains(words),
            "{words} is not in {success_line}"
        );
    }
    let rejected_line = find("401 POST /v1/chat/completions");
    for words in [" WARN ", "127.0.0.1", "invalid_api_key", "(key sk-wr***)"] {
        assert!(
            rejected_line.contains(words),
            "{words} is not in {rejected_line}"
        );
    }
    assert!(lines.iter().all(|line| !line.contains("wrong-key")));
}

#[tokio::test]
async fn check_and_startup_report_a_store_that_cannot_be_opened() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let environment = credentials(&simulator.url());
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let file = config_file(
        "store.toml",
        "[s3]\nbucket = \"outcrop-example\"\n[batches]\nenabled = true\n\
         [store]\npath = \"/nowhere/at/all.db\"\n[server]\nlisten = \"127.0.0.1:0\"\n",
    );
    let file = file.to_str().unwrap();
    let mut named = environment.clone();
    named.push(("OUTCROP_CONFIG", file));
    for command in ["check", "serve"] {
        let output = run(outcrop(&[command], &named)).await;
        assert!(!output.status.success(), "{command}");
        let printed = text(&output);
        assert!(
            printed.contains("/nowhere/at/all.db") && printed.contains("[store] path"),
            "{printed}"
        );
    }
}

/// A gateway in a separate process.
struct Served {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    address: String,
}

impl Served {
    fn start(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        Self::spawn(outcrop(arguments, environment))
    }

    /// Starts the gateway under `limits`, which are commands of the shell such as `ulimit`.
    fn start_within(limits: &str, environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let program = outcrop(arguments, environment);
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")])
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(program.get_current_dir().unwrap())
            .env_clear()
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
        Self::spawn(shell)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                let line = line.ok()?;
                // The log is JSON or text.
                if let Some((_, address)) = line.split_once("listening address=") {
                    return Some(address.to_owned());
                }
                let entry: Value = serde_json::from_str(&line).ok()?;
                let listening = entry["message"] == "listening";
                listening.then(|| entry["address"].as_str().map(str::to_owned))?
            })
            .expect("the gateway listens");
        Self {
            child,
            lines,
            address,
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args([signal, &pid]).status();
        assert!(kill.unwrap().success());
    }

    /// Reads the log up to the line with the message `words`.
    fn wait_for(&mut self, words: &str) -> Value {
        let entries = self.lines.by_ref().map(|line| line.unwrap());
        let mut entries = entries.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let log_entry = entries.find(|entry| entry["message"].as_str() == Some(words));
        log_entry.expect("the line is logged")
    }

    /// Sends SIGTERM and returns the exit code and the remaining log.
    fn terminate(mut self) -> (Option<i32>, Vec<String>) {
        self.signal("-TERM");
        let lines = self.lines.map(Result::unwrap).collect();
        (self.child.wait().unwrap().code(), lines)
    }
}

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
