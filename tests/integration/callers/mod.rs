//! Who may call what.

mod store;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use outcrop::allowances::{Allowance, KeyGrant, ModelPattern, Team};
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry};
use serde_json::json;

use crate::harness::{Harness, MODEL, Reply, non_streaming};

fn key(config: &mut Config, name: &str, grant: KeyGrant) {
    config.keys.push(KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(name),
        access_key: None,
        chat: ChatOverrides::default(),
        grant,
    });
}

fn only(patterns: &[&str]) -> Allowance {
    let patterns = patterns.iter().map(|text| ModelPattern::parse(text));
    Allowance {
        allowed_models: Some(patterns.collect::<Result<_, _>>().unwrap()),
        ..Allowance::default()
    }
}

async fn post(harness: &Harness, key: &str, path: &str, body: &serde_json::Value) -> Reply {
    let authorization = format!("Bearer {key}");
    let mut request = harness.request(Method::POST, path, body.to_string());
    let headers = request.headers_mut();
    headers.insert("authorization", authorization.parse().unwrap());
    headers.insert("content-type", "application/json".parse().unwrap());
    harness.send(request).await
}

#[tokio::test]
async fn every_level_must_allow_a_model_by_its_name_or_its_id() {
    let harness = Harness::with(|config| {
        config.organization.allowance = only(&["us.amazon.nova-*", "cohere.*", "allowed"]);
        let team = Team {
            allowance: only(&["*nova-2-lite*", "allowed"]),
            ..Team::default()
        };
        config
            .organization
            .teams
            .insert("research".to_owned(), team);
        let alias = outcrop::models::ModelId::parse(MODEL).unwrap();
        config
            .models
            .insert("allowed".to_owned(), alias.clone().into());
        config.models.insert("other".to_owned(), alias.into());
        key(config, "of-all", KeyGrant::default());
        let grant = KeyGrant {
            team: Some("research".to_owned()),
            ..KeyGrant::default()
        };
        key(config, "of-team", grant);
    })
    .await;
    let chat = |model: &str| {
        let mut body = non_streaming("hi");
        body["model"] = json!(model);
        body
    };
    for (key, model, refused_by) in [
        ("of-all", "us.amazon.nova-2-lite-v1:0", None),
        ("of-all", "us.amazon.nova-pro-v1:0", None),
        ("of-all", "allowed", None),
        ("of-all", "other", Some("the organization")),
        ("of-all", MODEL, Some("the organization")),
        ("of-team", "us.amazon.nova-2-lite-v1:0", None),
        (
            "of-team",
            "us.amazon.nova-pro-v1:0",
            Some("team `research`"),
        ),
        ("of-team", "allowed", None),
    ] {
        let reply = post(&harness, key, "/v1/chat/completions", &chat(model)).await;
        match refused_by {
            None => assert_eq!(reply.status, 200, "{key} {model}: {}", reply.text),
            Some(owner) => {
                assert_eq!(reply.status, 403, "{key} {model}: {}", reply.text);
                let error = &reply.json()["error"];
                assert_eq!(error["code"], "model_access_denied");
                assert_eq!(error["param"], "model");
                let message = error["message"].as_str().unwrap();
                assert!(message.contains(owner), "{message}");
            }
        }
    }
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let embeddings = json!({"model": "amazon.titan-embed-text-v2:0", "input": "hi"});
    for (path, body, status) in [
        ("/model/us.amazon.nova-pro-v1:0/converse", &converse, 403),
        ("/model/us.amazon.nova-2-lite-v1:0/converse", &converse, 200),
        ("/v1/embeddings", &embeddings, 403),
    ] {
        let reply = post(&harness, "of-team", path, body).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn the_list_of_models_has_those_that_the_caller_may_call() {
    let harness = Harness::with(|config| {
        config.organization.allowance = only(&["us.amazon.nova-*", "amazon.titan-*", "allowed"]);
        let team = Team {
            allowance: only(&["*nova-2-lite*", "*embed-text-v2*", "allowed", "other"]),
            ..Team::default()
        };
        config
            .organization
            .teams
            .insert("research".to_owned(), team);
        let model = outcrop::models::ModelId::parse(MODEL).unwrap();
        for name in ["allowed", "other"] {
            config.models.insert(name.to_owned(), model.clone().into());
        }
        // An alias of an allowed model is allowed.
        let nova = outcrop::models::ModelId::parse("us.amazon.nova-2-lite-v1:0").unwrap();
        config.models.insert("lite".to_owned(), nova.into());
        config.catalog.list = outcrop::config::CatalogList::All;
        key(config, "of-all", KeyGrant::default());
        let grant = KeyGrant {
            team: Some("research".to_owned()),
            ..KeyGrant::default()
        };
        key(config, "of-team", grant);
    })
    .await;
    let get = async |key: &str, path: &str| {
        let mut request = harness.request(Method::GET, path, "");
        let value = format!("Bearer {key}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        harness.send(request).await
    };
    let list = async |key: &str, query: &str| -> Vec<String> {
        let list = get(key, &format!("/v1/models{query}")).await.json();
        let models = list["data"].as_array().unwrap().iter();
        let ids = models.map(|model| model["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    let of_team = list("of-team", "").await;
    for (name, is_listed) in [
        ("allowed", true),
        ("lite", true),
        ("us.amazon.nova-2-lite-v1:0", true),
        ("amazon.titan-embed-text-v2:0", true),
        ("other", false),
        (MODEL, false),
        ("us.amazon.nova-pro-v1:0", false),
    ] {
        assert_eq!(
            of_team.iter().any(|id| id == name),
            is_listed,
            "{of_team:?}"
        );
        let single = get("of-team", &format!("/v1/models/{name}")).await;
        let expected = if is_listed { 200 } else { 403 };
        assert_eq!(single.status, expected, "{name}: {}", single.text);
    }
    let of_all = list("of-all", "").await;
    assert!(of_all.iter().any(|id| id == "us.amazon.nova-pro-v1:0"));
    assert!(of_all.len() > of_team.len());
    assert_eq!(
        list("of-team", "?type=embedding").await,
        ["amazon.titan-embed-text-v2:0"]
    );
}

#[tokio::test]
async fn an_expired_key_is_rejected() {
    let harness = Harness::with(|config| {
        let until = |expires_at| KeyGrant {
            expires_at: Some(expires_at),
            ..KeyGrant::default()
        };
        key(config, "expired", until(UNIX_EPOCH));
        let later = SystemTime::now() + Duration::from_secs(3600);
        key(config, "valid", until(later));
    })
    .await;
    let body = non_streaming("hi");
    let reply = post(&harness, "expired", "/v1/chat/completions", &body).await;
    assert_eq!(reply.status, 401, "{}", reply.text);
    assert!(reply.text.contains("has expired"), "{}", reply.text);
    let reply = post(&harness, "valid", "/v1/chat/completions", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn a_record_names_the_key_its_team_its_user_and_its_tags() {
    let harness = Harness::with(|config| {
        let grant = KeyGrant {
            team: Some("research".to_owned()),
            user: Some("ann@example.com".to_owned()),
            tags: [("project".to_owned(), "search".to_owned())].into(),
            ..KeyGrant::default()
        };
        key(config, "ci", grant);
    })
    .await;
    let reply = post(&harness, "ci", "/v1/chat/completions", &non_streaming("hi")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let record = harness.records.take(1).await.remove(0);
    let caller = record.caller.unwrap();
    assert_eq!((&*caller.id, &*caller.name), ("ci", "ci"));
    assert_eq!(caller.team.as_deref(), Some("research"));
    assert_eq!(caller.user.as_deref(), Some("ann@example.com"));
    assert_eq!(caller.tags["project"], "search");
}
