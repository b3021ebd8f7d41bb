//! Keys in the store: a gateway, and a command of another process on the same file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use outcrop::allowances::{Allowance, ModelPattern, Team};
use outcrop::config::Config;
use outcrop::identity::KeyFollower;
use outcrop::identity::administration::{Administration, AdministrationError, CreatedKey, NewKey};
use outcrop::store::Store;
use serde_json::json;
use time::OffsetDateTime;

use super::post;
use crate::harness::{Harness, MODEL, Reply, non_streaming};

const HOUR: Duration = Duration::from_secs(3600);

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn scratch_file() -> PathBuf {
    std::env::temp_dir().join(format!("outcrop-keys-{:016x}.db", fastrand::u64(..)))
}

/// A gateway with a store, and the task that follows it, one look at a time.
async fn gateway(file: &Path) -> (Harness, KeyFollower) {
    let harness = Harness::with(|config| config.store.path = file.to_owned()).await;
    let app = &harness.app;
    let follower = KeyFollower::new(&app.http.callers, Arc::clone(&app.store));
    (harness, follower)
}

/// The commands of another process.
fn command(file: &Path) -> Administration {
    Administration::new(&Config::default(), Arc::new(Store::at(file)))
}

async fn create(command: &Administration, name: &str, team: Option<&str>) -> CreatedKey {
    let new = NewKey {
        name: name.to_owned(),
        team: team.map(str::to_owned),
        ..NewKey::default()
    };
    command.create_key(new, now()).await.unwrap()
}

async fn chat(harness: &Harness, key: &str) -> Reply {
    let body = non_streaming("Hello");
    post(harness, key, "/v1/chat/completions", &body).await
}

#[tokio::test]
async fn a_command_revokes_a_key_of_a_running_gateway() {
    let file = scratch_file();
    let (harness, mut follower) = gateway(&file).await;
    follower.look().await.unwrap();
    assert!(!file.exists(), "a gateway without keys needs no store");
    let command = command(&file);
    let created = create(&command, "one", None).await;
    let other = create(&command, "two", None).await;
    follower.look().await.unwrap();
    for key in [&created.key, &other.key] {
        assert_eq!(chat(&harness, key.expose()).await.status, StatusCode::OK);
    }
    let records = harness.records.take(2).await;
    let caller = records.last().and_then(|record| record.caller.as_ref());
    assert_eq!(
        caller.unwrap().key_id.as_deref(),
        Some(other.view.id.as_str())
    );

    command.revoke_key(&created.view.id, now()).await.unwrap();
    follower.look().await.unwrap();
    let refused = chat(&harness, created.key.expose()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.error()["code"], "invalid_api_key");
    assert!(
        !refused.text.contains(created.key.expose()),
        "{}",
        refused.text
    );
    let prefix = created.view.prefix.unwrap();
    assert!(
        refused.text.contains(&format!("{prefix}***")),
        "{}",
        refused.text
    );
    assert_eq!(
        chat(&harness, other.key.expose()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_rotation_with_overlap_interrupts_no_one() {
    let file = scratch_file();
    let (harness, mut follower) = gateway(&file).await;
    let command = command(&file);
    let old = create(&command, "one", None).await;
    follower.look().await.unwrap();
    let new = command.rotate_key("one", HOUR, now()).await.unwrap();
    // The gateway has not seen the rotation yet.
    assert_eq!(
        chat(&harness, old.key.expose()).await.status,
        StatusCode::OK
    );
    follower.look().await.unwrap();
    for key in [&old.key, &new.key] {
        assert_eq!(chat(&harness, key.expose()).await.status, StatusCode::OK);
    }
    // The next rotation is without overlap: both end at once.
    let last = command
        .rotate_key("one", Duration::ZERO, now())
        .await
        .unwrap();
    follower.look().await.unwrap();
    for key in [&old.key, &new.key] {
        let status = chat(&harness, key.expose()).await.status;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        chat(&harness, last.key.expose()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_request_with_a_new_key_waits_until_it_is_known() {
    let file = scratch_file();
    let (harness, mut follower) = gateway(&file).await;
    let command = command(&file);
    create(&command, "one", None).await;
    follower.look().await.unwrap();
    let running = tokio::spawn(follower.run());
    tokio::task::yield_now().await;
    let created = create(&command, "two", None).await;
    for path in ["/v1/chat/completions", &format!("/model/{MODEL}/converse")] {
        let body = match path.starts_with("/v1") {
            true => non_streaming("Hello"),
            false => json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}),
        };
        let reply = post(&harness, created.key.expose(), path, &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
    running.abort();
}

#[tokio::test]
async fn a_team_of_the_store_limits_its_keys() {
    let file = scratch_file();
    let (harness, mut follower) = gateway(&file).await;
    let command = command(&file);
    let team = Team {
        allowance: Allowance {
            allowed_models: Some(vec![ModelPattern::parse("*nova*").unwrap()]),
            ..Allowance::default()
        },
        ..Team::default()
    };
    command.create_team("research", team, now()).await.unwrap();
    let created = create(&command, "one", Some("research")).await;
    follower.look().await.unwrap();
    let refused = chat(&harness, created.key.expose()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    assert!(refused.text.contains("team `research`"), "{}", refused.text);
    let change = |team: &mut Team| {
        team.allowance.allowed_models = None;
        Ok::<_, AdministrationError>(())
    };
    command.change_team("research", change).await.unwrap();
    follower.look().await.unwrap();
    assert_eq!(
        chat(&harness, created.key.expose()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_damaged_store_is_told_apart_from_a_wrong_key() {
    let file = scratch_file();
    std::fs::write(&file, "this is not a database, whatever else it may be").unwrap();
    let harness = Harness::with(|config| {
        config.store.path = file.clone();
        super::key(config, "sk-of-file", Default::default());
    })
    .await;
    let app = &harness.app;
    let mut follower = KeyFollower::new(&app.http.callers, Arc::clone(&app.store));
    let error = follower.look().await.unwrap_err().to_string();
    assert!(error.contains(&file.display().to_string()), "{error}");
    assert_eq!(chat(&harness, "sk-of-file").await.status, StatusCode::OK);
    let issued = create(&command(&scratch_file()), "elsewhere", None).await;
    let refused = chat(&harness, issued.key.expose()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.error()["code"], "store_unavailable");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(
        chat(&harness, "sk-other").await.status,
        StatusCode::UNAUTHORIZED
    );
}
