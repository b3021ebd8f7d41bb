//! The cost of responses in the header and in the log, and price tables.

use std::fs;
use std::path::PathBuf;

use bedrock_simulator::{Script, ScriptedResponse};
use outcrop::config::ModelFiles;
use outcrop::models::CostBreakdown;
use serde_json::{Value, json};

use crate::harness::logs;
use crate::harness::{Harness, MODEL, non_streaming, streamed};

const COST: &str = "x-outcrop-cost-usd";
const SAVED: &str = "x-outcrop-cache-saved-usd";
const PROFILE: &str =
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ap1234claude";

fn converse_script(usage: &Value, tier: Option<&str>) -> Script {
    let mut body = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
        "stopReason": "end_turn",
        "usage": usage,
        "metrics": {"latencyMs": 1},
    });
    if let Some(tier) = tier {
        body["serviceTier"] = json!({"type": tier});
    }
    Script::new(ScriptedResponse::Converse {
        body,
        headers: Default::default(),
    })
}

fn usage(input: u64, output: u64, read: u64, cache_write: u64, cache_write_1h: u64) -> Value {
    json!({
        "inputTokens": input,
        "outputTokens": output,
        "totalTokens": input + output + read + cache_write,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": cache_write,
        "cacheDetails": [
            {"ttl": "1h", "inputTokens": cache_write_1h},
            {"ttl": "5m", "inputTokens": cache_write - cache_write_1h},
        ],
    })
}

fn of(model: &str, mut request: Value) -> Value {
    request["model"] = model.into();
    request
}

/// Model, usage, cost, and savings of the cache. The amounts were calculated by hand.
///
/// Dollars per million tokens, from AWS's price list of 2026-11-21. Claude Sonnet 4.5 through
/// `global.`: input 3, output 15, cache read 0.3, cache write 3.75, cache write for one hour 6; through
/// `us.` 10 % more; with a prompt above 200,000 tokens 6, 22.5, 0.6, 7.5, 12. Nova Lite: 0.06, 0.24,
/// 0.015, 0.
fn cases() -> Vec<(&'static str, Value, &'static str, Option<&'static str>)> {
    let global = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
    vec![
        // 1000 × 3 + 500 × 15 = 10500 millionths of a dollar.
        (global, usage(1000, 500, 0, 0, 0), "0.0105", None),
        // 3000 + 7500 + 2000 × 0.3 + 300 × 3.75 = 12225; saved 2300 × 3 - 600 - 1125 = 5175.
        (
            global,
            usage(1000, 500, 2000, 300, 0),
            "0.012225",
            Some("0.005175"),
        ),
        // 3000 + 7500 + 600 + 100 × 3.75 + 200 × 6 = 12675; saved 6900 - 600 - 375 - 1200 = 4725.
        (
            global,
            usage(1000, 500, 2000, 300, 200),
            "0.012675",
            Some("0.004725"),
        ),
        // No cache read: 300 × 3.75 - 300 × 3 = 225 more than without a cache.
        (
            global,
            usage(0, 0, 0, 300, 0),
            "0.001125",
            Some("-0.000225"),
        ),
        // 12225 × 1.1; 5175 × 1.1.
        (
            MODEL,
            usage(1000, 500, 2000, 300, 0),
            "0.0134475",
            Some("0.0056925"),
        ),
        // 100000 × 6 + 10 × 22.5 + 150000 × 0.6 = 690225; saved 150000 × 5.4.
        (
            global,
            usage(100_000, 10, 150_000, 0, 0),
            "0.690225",
            Some("0.81"),
        ),
        // 60 + 120 + 2000 × 0.015; saved 2300 × 0.06 - 30.
        (
            "amazon.nova-lite-v1:0",
            usage(1000, 500, 2000, 300, 0),
            "0.00021",
            Some("0.000108"),
        ),
    ]
}

