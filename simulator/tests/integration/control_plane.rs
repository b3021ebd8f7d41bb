//! Resources of the account in the control plane: lists, lookups and calls by ARN.

use http::Method;
use serde_json::json;

use crate::common::{CLAUDE, budget, converse, converse_request, send, unsigned_simulator, with};

#[tokio::test]
async fn account_resources_can_be_looked_up_and_invoked() {
    let simulator = unsigned_simulator().await;
    let arn_prefix = "arn:aws:bedrock:us-east-1:123456789012:";
    let claude =
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0";
    let nova = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";
    for (lookup, resource, pointer, value) in [
        (
            "/inference-profiles/",
            "application-inference-profile/ap1234claude",
            "/models/0/modelArn",
            claude,
        ),
        (
            "/provisioned-model-throughput/",
            "provisioned-model/pm1234567890",
            "/status",
            "InService",
        ),
        (
            "/custom-models/",
            "custom-model/amazon.nova-lite-v1:0/cm1234567890",
            "/baseModelArn",
            nova,
        ),
        (
            "/model-customization/custom-model-deployments/",
            "custom-model-deployment/cd1234567890",
            "/status",
            "Active",
        ),
        (
            "/imported-models/",
            "imported-model/im1234567890",
            "/modelArchitecture",
            "llama",
        ),
        (
            "/prompt-routers/",
            "default-prompt-router/amazon.nova:1",
            "/fallbackModel/modelArn",
            nova,
        ),
        (
            "/prompt-routers/",
            "prompt-router/pr1234567890",
            "/fallbackModel/modelArn",
            claude,
        ),
    ] {
        let arn = format!("{arn_prefix}{resource}")
            .replace('/', "%2F")
            .replace(':', "%3A");
        let reasoning_index = send(&simulator, Method::GET, &format!("{lookup}{arn}"), "").await;
        assert_eq!(reasoning_index.status, 200, "{resource}");
        assert_eq!(
            reasoning_index.json().pointer(pointer).unwrap(),
            value,
            "{resource}"
        );
        let response = converse(&simulator, &arn, &converse_request("hello")).await;
        assert_eq!(response["stopReason"], "end_turn", "{response}");
        let routed = response["trace"]["promptRouter"]["invokedModelId"].as_str();
        assert_eq!(
            routed,
            resource.contains("router/").then_some(value),
            "{resource}"
        );
    }
    let by_id = send(
        &simulator,
        Method::GET,
        "/inference-profiles/ap1234claude",
        "",
    )
    .await;
    assert_eq!(by_id.json()["type"], "APPLICATION");
    let of_aws = format!("/inference-profiles/{CLAUDE}");
    let of_aws = send(&simulator, Method::GET, &of_aws, "").await;
    assert_eq!(of_aws.json()["type"], "SYSTEM_DEFINED");
    let listed = send(
        &simulator,
        Method::GET,
        "/inference-profiles?type=APPLICATION",
        "",
    )
    .await;
    assert_eq!(
        listed.json()["inferenceProfileSummaries"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let unknown = send(&simulator, Method::GET, "/custom-models/nothing", "").await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn an_application_profile_follows_the_rules_of_its_model() {
    let simulator = unsigned_simulator().await;
    let profile =
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile%2Fap1234claude";
    let both = json!({ "inferenceConfig": { "temperature": 0.5, "topP": 0.9 } });
    let refused = converse(&simulator, profile, &with(converse_request("hello"), both)).await;
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("cannot both be specified")
    );
    let thinking = converse(
        &simulator,
        profile,
        &with(converse_request("hello"), budget()),
    )
    .await;
    let content = &thinking["output"]["message"]["content"];
    assert!(content[0]["reasoningContent"]["reasoningText"]["signature"].is_string());
}

#[tokio::test]
async fn account_resources_are_listed() {
    let simulator = unsigned_simulator().await;
    for (path, entries, count) in [
        (
            "/inference-profiles?type=APPLICATION",
            "inferenceProfileSummaries",
            3,
        ),
        (
            "/model-customization/custom-model-deployments",
            "modelDeploymentSummaries",
            2,
        ),
        (
            "/model-customization/custom-model-deployments?statusEquals=Active",
            "modelDeploymentSummaries",
            1,
        ),
        ("/imported-models", "modelSummaries", 1),
        (
            "/provisioned-model-throughputs",
            "provisionedModelSummaries",
            2,
        ),
        (
            "/provisioned-model-throughputs?statusEquals=Failed",
            "provisionedModelSummaries",
            1,
        ),
        ("/prompt-routers", "promptRouterSummaries", 2),
        ("/prompt-routers?type=custom", "promptRouterSummaries", 1),
        (
            "/marketplace-model/endpoints",
            "marketplaceModelEndpoints",
            1,
        ),
    ] {
        let listed = send(&simulator, Method::GET, path, "").await;
        assert_eq!(listed.status, 200, "{path}");
        let listed = listed.json();
        assert_eq!(
            listed[entries].as_array().unwrap().len(),
            count,
            "{path}: {listed}"
        );
    }
}

#[tokio::test]
async fn page_sizes_are_limited_to_ten_and_unknown_filters_are_rejected() {
    let simulator = unsigned_simulator().await;
    let page = send(
        &simulator,
        Method::GET,
        "/inference-profiles?maxResults=1000",
        "",
    )
    .await;
    let page = page.json();
    assert_eq!(
        page["inferenceProfileSummaries"].as_array().unwrap().len(),
        10
    );
    let token = page["nextToken"].as_str().unwrap();
    let next = format!("/inference-profiles?maxResults=1000&nextToken={token}");
    let next = send(&simulator, Method::GET, &next, "").await.json();
    assert_ne!(
        page["inferenceProfileSummaries"][0],
        next["inferenceProfileSummaries"][0]
    );
    for query in [
        "maxResults=0",
        "maxResults=1001",
        "nextToken=x",
        "type=OTHER",
    ] {
        let refused = send(
            &simulator,
            Method::GET,
            &format!("/inference-profiles?{query}"),
            "",
        )
        .await;
        assert_eq!(refused.status, 400, "{query}");
    }
}
