//! The catalog: what it describes models from, over the wire to the simulator.
//!
//! `tests/golden/models/region` contains responses of the control plane (the foundation models as in
//! the recording `listfoundationmodels-unknown-95d27523`) and the list of models that they result in,
//! one model a line.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bedrock_simulator::{ControlPlane, Operation, Options, Script, ScriptedResponse, Simulator};
use outcrop::bedrock::{Bedrock, BedrockSettings, SimulatedBedrock};
use outcrop::catalog::{BaseModels, Catalog, CatalogConfig, Directory, LearnedModels, Tables};
use outcrop::config::{CatalogList, CatalogSettings, ModelEntry, ModelFiles};
use outcrop::models::{ModelId, PriceTable};
use serde_json::{Value, json};

use crate::harness::golden::{Case, Outputs};

const PROFILE: &str =
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ap1234claude";

fn names(names: &[(&str, &str)]) -> BTreeMap<String, ModelEntry> {
    let entry = |id: &str| ModelEntry::from(ModelId::parse(id).unwrap());
    let names = names.iter();
    names
        .map(|(name, id)| ((*name).to_owned(), entry(id)))
        .collect()
}

fn settings(list: CatalogList) -> CatalogSettings {
    CatalogSettings {
        list,
        // Short, for tests that wait for the next refresh.
        refresh: Duration::from_millis(5),
        ..CatalogSettings::default()
    }
}

async fn catalog(
    simulator: &Simulator,
    list: CatalogList,
    names: BTreeMap<String, ModelEntry>,
) -> Catalog {
    catalog_with(simulator, settings(list), names).await
}

async fn catalog_with(
    simulator: &Simulator,
    settings: CatalogSettings,
    names: BTreeMap<String, ModelEntry>,
) -> Catalog {
    let (bedrock, config) = configured(simulator, settings, names).await;
    Catalog::start(bedrock, config, Directory::default())
}

async fn configured(
    simulator: &Simulator,
    settings: CatalogSettings,
    names: BTreeMap<String, ModelEntry>,
) -> (Bedrock, CatalogConfig) {
    let of_bedrock = BedrockSettings {
        simulated: Some(SimulatedBedrock::at(simulator.url())),
        ..BedrockSettings::default()
    };
    let bedrock = Bedrock::connect(&of_bedrock).await.unwrap();
    let refresh = Duration::from_secs(3600);
    let bases = BaseModels::new(
        bedrock.clone(),
        BTreeMap::new(),
        refresh,
        LearnedModels::default(),
    );
    let config = CatalogConfig {
        names,
        settings,
        bases,
        tables: Tables::load(&ModelFiles::default()).unwrap(),
    };
    (bedrock, config)
}

async fn models(catalog: &Catalog) -> Vec<Value> {
    let list: Value = serde_json::from_slice(&catalog.list(None).await).unwrap();
    assert_eq!(list["object"], "list");
    list["data"].as_array().unwrap().clone()
}

async fn model(catalog: &Catalog, name: &str) -> Value {
    let json = catalog.model(name).await;
    serde_json::from_slice(&json.unwrap_or_else(|| panic!("no {name}"))).unwrap()
}