#[tokio::test]
async fn the_header_and_the_log_contain_the_total_cost() {
    for (model, usage, cost, saved) in cases() {
        logs::begin();
        let harness = Harness::start().await;
        harness
            .simulator
            .push(converse_script(&usage, None).times(2));
        let reply = harness.chat(&of(model, non_streaming("hi"))).await;
        assert_eq!(reply.header(COST), Some(cost), "{model} {usage}");
        assert_eq!(reply.header(SAVED), saved, "{model} {usage}");
        let line = logs::request_line().await;
        assert!(line.contains(&format!(" cost_usd=\"{cost}\"")), "{line}");
        let saved = saved.unwrap_or("0");
        assert!(
            line.contains(&format!(" cache_saved_usd=\"{saved}\"")),
            "{line}"
        );

        // The cost of a stream is unknown when its headers are sent; the log has it.
        logs::begin();
        let reply = harness.chat(&of(model, streamed("hi"))).await;
        assert_eq!((reply.header(COST), reply.header(SAVED)), (None, None));
        let line = logs::request_line().await;
        assert!(line.contains(&format!(" cost_usd=\"{cost}\"")), "{line}");
    }
}

#[tokio::test]
async fn the_log_and_the_record_break_the_cost_down() {
    logs::begin();
    let harness = Harness::start().await;
    // 1000 × 3, 2000 × 0.3, 100 × 3.75 + 200 × 6, 500 × 15.
    let usage = usage(1000, 500, 2000, 300, 200);
    harness.simulator.push(converse_script(&usage, None));
    let global = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
    harness.chat(&of(global, non_streaming("hi"))).await;
    let line = logs::request_line().await;
    for (kind, cost) in [
        ("input", "0.003"),
        ("cache_read", "0.0006"),
        ("cache_write", "0.001575"),
        ("output", "0.0075"),
    ] {
        let field = format!(" cost_{kind}_usd=\"{cost}\"");
        assert!(line.contains(&field), "{field}: {line}");
    }
    // Fields without an amount are left out.
    assert!(!line.contains("cost_units_usd"), "{line}");
    let record = harness.records.take(1).await.remove(0);
    let cost = record.cost.unwrap();
    assert_eq!(cost.breakdown.unwrap().total().to_string(), "0.012675");
    assert_eq!(cost.total(), cost.breakdown.map(CostBreakdown::total));
}

