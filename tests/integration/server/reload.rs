//! Changes of the configuration while requests are served.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bedrock_simulator::{Fault, Script};
use outcrop::config::{ConfigFile, LimitSettings, Overrides};
use outcrop::server::{ConfigSource, ReloadHandle, Reloader};

use crate::harness::{Harness, Reply, config_of, non_streaming, streamed};

async fn chat_as(harness: &Harness, key: &str) -> Reply {
    let value = format!("Bearer {key}");
    let headers = [("authorization", value.as_str())];
    harness.chat_with(&headers, &non_streaming("hi")).await
}

#[tokio::test]
async fn a_new_key_works_a_removed_one_does_not_and_an_open_stream_survives() {
    let keys = |text: &str| config_of(text).keys;
    let harness = Harness::start().await;
    let drip = Fault::Drip { delay_ms: 10 };
    harness
        .simulator
        .push(Script::text("one two three four").with(drip));
    let mut stream = harness.open(&streamed("hi")).await;
    assert!(stream.next().await.is_some());
    harness.reload(|config| config.keys = keys("[keys]\none = \"sk-of-one\""));
    assert_eq!(chat_as(&harness, "sk-of-one").await.status, 200);
    harness.reload(|config| config.keys = keys("[keys]\ntwo = \"sk-of-two\""));
    assert_eq!(chat_as(&harness, "sk-of-one").await.status, 401);
    assert_eq!(chat_as(&harness, "sk-of-two").await.status, 200);
    let events = stream.rest().await;
    assert_eq!(events.last().map(String::as_str), Some("data: [DONE]"));
}

#[tokio::test]
async fn aliases_chat_settings_and_switches_change() {
    let harness = Harness::start().await;
    let mut request = non_streaming("hi");
    request["model"] = "quick".into();
    let unknown = harness.chat(&request).await;
    assert_eq!(unknown.status, 404, "{}", unknown.text);
    let text = "[models]\nquick = \"amazon.nova-lite-v1:0\"\n[chat]\nmax_tokens = 77";
    harness.reload(|config| {
        let other = config_of(text);
        config.models = other.models;
        config.chat = other.chat;
        config.bedrock_api.enabled = false;
        config.server.max_body = 1000;
    });
    assert_eq!(harness.chat(&request).await.status, 200);
    let sent = harness.sent_upstream().pop().unwrap();
    assert_eq!(sent["inferenceConfig"]["maxTokens"], 77);
    let listed = harness.get("/v1/models").await.json();
    assert_eq!(listed["data"][0]["id"], "quick");
    let long = harness.chat(&non_streaming(&"x".repeat(2000))).await;
    assert_eq!(long.status, 413);
    let bedrock = harness
        .post(
            "/model/amazon.nova-lite-v1:0/converse",
            &serde_json::json!({}),
        )
        .await;
    assert_eq!(bedrock.status, 404, "{}", bedrock.text);
}

#[tokio::test]
async fn requests_in_progress_count_towards_changed_limits() {
    let harness = Harness::with(|config| {
        config.limits.target = LimitSettings::calls(1);
        config.limits.target.max_wait = std::time::Duration::ZERO;
    })
    .await;
    let slow = Fault::SlowResponse { delay_ms: 600_000 };
    harness.simulator.push(Script::fault(slow));
    let request = non_streaming("hi");
    let held = harness.chat(&request);
    tokio::pin!(held);
    tokio::select! {
        _ = &mut held => panic!("the response arrived"),
        () = harness.simulator.wait_for_received(1) => {}
    }
    harness.reload(|config| config.chat.max_n = 2);
    assert_eq!(harness.chat(&request).await.status, 429);
    harness.reload(|config| config.limits.target.max_concurrent_requests = 2);
    assert_eq!(harness.chat(&request).await.status, 200);
}

/// A configuration file, and a gateway that reloads it.
struct Reloaded {
    harness: Harness,
    file: PathBuf,
    handle: ReloadHandle,
}

impl Reloaded {
    async fn start(name: &str) -> Self {
        let name = format!("outcrop-reload-{}-{name}.toml", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, "").unwrap();
        let harness = Harness::start().await;
        let overrides = Overrides {
            file: ConfigFile::Named(file.clone()),
            ..Overrides::default()
        };
        let (reloader, handle) = Reloader::new(overrides, harness.router.clone(), None);
        tokio::spawn(reloader.run());
        Self {
            harness,
            file,
            handle,
        }
    }

    async fn reload(&self, text: &str) -> Result<u64, Arc<str>> {
        std::fs::write(&self.file, text).unwrap();
        self.handle.reload().await
    }
}

