//! Features of Converse over the wire: prompt caching, guardrails, citations, tools, schemas and
//! CountTokens.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{
    CLAUDE, NOVA, converse, converse_request, post, stream, unsigned_simulator, with,
};

#[tokio::test]
async fn service_tier_and_latency_are_echoed() {
    let simulator = unsigned_simulator().await;
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
    let simulator = unsigned_simulator().await;
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
    let simulator = unsigned_simulator().await;
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
    let simulator = unsigned_simulator().await;
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
    let simulator = unsigned_simulator().await;
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
    let simulator = unsigned_simulator().await;
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
async fn count_tokens_accepts_what_converse_accepts() {
    let simulator = unsigned_simulator().await;
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
