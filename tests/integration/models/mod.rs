//! `/v1/models`

mod base_models;
mod catalog;
mod resolution;

use bedrock_simulator::{ControlPlane, Options};
use outcrop::config::{CatalogList, Config};
use outcrop::models::ModelId;
use serde_json::Value;

use crate::harness::{Harness, MODEL, non_streaming};

fn with_alias(config: &mut Config) {
    let model = ModelId::parse(MODEL).unwrap();
    config.models.insert("gpt-4o".to_owned(), model.into());
    config.catalog.list = CatalogList::All;
}

fn ids(list: &Value) -> Vec<String> {
    let data = list["data"].as_array().unwrap();
    let id = |model: &Value| model["id"].as_str().unwrap().to_owned();
    data.iter().map(id).collect()
}

#[tokio::test]
async fn aliases_models_and_profiles_are_listed_and_retrieved() {
    let harness = Harness::with(with_alias).await;
    let list = harness.get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    let ids = ids(&list);
    assert_eq!(ids.first().map(String::as_str), Some("gpt-4o"));
    assert!(ids.iter().any(|id| id == MODEL), "a profile: {ids:?}");
    assert!(
        ids.iter().any(|id| id == "amazon.nova-lite-v1:0"),
        "on demand: {ids:?}"
    );
    let profile_only = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert!(!ids.iter().any(|id| id == profile_only), "{ids:?}");
    for id in [MODEL, "gpt-4o"] {
        for path in [
            format!("/v1/models/{id}"),
            format!("/api/v1/models/{}", id.replace(':', "%3A")),
        ] {
            let model = harness.get(&path).await.json();
            assert_eq!(model["id"], id);
            assert_eq!(model["object"], "model");
            assert_eq!(model["owned_by"], "anthropic");
            assert!(model["created"].is_u64());
        }
    }
    let missing = harness.get("/v1/models/none").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.error()["code"], "model_not_found");
}

#[tokio::test]
async fn without_list_permission_configured_models_are_listed_and_work() {
    let options = Options {
        control_plane: ControlPlane::Forbidden,
        ..Options::default()
    };
    let harness = Harness::with_simulator(options, with_alias).await;
    assert_eq!(ids(&harness.get("/v1/models").await.json()), ["gpt-4o"]);
    let mut request = non_streaming("hi");
    request["model"] = "gpt-4o".into();
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["model"], "gpt-4o");
}

#[tokio::test]
async fn listing_only_configured_names_does_not_call_bedrock() {
    let harness = Harness::with(|config| {
        with_alias(config);
        config.catalog.list = CatalogList::Configured;
    })
    .await;
    assert_eq!(ids(&harness.get("/v1/models").await.json()), ["gpt-4o"]);
    assert_eq!(harness.simulator.received(), 0);
}

#[tokio::test]
async fn an_arn_is_accepted_percent_encoded_or_plain() {
    let harness = Harness::with(with_alias).await;
    let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ap1234claude";
    let encoded = arn.replace(':', "%3A").replace('/', "%2F");
    for path in [arn, &encoded, &arn.replace('/', "%2f")] {
        let model = harness.get(&format!("/v1/models/{path}")).await;
        assert_eq!(model.status, 200, "{path}: {}", model.text);
        assert_eq!(model.json()["id"], arn);
        assert_eq!(model.json()["outcrop"]["name"], "assistants");
    }
}

#[tokio::test]
async fn models_can_be_filtered_by_type() {
    let harness = Harness::with(with_alias).await;
    let all = harness.get("/v1/models").await.json();
    let of_type = |word: &str| -> Vec<String> {
        let models = all["data"].as_array().unwrap().iter();
        let models = models.filter(|model| model["type"] == word);
        models
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    for word in ["chat", "embedding", "image", "video", "rerank"] {
        let list = harness
            .get(&format!("/v1/models?type={word}&limit=5"))
            .await;
        assert_eq!(list.status, 200, "{word}");
        let ids = ids(&list.json());
        assert_eq!(ids, of_type(word), "{word}");
    }
    let chat = ids(&harness.get("/v1/models?type=chat").await.json());
    assert!(chat.contains(&"gpt-4o".to_owned()) && chat.contains(&MODEL.to_owned()));
    assert!(!chat.contains(&"amazon.titan-embed-text-v2:0".to_owned()));
    let refused = harness.get("/v1/models?type=chats").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.error()["param"], "type");
    let message = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("`chats`") && message.contains("`chat`, "),
        "{message}"
    );
}

#[tokio::test]
async fn a_retrieved_model_equals_its_list_entry() {
    let harness = Harness::with(with_alias).await;
    let list = harness.get("/v1/models").await.json();
    for model in list["data"].as_array().unwrap() {
        let id = model["id"].as_str().unwrap();
        let single = harness.get(&format!("/v1/models/{id}")).await;
        assert_eq!(single.json(), *model, "{id}");
    }
}