#[tokio::test]
async fn the_service_tier_reported_by_bedrock_determines_the_price() {
    // Nova 2 Lite through `us.`: 0.33 dollars per million tokens; flex 50 %, priority 175 %.
    for (requested_tier, reported_tier, cost) in [
        (None, None, "0.33"),
        (Some("flex"), None, "0.165"),
        (Some("flex"), Some("default"), "0.33"),
        (None, Some("priority"), "0.5775"),
    ] {
        let harness = Harness::start().await;
        let million = usage(1_000_000, 0, 0, 0, 0);
        harness
            .simulator
            .push(converse_script(&million, reported_tier));
        let mut request = of("us.amazon.nova-2-lite-v1:0", non_streaming("hi"));
        request["service_tier"] = requested_tier.into();
        let reply = harness.chat(&request).await;
        assert_eq!(
            reply.header(COST),
            Some(cost),
            "{requested_tier:?} {reported_tier:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_price_is_reported_as_unknown() {
    logs::begin();
    let harness = Harness::start().await;
    let reply = harness
        .chat(&of("nvidia.of-tomorrow-v1:0", non_streaming("hi")))
        .await;
    assert_eq!(
        (reply.header(COST), reply.header(SAVED)),
        (Some("unknown"), None)
    );
    let line = logs::request_line().await;
    assert!(line.contains(" cost_usd=\"unknown\""), "{line}");
    // Latency-optimized inference has a surcharge that no table has.
    let mut request = non_streaming("hi");
    request["performanceConfig"] = json!({"latency": "optimized"});
    assert_eq!(harness.chat(&request).await.header(COST), Some("unknown"));
    // A rejected request has no cost.
    request["n"] = 0.into();
    assert_eq!(harness.chat(&request).await.header(COST), None);
}

#[tokio::test]
async fn an_account_profile_has_the_capabilities_and_price_of_its_base_model() {
    let harness = Harness::start().await;
    harness
        .simulator
        .push(converse_script(&usage(1000, 500, 2000, 300, 0), None).for_model(PROFILE));
    let mut request = of(PROFILE, non_streaming("hi"));
    request["temperature"] = 0.5.into();
    request["top_p"] = 0.5.into();
    request["reasoning_effort"] = "low".into();
    request["max_tokens"] = 3000.into();
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    // Sonnet 4.5 through a regional profile.
    assert_eq!(reply.header(COST), Some("0.0134475"));
    let requested_tier = harness.sent_upstream();
    assert_eq!(
        requested_tier[0]["additionalModelRequestFields"]["thinking"]["budget_tokens"],
        1024
    );
    assert_eq!(
        harness
            .simulator
            .requests()
            .last()
            .unwrap()
            .model
            .as_deref(),
        Some(PROFILE)
    );
}

/// A temporary file.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("outcrop-{}-{name}", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn configured_tables_override_the_built_in_ones_and_are_reloaded() {
    let id = "nvidia.of-tomorrow-v1:0";
    let row = |rest: &str| format!("[[model]]\nids = [\"nvidia.of-tomorrow\"]\n{rest}\n");
    let capabilities = File::new(
        "facts.toml",
        "[[family]]\nname = \"Tomorrow\"\nids = [\"nvidia.of-tomorrow\"]\ntop_k = \"k\"\ntool_choice = [\"any\"]\n",
    );
    let prices = File::new(
        "prices.toml",
        &row("input = 1\noutput = 2\nmax_output = 50"),
    );
    let files = ModelFiles {
        capabilities: Some(capabilities.0.clone()),
        prices: Some(prices.0.clone()),
    };
    let harness = Harness::with(|config| config.catalog.files = files.clone()).await;
    let one = usage(1000, 500, 0, 0, 0);
    let mut request = of(id, non_streaming("hi"));
    request["top_k"] = 7.into();
    request["max_tokens"] = 80.into();

    harness.simulator.push(converse_script(&one, None).times(0));
    let reply = harness.chat(&request).await;
    assert_eq!(reply.header(COST), Some("0.002"));
    assert_eq!(
        reply.adjustments(),
        "max_tokens: lowered to 50; the model's maximum"
    );
    let requested_tier = harness.sent_upstream().pop().unwrap();
    assert_eq!(
        requested_tier["additionalModelRequestFields"],
        json!({"k": 7})
    );
    assert_eq!(requested_tier["inferenceConfig"]["maxTokens"], 50);
    // Built-in prices stay.
    let nova = harness
        .chat(&of("amazon.nova-lite-v1:0", non_streaming("hi")))
        .await;
    assert_eq!(nova.header(COST), Some("0.00018"));

    // An invalid table is not loaded; the previous one stays in use.
    prices.write("[[model]]\nids = 5\n");
    let refused = harness.try_reload(|_| {}).unwrap_err();
    assert!(refused.contains("prices.toml"), "{refused}");
    assert_eq!(harness.chat(&request).await.header(COST), Some("0.002"));

    prices.write(&row("input = 10\noutput = 20"));
    capabilities.write("[[family]]\nname = \"Tomorrow\"\nids = [\"nvidia.of-tomorrow\"]\n");
    harness.reload(|_| {});
    let reply = harness.chat(&request).await;
    assert_eq!(reply.header(COST), Some("0.02"));
    assert_eq!(
        reply.adjustments(),
        "top_k: removed; the model does not accept it"
    );
    let requested_tier = harness.sent_upstream().pop().unwrap();
    assert_eq!(requested_tier["additionalModelRequestFields"], Value::Null);
    assert_eq!(requested_tier["inferenceConfig"]["maxTokens"], 80);
}

#[tokio::test]
async fn learned_capabilities_are_discarded_when_the_tables_change() {
    let prices = File::new("other-prices.toml", "");
    let harness = Harness::start().await;
    let refusal =
        "This model doesn't support the serviceTier field. Remove serviceTier and try again.";
    harness
        .simulator
        .push(Script::error(400, "ValidationException", refusal));
    let mut request = non_streaming("hi");
    request["service_tier"] = "flex".into();
    assert!(
        harness
            .chat(&request)
            .await
            .adjustments()
            .contains("service_tier")
    );
    harness.reload(|config| config.chat.max_n = 2);
    let adjusted = harness.chat(&request).await;
    assert!(
        adjusted.adjustments().contains("service_tier"),
        "other settings keep what was learned"
    );
    prices.write("[[model]]\nids = ['amazon.nova-lite']\ninput = 1\noutput = 2\n");
    harness.reload(|config| config.catalog.files.prices = Some(prices.0.clone()));
    assert_eq!(harness.chat(&request).await.adjustments(), "");
    assert_eq!(harness.sent_upstream()[3]["serviceTier"]["type"], "flex");
}