async fn ids(catalog: &Catalog) -> Vec<String> {
    let models = models(catalog).await.into_iter();
    models
        .map(|model| model["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_catalog_describes_a_region_and_an_account() {
    let case = Case::at("models/region");
    // Operations without a file are forbidden.
    let options = Options {
        control_plane: ControlPlane::Forbidden,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    for (file, operation) in [
        ("list_foundation_models", Operation::ListFoundationModels),
        ("list_inference_profiles", Operation::ListInferenceProfiles),
        (
            "list_custom_model_deployments",
            Operation::ListCustomModelDeployments,
        ),
        ("list_imported_models", Operation::ListImportedModels),
        (
            "list_provisioned_model_throughputs",
            Operation::ListProvisionedModelThroughputs,
        ),
        ("list_prompt_routers", Operation::ListPromptRouters),
        (
            "list_marketplace_model_endpoints",
            Operation::ListMarketplaceModelEndpoints,
        ),
    ] {
        let body = case.text(&format!("upstream.response.{file}.json"));
        let response = Script::new(ScriptedResponse::Raw {
            status: 200,
            headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
            body: body.into(),
        });
        simulator.push(response.for_operation(operation).times(0));
    }
    let names = names(&[
        (
            "assistant",
            "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        ("house-profile", PROFILE),
        ("of-old", "anthropic.claude-instant-v1"),
    ]);
    let catalog = catalog(&simulator, CatalogList::All, names).await;
    let lines: Vec<String> = models(&catalog)
        .await
        .into_iter()
        .map(|mut model| {
            // Without a time from Bedrock, `created` is the start of the gateway.
            if model["created"].as_u64().unwrap() > 1_780_000_000 {
                model["created"] = json!("start");
            }
            model.to_string()
        })
        .collect();
    let mut outputs = Outputs::default();
    outputs.text("response.jsonl", &lines.join("\n"));
    case.compare(&outputs);
}

#[tokio::test]
async fn all_pages_are_read_and_uncallable_models_are_omitted() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let catalog = catalog(&simulator, CatalogList::All, BTreeMap::new()).await;
    let ids = ids(&catalog).await;
    let arn_prefix = "arn:aws:bedrock:us-east-1:123456789012:";
    for there in [
        "global.cohere.embed-v4:0".to_owned(),
        "us.anthropic.claude-opus-4-1-20250805-v1:0".to_owned(),
        PROFILE.to_owned(),
        format!("{arn_prefix}custom-model-deployment/cd1234567890"),
        format!("{arn_prefix}imported-model/im1234567890"),
        format!("{arn_prefix}provisioned-model/pm1234567890"),
        format!("{arn_prefix}default-prompt-router/amazon.nova:1"),
        format!("{arn_prefix}prompt-router/pr1234567890"),
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/our-endpoint".to_owned(),
    ] {
        assert!(ids.contains(&there), "{there}: {ids:?}");
        assert_eq!(model(&catalog, &there).await["id"], there);
    }
    for absent in [
        // Past its end of life, served through profiles only, speech-to-speech.
        "anthropic.claude-instant-v1".to_owned(),
        "anthropic.claude-opus-4-1-20250805-v1:0".to_owned(),
        "amazon.nova-2-sonic-v1:0".to_owned(),
        // Still being created, and failed.
        format!("{arn_prefix}custom-model-deployment/cd0000000000"),
        format!("{arn_prefix}provisioned-model/pm0000000000"),
    ] {
        assert!(!ids.contains(&absent), "{absent}");
        assert!(catalog.model(&absent).await.is_none());
    }
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}

#[tokio::test]
async fn chat_models_are_listed_first_and_arns_last() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let names = names(&[
        ("zebra", "amazon.nova-lite-v1:0"),
        ("canvas", "amazon.nova-canvas-v1:0"),
    ]);
    let catalog = catalog(&simulator, CatalogList::All, names).await;
    let models = models(&catalog).await;
    let rank = |model: &Value| {
        let id = model["id"].as_str().unwrap().to_owned();
        let is_named = ["zebra", "canvas"].contains(&id.as_str());
        (
            id.starts_with("arn:"),
            model["type"] != "chat",
            !is_named,
            id,
        )
    };
    let ranks: Vec<_> = models.iter().map(rank).collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
    assert_eq!(models[0]["id"], "zebra");
    assert_eq!(
        models[0]["name"], "zebra",
        "the alias's name, not the model's"
    );
    assert_eq!(models[0]["context_length"], 300_000);
    let lite = model(&catalog, "amazon.nova-lite-v1:0").await;
    assert_eq!(lite["name"], "Nova Lite");
    assert_eq!(lite["context_length"], lite["outcrop"]["context_window"]);
}

#[tokio::test]
async fn a_listing_that_fails_at_startup_is_retried_soon_and_separately() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let refused = Script::error(403, "AccessDeniedException", "not yet");
    let refused = refused.for_operation(Operation::ListFoundationModels);
    simulator.push(refused.times(2));
    let settings = CatalogSettings {
        refresh: Duration::from_secs(3600),
        ..settings(CatalogList::All)
    };
    let catalog = catalog_with(&simulator, settings, BTreeMap::new()).await;
    let lite = "amazon.nova-lite-v1:0";
    assert!(
        catalog.model(lite).await.is_none(),
        "the forbidden listing is empty"
    );
    let profile = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert!(
        catalog.model(profile).await.is_some(),
        "the other listings succeed"
    );

    tokio::time::pause();
    let start = tokio::time::Instant::now();
    while catalog.model(lite).await.is_none() {
        assert!(catalog.model(profile).await.is_some(), "the list is kept");
        tokio::time::advance(Duration::from_millis(20)).await;
        // Lets data on the wire arrive before time advances further.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    let waited = start.elapsed();
    assert!(
        waited < Duration::from_secs(60),
        "{waited:?}, after 1 s and 2 s"
    );
    let requests = simulator.requests();
    let call_count = |operation| {
        let of_operation = requests.iter().filter(|r| r.operation == Some(operation));
        of_operation.count()
    };
    assert_eq!(call_count(Operation::ListFoundationModels), 3);
    assert_eq!(
        call_count(Operation::ListImportedModels),
        1,
        "it is not requested again"
    );
}

#[tokio::test]
async fn a_missing_list_permission_does_not_affect_other_listings() {
    let options = Options {
        control_plane: ControlPlane::ListsOfModelsOnly,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let catalog = catalog(&simulator, CatalogList::All, BTreeMap::new()).await;
    let ids = ids(&catalog).await;
    assert!(ids.contains(&"amazon.nova-lite-v1:0".to_owned()), "{ids:?}");
    assert!(ids.contains(&PROFILE.to_owned()), "{ids:?}");
    assert!(!ids.iter().any(|id| id.contains(":imported-model/")));
}

#[tokio::test]
async fn a_listing_that_cannot_be_refreshed_is_kept() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let catalog = catalog(&simulator, CatalogList::All, BTreeMap::new()).await;
    let before = ids(&catalog).await;
    let refused = Script::error(403, "AccessDeniedException", "no more").times(0);
    simulator.push(refused.for_operation(Operation::ListFoundationModels));
    let body = json!({"modelSummaries": []}).to_string();
    let none = Script::new(ScriptedResponse::Raw {
        status: 200,
        headers: BTreeMap::new(),
        body: body.into(),
    });
    simulator.push(none.for_operation(Operation::ListImportedModels).times(0));
    let imported = "arn:aws:bedrock:us-east-1:123456789012:imported-model/im1234567890";
    while catalog.model(imported).await.is_some() {
        tokio::task::yield_now().await;
    }
    let remaining: Vec<String> = before.into_iter().filter(|id| id != imported).collect();
    assert_eq!(ids(&catalog).await, remaining);
}

#[tokio::test]
async fn a_configured_name_shows_its_model_without_the_account() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let names = names(&[
        ("fast", "amazon.nova-lite-v1:0"),
        ("house", PROFILE),
        ("amazon.nova-micro-v1:0", "amazon.nova-micro-v1:0"),
    ]);
    for list in [CatalogList::All, CatalogList::Configured] {
        let catalog = catalog(&simulator, list, names.clone()).await;
        let fast = model(&catalog, "fast").await;
        assert_eq!(fast["outcrop"]["kind"], "alias");
        assert_eq!(fast["outcrop"]["target"], "amazon.nova-lite-v1:0");
        assert_eq!(fast["outcrop"]["target_kind"], "foundation_model");
        let profile_alias = model(&catalog, "house").await;
        let described = &profile_alias["outcrop"];
        assert_eq!(described["target"], Value::Null);
        assert_eq!(described["target_kind"], "application_inference_profile");
        assert_eq!(described["family"], "Claude 4.5");
        assert_eq!(
            described["base_models"],
            json!(["anthropic.claude-sonnet-4-5-20250929-v1:0"])
        );
        assert_eq!(profile_alias["owned_by"], "anthropic");
        assert!(!profile_alias.to_string().contains("123456789012"));
        // An id that is configured under its own name is not an alias.
        let micro = model(&catalog, "amazon.nova-micro-v1:0").await;
        assert_eq!(micro["outcrop"]["kind"], "foundation_model");
    }
}

#[tokio::test]
async fn reloaded_tables_apply_immediately_without_calling_bedrock() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let names = names(&[("fast", "amazon.nova-lite-v1:0")]);
    let settings = settings(CatalogList::Configured);
    let (bedrock, mut config) = configured(&simulator, settings, names).await;
    let catalog = Catalog::start(bedrock, config.clone(), Directory::default());
    let input = async || {
        let model = model(&catalog, "fast").await;
        model["outcrop"]["price"]["per_million_tokens"]["default"]["input"].clone()
    };
    assert_eq!(input().await, "0.06");
    let tables = &mut config.tables;
    let price_rows = "[[model]]\nids = ['amazon.nova-lite']\ninput = 1.5\noutput = 2";
    let overlaid = tables.prices.clone();
    tables.prices = overlaid.overlay(PriceTable::parse(price_rows).unwrap());
    catalog.reconfigure(config);
    assert_eq!(input().await, "1.5");
    assert_eq!(simulator.received(), 0);
}

#[tokio::test]
async fn other_aliases_are_listed_at_once_and_the_models_of_bedrock_stay() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let mut settings = settings(CatalogList::All);
    settings.refresh = Duration::from_secs(3600);
    let aliases = names(&[("fast", "amazon.nova-lite-v1:0")]);
    let (bedrock, mut config) = configured(&simulator, settings, aliases).await;
    let catalog = Catalog::start(bedrock, config.clone(), Directory::default());
    let before = ids(&catalog).await;
    config.names = names(&[("quick", "amazon.nova-lite-v1:0")]);
    catalog.reconfigure(config.clone());
    let after = ids(&catalog).await;
    assert_eq!(after.first().map(String::as_str), Some("quick"));
    assert_eq!(after.len(), before.len());
    config.settings.list = CatalogList::Configured;
    catalog.reconfigure(config);
    assert_eq!(ids(&catalog).await, ["quick"]);
}
