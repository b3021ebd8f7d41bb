//! Features of Converse over the wire: reasoning, prompt caching, guardrails, and the fields
//! besides `message`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use bedrock_simulator::{Options, Script, ScriptedResponse, Simulator};
use common::{CLAUDE, NOVA, events, post, send};
use http::Method;
use serde_json::{Value, json};

const SONNET_5: &str = "us.anthropic.claude-sonnet-5";

async fn simulator() -> Simulator {
    let options = Options {
        any_credentials: true,
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

fn converse_request(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }] })
}

fn with(mut request: Value, settings: Value) -> Value {
    request
        .as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    request
}

async fn converse(simulator: &Simulator, model: &str, request: &Value) -> Value {
    let path = format!("/model/{model}/converse");
    let response = post(simulator, &path, request.to_string()).await;
    response.json()
}

async fn stream(simulator: &Simulator, model: &str, request: &Value) -> Vec<(String, Value)> {
    let path = format!("/model/{model}/converse-stream");
    let response = post(simulator, &path, request.to_string()).await;
    events(response.body.as_ref().unwrap())
}

fn budget() -> Value {
    json!({ "additionalModelRequestFields": {
        "thinking": { "type": "enabled", "budget_tokens": 1024 } } })
}

#[tokio::test]
async fn reasoning_has_the_format_of_each_family() {
    let simulator = simulator().await;
    let hello = converse_request("hello");
    let none = json!({});
    let nova_2 = json!({ "additionalModelRequestFields": {
        "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "low" } } });
    let visible = json!({ "additionalModelRequestFields": {
        "thinking": { "type": "adaptive", "display": "summarized" } } });
    let omitted = json!({ "additionalModelRequestFields": { "thinking": { "type": "adaptive" } } });
    for (model, settings, expected_index, is_signed, text) in [
        (CLAUDE, &budget(), Some(0), true, "The user wants"),
        (CLAUDE, &none, None, false, ""),
        (SONNET_5, &visible, Some(0), true, "The user wants"),
        (SONNET_5, &omitted, Some(0), true, ""),
        (
            "us.amazon.nova-2-lite-v1:0",
            &nova_2,
            Some(0),
            false,
            "[REDACTED].",
        ),
        (
            "openai.gpt-oss-20b-1:0",
            &none,
            Some(0),
            false,
            "The user wants",
        ),
        (
            "us.deepseek.r1-v1:0",
            &none,
            Some(1),
            false,
            "The user wants",
        ),
        (NOVA, &none, None, false, ""),
    ] {
        let response = converse(&simulator, model, &with(hello.clone(), settings.clone())).await;
        let content = response["output"]["message"]["content"].as_array().unwrap();
        let reasoning_index = content
            .iter()
            .position(|block| block.get("reasoningContent").is_some());
        assert_eq!(reasoning_index, expected_index, "{model}");
        if let Some(expected_index) = reasoning_index {
            let reasoning = &content[expected_index]["reasoningContent"]["reasoningText"];
            assert_eq!(reasoning.get("signature").is_some(), is_signed, "{model}");
            assert!(
                reasoning["text"].as_str().unwrap().starts_with(text),
                "{model}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_sends_reasoning_then_its_signature_then_text() {
    let simulator = simulator().await;
    let events = stream(
        &simulator,
        CLAUDE,
        &with(converse_request("hello"), budget()),
    )
    .await;
    let mut kinds: Vec<String> = events
        .iter()
        .map(|(name, payload)| match payload.pointer("/delta") {
            Some(Value::Object(delta)) => match delta.get("reasoningContent") {
                Some(reasoning) => reasoning
                    .as_object()
                    .unwrap()
                    .keys()
                    .next()
                    .unwrap()
                    .clone(),
                None => format!("content {}", delta.keys().next().unwrap()),
            },
            _ => name.clone(),
        })
        .collect();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "messageStart",
            "text",
            "signature",
            "contentBlockStop",
            "content text",
            "contentBlockStop",
            "messageStop",
            "metadata"
        ]
    );
    let gpt_oss = stream(
        &simulator,
        "openai.gpt-oss-20b-1:0",
        &converse_request("hello"),
    )
    .await;
    assert_eq!(gpt_oss[1].1["delta"], json!({ "text": "" }));
    assert_eq!(gpt_oss[3].1["contentBlockIndex"], 1);
}

#[tokio::test]
async fn reasoning_must_be_sent_back_unchanged() {
    let simulator = simulator().await;
    let tools = json!({ "toolConfig": { "tools": [{ "toolSpec": { "name": "look_around",
        "inputSchema": { "json": { "type": "object", "properties": {} } } } }] } });
    let first_request = with(
        with(converse_request("Please look around"), tools),
        budget(),
    );
    let response = converse(&simulator, CLAUDE, &first_request).await;
    assert_eq!(response["stopReason"], "tool_use");
    let turn = response["output"]["message"].clone();
    let id = turn["content"][2]["toolUse"]["toolUseId"].clone();
    let result = json!({ "role": "user", "content": [
        { "toolResult": { "toolUseId": id, "content": [{ "text": "rocks" }] } }] });
    let continued = |turn: &Value| {
        let mut request = first_request.clone();
        let messages = request["messages"].as_array_mut().unwrap();
        messages.extend([turn.clone(), result.clone()]);
        request
    };
    let response = converse(&simulator, CLAUDE, &continued(&turn)).await;
    assert_eq!(response["stopReason"], "end_turn", "{response}");

    let mut changed = turn.clone();
    changed["content"][0]["reasoningContent"]["reasoningText"]["text"] = json!("Nothing.");
    let refused = converse(&simulator, CLAUDE, &continued(&changed)).await;
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("Invalid `signature`")
    );

    let mut bare = turn.clone();
    bare["content"].as_array_mut().unwrap().remove(0);
    let refused = converse(&simulator, CLAUDE, &continued(&bare)).await;
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("but found `text`")
    );
}

#[tokio::test]
async fn reasoning_signed_by_a_script_is_accepted() {
    let simulator = simulator().await;
    let redacted = json!({ "reasoningContent": { "redactedContent": "b3BhcXVl" } });
    let request = |turn: Value| {
        let messages = json!([
            { "role": "user", "content": [{ "text": "hello" }] },
            { "role": "assistant", "content": turn },
            { "role": "user", "content": [{ "text": "again" }] },
        ]);
        with(json!({ "messages": messages }), budget())
    };
    let back = request(json!([redacted, { "text": "Hi." }]));
    let refused = converse(&simulator, CLAUDE, &back).await;
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("redacted_thinking")
    );
    let body = json!({ "output": { "message": { "role": "assistant",
        "content": [redacted, { "text": "Hi." }] } }, "stopReason": "end_turn" });
    simulator.push(Script::new(ScriptedResponse::Converse {
        body,
        headers: Default::default(),
    }));
    converse(&simulator, CLAUDE, &converse_request("hello")).await;
    let accepted = converse(&simulator, CLAUDE, &back).await;
    assert_eq!(accepted["stopReason"], "end_turn", "{accepted}");
}

#[tokio::test]
async fn claude_redacts_its_reasoning_on_the_trigger_string() {
    let simulator = simulator().await;
    let magic = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9";
    let response = converse(&simulator, CLAUDE, &with(converse_request(magic), budget())).await;
    let block = &response["output"]["message"]["content"][0]["reasoningContent"];
    assert!(block["redactedContent"].is_string(), "{response}");
}

#[tokio::test]
async fn additional_model_response_fields_are_returned_on_request() {
    let simulator = simulator().await;
    let paths = json!({
        "additionalModelResponseFieldPaths": [
            "/stop_sequence", "/delta/stop_sequence", "/usage/output_tokens_details"],
        "inferenceConfig": { "stopSequences": ["END"] },
    });
    let request = with(with(converse_request("one END two"), paths), budget());
    let complete = converse(&simulator, CLAUDE, &request).await;
    assert_eq!(complete["stopReason"], "stop_sequence");
    let fields = &complete["additionalModelResponseFields"];
    assert_eq!(fields["stop_sequence"], "END");
    assert!(fields["usage"]["output_tokens_details"]["thinking_tokens"].as_u64() > Some(0));
    let streamed = stream(&simulator, CLAUDE, &request).await;
    let (_, stop) = &streamed[streamed.len() - 2];
    let fields = &stop["additionalModelResponseFields"];
    assert_eq!(fields["delta"]["stop_sequence"], "END");
    assert!(fields["usage"]["output_tokens_details"]["thinking_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn service_tier_and_latency_are_echoed() {
    let simulator = simulator().await;
    let settings = json!({ "serviceTier": { "type": "flex" },
        "performanceConfig": { "latency": "optimized" }, "requestMetadata": { "team": "a" } });
    let request = with(converse_request("hello"), settings);
    let complete = converse(&simulator, NOVA, &request).await;
    let streamed = stream(&simulator, NOVA, &request).await;
    for response in [&complete, &streamed.last().unwrap().1] {
        assert_eq!(response["serviceTier"], json!({ "type": "flex" }));
        assert_eq!(
            response["performanceConfig"],
            json!({ "latency": "optimized" })
        );
    }
}

#[tokio::test]
async fn a_cached_prompt_is_read_until_it_expires() {
    let simulator = simulator().await;
    let long = "All work and no play. ".repeat(300);
    let point = json!({ "cachePoint": { "type": "default" } });
    let request = with(
        converse_request("hello"),
        json!({ "system": [{ "text": long }, point] }),
    );
    let usage = |response: Value| {
        let usage = response["usage"].clone();
        let count = |name: &str| usage[name].as_u64().unwrap();
        assert_eq!(
            count("totalTokens"),
            count("inputTokens")
                + count("outputTokens")
                + count("cacheReadInputTokens")
                + count("cacheWriteInputTokens")
        );
        (
            count("cacheReadInputTokens"),
            count("cacheWriteInputTokens"),
            usage,
        )
    };
    let (read, written, first) = usage(converse(&simulator, CLAUDE, &request).await);
    assert!(read == 0 && written > 1024, "{first}");
    assert_eq!(
        first["cacheDetails"],
        json!([{ "inputTokens": written, "ttl": "5m" }])
    );
    let (read, again, second) = usage(converse(&simulator, CLAUDE, &request).await);
    assert_eq!((read, again), (written, 0));
    assert_eq!(second.get("cacheDetails"), None);
    simulator.advance(Duration::from_secs(301));
    let (read, again, _) = usage(converse(&simulator, CLAUDE, &request).await);
    assert_eq!((read, again), (0, written));
    let streamed = stream(&simulator, CLAUDE, &request).await;
    assert_eq!(
        streamed.last().unwrap().1["usage"]["cacheReadInputTokens"],
        written
    );

    let clock = post(
        &simulator,
        "/_simulator/clock",
        r#"{"advance_seconds": 301}"#,
    )
    .await;
    assert_eq!(clock.status, 204);
    let (read, ..) = usage(converse(&simulator, CLAUDE, &request).await);
    assert_eq!(read, 0);
    let wrong = post(&simulator, "/_simulator/clock", r#"{"seconds": 301}"#).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn guardrails_block_input_and_output() {
    let simulator = simulator().await;
    let guarded = json!({ "guardrailConfig": { "guardrailIdentifier": "demoguardrail",
        "guardrailVersion": "1", "trace": "enabled" } });
    let text = |response: &Value| response["output"]["message"]["content"][0]["text"].clone();

    let input = with(converse_request("Tell me of an avalanche"), guarded.clone());
    let blocked = converse(&simulator, NOVA, &input).await;
    assert_eq!(blocked["stopReason"], "guardrail_intervened");
    assert_eq!(text(&blocked), "Sorry, I cannot talk about that.");
    assert_eq!(blocked["usage"]["totalTokens"], 0);
    let trace = &blocked["trace"]["guardrail"];
    assert_eq!(trace["actionReason"], "Guardrail blocked.");
    assert!(trace["inputAssessment"]["demoguardrail"]["wordPolicy"].is_object());

    let output = with(converse_request("Tell me of quicksand"), guarded.clone());
    let streamed = stream(&simulator, NOVA, &output).await;
    let (_, stop) = &streamed[streamed.len() - 2];
    assert_eq!(stop["stopReason"], "guardrail_intervened");
    let (_, metadata) = streamed.last().unwrap();
    assert!(metadata["usage"]["totalTokens"].as_u64() > Some(0));
    assert!(metadata["trace"]["guardrail"]["outputAssessments"]["demoguardrail"][0].is_object());

    let allowed = converse(
        &simulator,
        NOVA,
        &with(converse_request("Tell me of the sea"), guarded),
    )
    .await;
    assert_eq!(allowed["stopReason"], "end_turn");
    assert_eq!(allowed["trace"]["guardrail"]["actionReason"], "No action.");
    assert_eq!(
        converse(&simulator, NOVA, &converse_request("avalanche")).await["trace"],
        Value::Null
    );
}

#[tokio::test]
async fn documents_are_cited_when_citations_are_enabled() {
    let simulator = simulator().await;
    let content = json!([
        { "text": "How cold is snow?" },
        { "document": { "format": "txt", "name": "snow", "citations": { "enabled": true },
            "source": { "text": "Snow is cold. It melts." } } },
    ]);
    let request = json!({ "messages": [{ "role": "user", "content": content }] });
    let complete = converse(&simulator, CLAUDE, &request).await;
    let cited = &complete["output"]["message"]["content"][1]["citationsContent"];
    assert_eq!(cited["content"], json!([{ "text": "Snow is cold. " }]));
    let streamed = stream(&simulator, CLAUDE, &request).await;
    let deltas: Vec<&Value> = streamed
        .iter()
        .filter(|(name, payload)| name == "contentBlockDelta" && payload["contentBlockIndex"] == 1)
        .map(|(_, payload)| &payload["delta"])
        .collect();
    assert_eq!(deltas.len(), 2);
    assert_eq!(deltas[0]["citation"]["title"], "snow");
    assert_eq!(deltas[1], &json!({ "text": "Snow is cold. " }));
    let by_nova = converse(&simulator, NOVA, &request).await;
    assert_eq!(
        by_nova["output"]["message"]["content"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn server_tools_are_executed_within_one_turn() {
    let simulator = simulator().await;
    let nova_2 = "us.amazon.nova-2-lite-v1:0";
    for (name, last) in [
        ("nova_code_interpreter", "text"),
        ("nova_grounding", "text"),
    ] {
        let tools = json!({ "toolConfig": { "tools": [{ "systemTool": { "name": name } }] } });
        let request = with(converse_request("What is 1234 * 5678?"), tools);
        let complete = converse(&simulator, nova_2, &request).await;
        assert_eq!(complete["stopReason"], "end_turn", "{complete}");
        let turn = &complete["output"]["message"];
        let content = &turn["content"];
        assert_eq!(content[0]["toolUse"]["type"], "server_tool_use");
        assert_eq!(content[1]["toolResult"]["type"], format!("{name}_result"));
        assert!(
            content
                .as_array()
                .unwrap()
                .last()
                .unwrap()
                .get(last)
                .is_some()
        );

        let streamed = stream(&simulator, nova_2, &request).await;
        let (_, start) = &streamed[1];
        assert_eq!(start["start"]["toolUse"]["name"], name);
        let result = streamed
            .iter()
            .find_map(|(_, payload)| payload.pointer("/delta/toolResult"));
        assert!(result.unwrap().is_array());

        // A later request may contain the message.
        let mut later = request.clone();
        let messages = later["messages"].as_array_mut().unwrap();
        messages.push(turn.clone());
        messages.extend(
            converse_request("Thanks")["messages"]
                .as_array()
                .unwrap()
                .clone(),
        );
        assert_eq!(
            converse(&simulator, nova_2, &later).await["stopReason"],
            "end_turn"
        );
    }
}

#[tokio::test]
async fn a_schema_is_followed_and_a_forced_tool_is_called() {
    let simulator = simulator().await;
    let schema = json!({ "type": "object", "additionalProperties": false,
        "properties": { "city": { "type": "string" }, "size": { "enum": ["big", "small"] } },
        "required": ["city", "size"] });
    let output = json!({ "outputConfig": { "textFormat": { "type": "json_schema", "structure": {
        "jsonSchema": { "name": "city", "schema": schema.to_string() } } } } });
    let response = converse(
        &simulator,
        CLAUDE,
        &with(converse_request("Of Lisbon"), output),
    )
    .await;
    let text = response["output"]["message"]["content"][0]["text"]
        .as_str()
        .unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value, json!({ "city": "Lisbon", "size": "big" }));

    let tools = json!({ "toolConfig": {
        "tools": [{ "toolSpec": { "name": "report", "inputSchema": { "json": schema } } }],
        "toolChoice": { "tool": { "name": "report" } } } });
    let response = converse(
        &simulator,
        CLAUDE,
        &with(converse_request("Of Lisbon"), tools),
    )
    .await;
    let call = &response["output"]["message"]["content"][0]["toolUse"];
    assert_eq!(call["input"], value);
    assert_eq!(response["stopReason"], "tool_use");
}

#[tokio::test]
async fn account_resources_can_be_looked_up_and_invoked() {
    let simulator = simulator().await;
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
    let simulator = simulator().await;
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
async fn count_tokens_accepts_what_converse_accepts() {
    let simulator = simulator().await;
    let model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let count = |request: Value, model: &'static str| {
        let path = format!("/model/{model}/count-tokens");
        let body = json!({ "input": { "converse": request } }).to_string();
        let simulator = &simulator;
        async move { post(simulator, &path, body).await }
    };
    let first = count(converse_request("hello"), model).await;
    assert_eq!(
        first.json(),
        count(converse_request("hello"), model).await.json()
    );
    let longer = count(converse_request(&"hello ".repeat(100)), model).await;
    assert!(longer.json()["inputTokens"].as_u64() > first.json()["inputTokens"].as_u64());
    let refused = count(converse_request(""), model).await;
    assert!(refused.message().contains("is blank"));
    let nova = count(converse_request("hello"), NOVA).await;
    assert_eq!(
        nova.message(),
        "The provided model doesn't support counting tokens."
    );
}

#[tokio::test]
async fn account_resources_are_listed() {
    let simulator = simulator().await;
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
    let simulator = simulator().await;
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
