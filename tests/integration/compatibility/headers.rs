//! The headers that the gateway reads and sets, besides those of HTTP itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use outcrop::allowances::{Budget, BudgetPeriod, KeyGrant, parse_usd};
use outcrop::config::{KeyDigest, KeyEntry, LimitSettings};
use serde_json::json;

use crate::harness::{Harness, non_streaming, streamed};
use crate::layers::sources;

/// Request headers: name and meaning.
const REQUEST_HEADERS: &[(&str, &str)] = &[
    ("authorization", "`Bearer` and an API key"),
    ("api-key", "an API key, from Azure's clients"),
    ("x-api-key", "an API key, from Anthropic's clients"),
    (
        "x-client-request-id",
        "the client's own request id, for the log",
    ),
    (
        "x-forwarded-proto",
        "`https`, from a proxy that terminates TLS: the scheme of URLs in hints and at `GET /`",
    ),
    (
        "x-stainless-retry-count",
        "the client's retry count; a retry by the client is not retried by the gateway",
    ),
    ("amz-sdk-request", "the same, from AWS's SDKs"),
    (
        "x-outcrop-strict",
        "`true`: requests that need an adjustment are refused",
    ),
    (
        "x-outcrop-truncate",
        "`oldest`: removes the oldest messages of a conversation that is too long; `refuse`: \
         returns `context_length_exceeded`",
    ),
    ("x-outcrop-cache", "`off`: no automatic cache points"),
    (
        "x-amzn-bedrock-guardrailidentifier",
        "`guardrailConfig.guardrailIdentifier`, if the body has no `guardrailConfig`",
    ),
    (
        "x-amzn-bedrock-guardrailversion",
        "`guardrailConfig.guardrailVersion`, if the body has no `guardrailConfig`",
    ),
    (
        "x-amzn-bedrock-trace",
        "`guardrailConfig.trace`, if the body has no `guardrailConfig`",
    ),
    (
        "x-amzn-bedrock-service-tier",
        "`service_tier`, if the body has none",
    ),
    (
        "x-amzn-bedrock-performanceconfig-latency",
        "`performanceConfig.latency`, if the body has no `performanceConfig`",
    ),
];

/// Response headers: name and meaning.
const RESPONSE_HEADERS: &[(&str, &str)] = &[
    ("x-request-id", "the request id, as in the log"),
    (
        "openai-processing-ms",
        "milliseconds until the response started",
    ),
    ("openai-version", "`2020-10-01`"),
    (
        "x-outcrop-adjustments",
        "the adjustments, as `field: action`, separated by commas",
    ),
    (
        "x-outcrop-cost-usd",
        "cost of a non-streaming response; `unknown` without a price",
    ),
    (
        "x-outcrop-cache-saved-usd",
        "what prompt caching saved; negative if the cache was written and not read",
    ),
    (
        "x-outcrop-budget-remaining-usd",
        "what is left of the hard budget with the least left, with `[budgets] remaining_header`",
    ),
    ("retry-after", "seconds to wait, on 429 and 503"),
    (
        "retry-after-ms",
        "the same in milliseconds; OpenAI's SDKs prefer it",
    ),
    (
        "x-should-retry",
        "whether OpenAI's SDKs should retry, if the status does not imply it",
    ),
    (
        "x-ratelimit-limit-requests",
        "the requests that may come at once, by the limit with the least left, if there is one",
    ),
    ("x-ratelimit-remaining-requests", "the requests left"),
    (
        "x-ratelimit-reset-requests",
        "time until all of them are available again",
    ),
    ("x-ratelimit-limit-tokens", "the same for tokens"),
    (
        "x-ratelimit-remaining-tokens",
        "the tokens left, without those that requests in flight have reserved",
    ),
    (
        "x-ratelimit-reset-tokens",
        "time until all of them are available again",
    ),
    (
        "x-accel-buffering",
        "`no` on streams: proxies do not buffer them",
    ),
];

