//! `outcrop check`: finds what prevents a first response.

use bedrock_simulator::{ControlPlane, Credentials, Options, Script, Simulator};
use serde_json::json;

use tokio::net::TcpListener;

use crate::fetch::site::tls;
use crate::harness::MODEL;
use crate::operations::commands::{config_file, credentials, outcrop, run, text};

/// Whether `check` succeeds with these credentials, and its report.
async fn check_with(environment: &[(&'static str, String)], arguments: &[&str]) -> (bool, String) {
    let environment: Vec<_> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let arguments = [&["check"], arguments].concat();
    let output = run(outcrop(&arguments, &environment)).await;
    (output.status.success(), text(&output))
}

async fn check(simulator: &Simulator, model: &str) -> (bool, String) {
    check_with(&credentials(&simulator.url()), &["--model", model]).await
}

/// The environment of `credentials` with one variable changed.
fn with(url: &str, name: &str, value: &str) -> Vec<(&'static str, String)> {
    let mut environment = credentials(url);
    for (variable, original) in &mut environment {
        if *variable == name {
            *original = value.to_owned();
        }
    }
    environment
}

#[tokio::test]
async fn check_prints_what_succeeded() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let (ok, report) = check(&simulator, MODEL).await;
    assert!(ok, "{report}");
    for line in [
        "ok   region: us-east-1",
        "ok   credentials: arn:aws:iam::123456789012",
        "ok   models:",
        "ok   profiles:",
        "ok   model us.anthropic",
    ] {
        assert!(report.contains(line), "{line} is not in\n{report}");
    }
    assert_eq!(report.lines().last(), Some("ready"));
}

#[tokio::test]
async fn check_recognizes_wrong_credentials() {
    let options = Options {
        credentials: vec![
            Credentials::default(),
            Credentials {
                access_key_id: "AKIAEXPIRED".to_owned(),
                expired: true,
                ..Credentials::default()
            },
        ],
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let url = simulator.url();
    let api_key = vec![
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_BEARER_TOKEN_BEDROCK", "not-the-key".to_owned()),
        ("AWS_ENDPOINT_URL", url.clone()),
    ];
    for (environment, remedy) in [
        (
            with(&url, "AWS_SECRET_ACCESS_KEY", "another-secret"),
            "the secret does not belong to the access key",
        ),
        (
            with(&url, "AWS_ACCESS_KEY_ID", "AKIANOBODY"),
            "AWS does not know the access key",
        ),
        (
            with(&url, "AWS_ACCESS_KEY_ID", "AKIAEXPIRED"),
            "the session has expired",
        ),
        (
            api_key,
            "AWS_BEARER_TOKEN_BEDROCK is not a valid Bedrock API key",
        ),
    ] {
        let (ok, report) = check_with(&environment, &[]).await;
        assert!(!ok, "{report}");
        assert!(report.contains(remedy), "{remedy} is not in\n{report}");
        assert_eq!(report.matches("fail ").count(), 1, "{report}");
        assert_eq!(report.lines().last(), Some("not ready: credentials"));
    }
}

/// An endpoint with an untrusted certificate.
async fn untrusted_endpoint() -> String {
    let (acceptor, _) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The client closes the connection.
            let _ = acceptor.accept(stream).await;
        }
    });
    format!("https://{address}")
}