impl Drop for Reloaded {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

#[tokio::test]
async fn a_bad_file_is_refused_with_all_its_mistakes_and_changes_nothing() {
    let reloaded = Reloaded::start("bad").await;
    assert_eq!(reloaded.reload("[keys]\none = \"sk-of-one\"").await, Ok(2));
    let bad = "[keys]\ntwo = \"sk-of-two\"\n[retry]\nmax_attempts = 0\n[servers]\nx = 1";
    let mistakes = reloaded.reload(bad).await.unwrap_err();
    for part in ["2 mistakes", "retry.max_attempts", "servers"] {
        assert!(mistakes.contains(part), "{mistakes}");
    }
    let state = reloaded.handle.status().state();
    assert_eq!(
        (state.generation, state.error.as_ref()),
        (2, Some(&mistakes))
    );
    assert!(state.checked_at >= state.applied_at);
    let harness = &reloaded.harness;
    assert_eq!(chat_as(harness, "sk-of-one").await.status, 200);
    assert_eq!(chat_as(harness, "sk-of-two").await.status, 401);
    std::fs::remove_file(&reloaded.file).unwrap();
    assert!(reloaded.handle.reload().await.is_err());
    assert_eq!(chat_as(harness, "sk-of-one").await.status, 200);
    let prices = "[catalog]\nprices = \"/nowhere/prices.toml\"\n[keys]\ntwo = \"sk-of-two\"";
    let error = reloaded.reload(prices).await.unwrap_err();
    assert!(error.contains("/nowhere/prices.toml"), "{error}");
    assert_eq!(chat_as(harness, "sk-of-one").await.status, 200);
    assert_eq!(reloaded.reload("[keys]\ntwo = \"sk-of-two\"").await, Ok(3));
    assert_eq!(reloaded.handle.status().state().error, None);
    assert_eq!(chat_as(harness, "sk-of-two").await.status, 200);
}

#[tokio::test]
async fn what_the_command_adds_stays() {
    let mut reloaded = Reloaded::start("amended").await;
    let source = ConfigSource {
        overrides: Overrides {
            file: ConfigFile::Named(reloaded.file.clone()),
            ..Overrides::default()
        },
        amend: |mut config| {
            let added = config_of("[models]\nquick = \"amazon.nova-lite-v1:0\"").models;
            config.models.extend(added);
            config
        },
    };
    let (reloader, handle) = Reloader::new(source, reloaded.harness.router.clone(), None);
    tokio::spawn(reloader.run());
    reloaded.handle = handle;
    let text = "[models]\nslow = \"amazon.nova-pro-v1:0\"";
    assert_eq!(reloaded.reload(text).await, Ok(2));
    for name in ["quick", "slow"] {
        let mut request = non_streaming("hi");
        request["model"] = name.into();
        assert_eq!(reloaded.harness.chat(&request).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn settings_that_need_a_restart_are_named_and_keep_their_value() {
    let reloaded = Reloaded::start("restart").await;
    let text = "[server]\nlisten = \"127.0.0.1:1\"\n[aws]\nregion = \"eu-west-1\"\n\
                [timeouts]\nconnect = \"1s\"\n[chat]\nmax_n = 1";
    assert_eq!(reloaded.reload(text).await, Ok(2));
    let state = reloaded.handle.status().state();
    assert_eq!(
        state.pending_restart,
        ["server.listen", "aws.region", "timeouts.connect"]
    );
    let config = &reloaded.harness.router.app().config;
    assert_eq!(config.bedrock.region, None);
    assert_eq!(config.chat.max_n, 1);
}

#[tokio::test]
async fn retries_and_timeouts_change() {
    let harness = Harness::start().await;
    let refused = || {
        let overloaded = Script::error(503, "ServiceUnavailableException", "Try again.");
        harness.simulator.push(overloaded.times(2));
    };
    refused();
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 200);
    harness.reload(|config| config.bedrock.retry.max_attempts = 1);
    refused();
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 503);
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 503);
    assert_eq!(harness.sent_upstream().len(), 5);

    let slow = Fault::SlowResponse { delay_ms: 600_000 };
    harness.simulator.push(Script::fault(slow));
    harness.reload(|config| config.bedrock.timeouts.response = Duration::from_millis(1));
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 504);
}

#[tokio::test]
async fn keys_cannot_be_removed_while_other_machines_reach_the_gateway() {
    let reloaded = Reloaded::start("open").await;
    let harness = &reloaded.harness;
    harness.reload(|config| {
        config.server.listen = ([0, 0, 0, 0], 8080).into();
        config.keys = config_of("[keys]\none = \"sk-of-one\"").keys;
    });
    let refused = reloaded
        .reload("[server]\nlisten = \"127.0.0.1:8080\"")
        .await;
    let mistakes = refused.unwrap_err();
    assert!(mistakes.contains("0.0.0.0:8080"), "{mistakes}");
    assert_eq!(chat_as(harness, "sk-of-one").await.status, 200);
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 401);
}
