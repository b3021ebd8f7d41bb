//! The command line: arguments, output and exit codes.

mod descriptors;
mod serving;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use bedrock_simulator::{Options, Simulator};
use serde_json::Value;

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