#[tokio::test]
async fn check_distinguishes_the_steps_of_connecting_to_an_endpoint() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unreachable = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let no_tls = simulator.url().replace("http://", "https://");
    let untrusted = untrusted_endpoint().await;
    for (endpoint, expected) in [
        ("http://bedrock.invalid", "has no address (DNS)"),
        (unreachable.as_str(), "refuses connections"),
        (no_tls.as_str(), "no TLS with"),
        (untrusted.as_str(), "UnknownIssuer"),
    ] {
        let mut environment = credentials(&simulator.url());
        environment.push(("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.to_owned()));
        let (ok, report) = check_with(&environment, &[]).await;
        assert!(!ok, "{report}");
        assert!(report.contains(expected), "{expected} is not in\n{report}");
        assert!(report.contains("ok   credentials"), "{report}");
        assert_eq!(report.lines().last(), Some("not ready: endpoint"));
    }
}

#[tokio::test]
async fn check_resolves_every_alias_without_calling_a_model() {
    let options = Options {
        denied_models: vec!["us.anthropic.claude-sonnet-4-6".to_owned()],
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let file = config_file(
        "aliases.toml",
        &format!(
            "[models]\n\
             good = \"{MODEL}\"\n\
             embeds = \"amazon.titan-embed-text-v2:0\"\n\
             ours = \"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ap1234claude\"\n\
             bare = \"anthropic.claude-sonnet-4-5-20250929-v1:0\"\n\
             prefixed = \"bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0\"\n\
             typo = \"us.anthropic.claude-sonet-4-5-20250929-v1:0\"\n\
             denied = \"us.anthropic.claude-sonnet-4-6\"\n\
             gone = \"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/none\"\n"
        ),
    );
    let file = file.to_string_lossy();
    let (ok, report) = check_with(&credentials(&simulator.url()), &["--config", &file]).await;
    assert!(!ok);
    for expected in [
        &format!("ok   model good: {MODEL}, callable"),
        "ok   model embeds: ",
        "ok   model ours: ",
        &format!("ok   model bare: anthropic.claude-sonnet-4-5-20250929-v1:0 -> {MODEL}, callable"),
        &format!(
            "ok   model prefixed: bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0 -> {MODEL}"
        ),
        "the region has no inference profile `us.anthropic.claude-sonet",
        "allow `bedrock:InvokeModel` in the policy of arn:aws:iam",
        "not ready: model denied, model gone, model typo",
    ] {
        assert!(report.contains(expected), "{expected} is not in\n{report}");
    }
    let model_calls = simulator.requests().into_iter().filter(|request| {
        request.path.contains("/converse") && request.json()["messages"] != json!([])
    });
    assert_eq!(model_calls.count(), 0);
}

#[tokio::test]
async fn check_calls_a_model_with_the_configured_capabilities() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let capabilities = config_file(
        "facts.toml",
        "[[family]]\nname = \"Ours\"\nids = [\"amazon.nova-lite\"]\nmin_max_tokens = 7\n",
    );
    let file = config_file(
        "operator.toml",
        &format!(
            "[catalog]\ncapabilities = \"{}\"\n",
            capabilities.to_string_lossy()
        ),
    );
    let file = file.to_string_lossy();
    let model = "amazon.nova-lite-v1:0";
    let arguments = ["--config", &file, "--model", model];
    let (ok, report) = check_with(&credentials(&simulator.url()), &arguments).await;
    assert!(ok, "{report}");
    let requests = simulator.requests();
    let called = requests
        .iter()
        .find(|request| request.path.contains("/converse"));
    assert_eq!(called.unwrap().json()["inferenceConfig"]["maxTokens"], 7);
}

#[tokio::test]
async fn check_prints_a_remedy_for_each_failed_check() {
    let options = Options {
        control_plane: ControlPlane::Forbidden,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    // The gateway learns the profile of a bare id from Bedrock's error.
    let (ok, report) = check(&simulator, "anthropic.claude-sonnet-4-5-20250929-v1:0").await;
    assert!(ok, "{report}");
    for expected in [
        "bedrock:ListFoundationModels",
        "bedrock:ListInferenceProfiles",
    ] {
        assert!(report.contains(expected), "{expected} is not in\n{report}");
    }
    simulator.push(
        Script::error(403, "AccessDeniedException", "You don't have access").for_model(MODEL),
    );
    let (_, report) = check(&simulator, MODEL).await;
    assert!(report.contains("request access to the model"), "{report}");
}

#[tokio::test]
async fn check_learns_the_profile_without_a_listing() {
    let options = Options {
        control_plane: ControlPlane::Forbidden,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let bare = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let file = config_file("unlisted.toml", &format!("[models]\nbare = \"{bare}\"\n"));
    let file = file.to_string_lossy();
    let (ok, report) = check_with(&credentials(&simulator.url()), &["--config", &file]).await;
    assert!(ok, "{report}");
    let problem_line = format!("ok   model bare: {bare} -> {MODEL}, callable");
    assert!(report.contains(&problem_line), "{report}");
    let prefixed = format!("bedrock/{bare}");
    let (ok, report) = check(&simulator, &prefixed).await;
    assert!(ok, "{report}");
}

#[tokio::test]
async fn check_reports_missing_credentials() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let url = simulator.url();
    for (profile, remedy) in [
        (
            "",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE",
        ),
        ("nobody", "the profile `nobody` has no credentials"),
    ] {
        let environment = [
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ENDPOINT_URL", url.clone()),
            ("AWS_PROFILE", profile.to_owned()),
        ];
        let (ok, report) = check_with(&environment, &[]).await;
        assert!(!ok);
        let lines: Vec<&str> = report.lines().collect();
        let [.., problem_line, remedy_line, last] = &lines[..] else {
            panic!("{report}");
        };
        assert!(
            problem_line.starts_with("fail credentials: no credentials in"),
            "{report}"
        );
        assert!(remedy_line.trim_start().starts_with(remedy), "{report}");
        assert_eq!(*last, "not ready: credentials");
    }
}
