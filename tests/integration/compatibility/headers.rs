//! The request and response headers of the gateway, apart from HTTP's standard headers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use outcrop::config::LimitSettings;
use serde_json::json;

use crate::harness::{Harness, non_streaming, streamed};
use crate::layers::sources;

/// Request headers: name and meaning.
const UNDERSTOOD: &[(&str, &str)] = &[
    ("authorization", "`Bearer` and a key"),
    ("api-key", "a key, as Azure's clients send it"),
    ("x-api-key", "a key, as Anthropic's clients send it"),
    (
        "x-client-request-id",
        "the client's own id of the request, for the log",
    ),
    (
        "x-forwarded-proto",
        "`https`, from a proxy that ends TLS: the scheme of base URLs in hints and at `GET /`",
    ),
    (
        "x-stainless-retry-count",
        "how often the client has sent the request before; one that it sends again is tried once",
    ),
    ("amz-sdk-request", "the same, as AWS's SDKs say it"),
    ("x-outcrop-strict", "`true`: what would be noted is refused"),
    (
        "x-outcrop-truncate",
        "`oldest`: where the conversation is too long for its model, its oldest turns are left \
         out; `refuse`: the error `context_length_exceeded`",
    ),
    (
        "x-outcrop-cache",
        "`off`: no cache points but the request's own",
    ),
    (
        "x-amzn-bedrock-guardrailidentifier",
        "`guardrailConfig.guardrailIdentifier`, where the body has no `guardrailConfig`",
    ),
    (
        "x-amzn-bedrock-guardrailversion",
        "`guardrailConfig.guardrailVersion`, likewise",
    ),
    ("x-amzn-bedrock-trace", "`guardrailConfig.trace`, likewise"),
    (
        "x-amzn-bedrock-service-tier",
        "`service_tier`, where the body has none",
    ),
    (
        "x-amzn-bedrock-performanceconfig-latency",
        "`performanceConfig.latency`, where the body has no `performanceConfig`",
    ),
];

/// Response headers: name and meaning.
const RESPONSE_HEADERS: &[(&str, &str)] = &[
    ("x-request-id", "the request's id, which is in the log"),
    ("openai-processing-ms", "the time to the head of the answer"),
    ("openai-version", "`2020-10-01`"),
    (
        "x-outcrop-adjustments",
        "what was noted, as `field: what was done`, with commas between",
    ),
    (
        "x-outcrop-cost-usd",
        "what a whole answer has cost; `unknown` where there is no price",
    ),
    (
        "x-outcrop-cache-saved-usd",
        "what the cache has saved of that; below zero where it was written and not read",
    ),
    ("retry-after", "seconds to wait, on 429 and 503"),
    (
        "retry-after-ms",
        "the same in milliseconds; OpenAI's SDKs go by it first",
    ),
    (
        "x-should-retry",
        "whether a retry can help, where the status does not say it; OpenAI's SDKs go by it",
    ),
    (
        "x-ratelimit-limit-requests",
        "the requests that may come at once, where a rate is configured",
    ),
    ("x-ratelimit-remaining-requests", "those that are left"),
    (
        "x-ratelimit-reset-requests",
        "how long until all are there again",
    ),
    ("x-accel-buffering", "`no`, on streams, for proxies"),
];

/// The table of request headers.
pub fn understood() -> Vec<String> {
    lines(UNDERSTOOD)
}

/// The table of response headers.
pub fn response_headers() -> Vec<String> {
    lines(RESPONSE_HEADERS)
}

fn lines(headers: &[(&str, &str)]) -> Vec<String> {
    let head = ["| header | |".to_owned(), "| --- | --- |".to_owned()];
    let rows = headers.iter();
    let rows = rows.map(|(name, words)| format!("| `{name}` | {words} |"));
    head.into_iter().chain(rows).collect()
}

#[test]
fn the_headers_in_the_source_match_the_page() {
    let mut in_source = BTreeSet::new();
    for folder in ["src/server", "src/api"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for file in sources(&folder) {
            let text = fs::read_to_string(file).unwrap();
            // The string literals.
            let literals = text.split('"').skip(1).step_by(2);
            let is_header = |text: &&str| {
                let prefixes = ["x-", "openai-", "api-", "amz-", "retry-"].iter();
                let letters = text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                // A string that ends with a hyphen is a prefix of names.
                letters
                    && !text.ends_with('-')
                    && prefixes.into_iter().any(|prefix| text.starts_with(prefix))
            };
            in_source.extend(literals.filter(is_header).map(str::to_owned));
        }
    }
    // Internal: carries the deployment of the path. A client's header of this name is removed.
    in_source.remove("x-outcrop-deployment");
    let on_page = UNDERSTOOD
        .iter()
        .chain(RESPONSE_HEADERS)
        .map(|(name, _)| *name);
    // These are constants of the `http` crate.
    let constants = ["authorization", "retry-after"];
    let on_page: BTreeSet<_> = on_page
        .filter(|name| !constants.contains(name))
        .map(str::to_owned)
        .collect();
    assert_eq!(on_page, in_source);
}

#[tokio::test]
async fn responses_have_exactly_the_documented_headers() {
    // HTTP's standard headers.
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
        let reply = harness.chat(body).await;
        seen.extend(reply.headers.keys().map(|name| name.as_str().to_owned()));
    }
    let response_headers: BTreeSet<_> = RESPONSE_HEADERS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let is_gateway_header = |name: &String| !STANDARD_HEADERS.contains(&name.as_str());
    let seen: BTreeSet<_> = seen.into_iter().filter(is_gateway_header).collect();
    let strangers: Vec<_> = seen.difference(&response_headers).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    let missing: Vec<_> = response_headers.difference(&seen).collect();
    assert_eq!(missing, ["x-should-retry"]);
}