pub fn request_headers() -> Vec<String> {
    lines(REQUEST_HEADERS)
}

pub fn response_headers() -> Vec<String> {
    lines(RESPONSE_HEADERS)
}

fn lines(headers: &[(&str, &str)]) -> Vec<String> {
    let head = [
        "| header | meaning |".to_owned(),
        "| --- | --- |".to_owned(),
    ];
    let rows = headers.iter();
    let rows = rows.map(|(name, words)| format!("| `{name}` | {words} |"));
    head.into_iter().chain(rows).collect()
}

#[test]
fn the_headers_in_the_source_match_the_page() {
    let mut in_source = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&source) {
        let folders = [source.join("http"), source.join("server")];
        if folders.iter().any(|folder| file.starts_with(folder)) || file.ends_with("handler.rs") {
            let text = fs::read_to_string(file).unwrap();
            // String literals.
            let literals = text.split('"').skip(1).step_by(2);
            let is_header = |text: &&str| {
                let prefixes = ["x-", "openai-", "api-", "amz-", "retry-"].iter();
                let letters = text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                // A trailing hyphen marks a prefix.
                letters
                    && !text.ends_with('-')
                    && prefixes.into_iter().any(|prefix| text.starts_with(prefix))
            };
            in_source.extend(literals.filter(is_header).map(str::to_owned));
        }
    }
    // Internal: the deployment of an Azure path. A client's own header is removed.
    in_source.remove("x-outcrop-deployment");
    let on_page = REQUEST_HEADERS
        .iter()
        .chain(RESPONSE_HEADERS)
        .map(|(name, _)| *name);
    // Named by constants of the `http` crate.
    let constants = ["authorization", "retry-after"];
    let on_page: BTreeSet<_> = on_page
        .filter(|name| !constants.contains(name))
        .map(str::to_owned)
        .collect();
    assert_eq!(on_page, in_source);
}

#[tokio::test]
async fn responses_have_exactly_the_documented_headers() {
    // Those of HTTP itself.
    const STANDARD_HEADERS: [&str; 8] = [
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "transfer-encoding",
        "vary",
        "www-authenticate",
    ];
    let harness = Harness::with(|config| {
        config.limits.key = LimitSettings::calls(8).at_rate(0.001);
        config.limits.key.burst = 4;
        let mut grant = KeyGrant::default();
        grant.allowance.usage.tokens_per_minute = Some(1_000_000);
        grant.allowance.usage.budgets = vec![Budget {
            usd: parse_usd("1000").unwrap(),
            per: BudgetPeriod::Month,
            hard: true,
            increase: None,
        }];
        config.budgets.remaining_header = true;
        config.keys = vec![KeyEntry {
            caller: "one".to_owned(),
            digest: KeyDigest::of("sk-one"),
            access_key: None,
            chat: Default::default(),
            grant,
        }];
    })
    .await;
    let mut request = non_streaming("Hello");
    request["seed"] = json!(7);
    let mut long = non_streaming("Hello");
    long["messages"][0]["content"] = json!("An ore is a rock. ".repeat(1000));
    let mut seen = BTreeSet::new();
    for body in [
        &request,
        &streamed("Hello"),
        &long,
        &long,
        &json!({}),
        &request,
    ] {
        let headers = [("authorization", "Bearer sk-one")];
        let reply = harness.chat_with(&headers, body).await;
        seen.extend(reply.headers.keys().map(|name| name.as_str().to_owned()));
    }
    let response_headers: BTreeSet<_> = RESPONSE_HEADERS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let is_gateway_header = |name: &String| !STANDARD_HEADERS.contains(&name.as_str());
    let seen: BTreeSet<_> = seen.into_iter().filter(is_gateway_header).collect();
    let undocumented: Vec<_> = seen.difference(&response_headers).collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
    let missing: Vec<_> = response_headers.difference(&seen).collect();
    assert_eq!(missing, ["x-should-retry"]);
}
