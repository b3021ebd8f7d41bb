//! The usage in passthrough responses.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use serde::Deserialize;

use super::messages::one_hour_cache_writes;
use crate::converse::response::{ResponseServiceTier, StopReason, Usage};
use crate::passthrough::operation::Operation;

/// The usage of a call, and how it was served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PassthroughUsage {
    pub(super) usage: Usage,
    /// The service tier that it ran on.
    pub(super) tier: Option<String>,
    /// Whether it ran with optimized latency, for which the table has no price.
    pub(super) optimized: bool,
    /// Why the model stopped; `None` if the usage is reported elsewhere.
    pub(super) stop_reason: Option<StopReason>,
}

/// The usage fields of Converse responses and of the event `metadata`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Converse {
    usage: Usage,
    stop_reason: Option<StopReason>,
    service_tier: Option<ResponseServiceTier>,
    performance_config: Option<Performance>,
}

#[derive(Deserialize)]
struct Performance {
    latency: Option<String>,
}

#[derive(Deserialize)]
struct Chunk {
    bytes: String,
}

/// The last chunk of a model's own stream (recordings' FINDINGS, 32).
#[derive(Deserialize)]
struct LastChunk {
    #[serde(rename = "amazon-bedrock-invocationMetrics")]
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Metrics {
    input_token_count: u64,
    output_token_count: u64,
    cache_read_input_token_count: u64,
    cache_write_input_token_count: u64,
}

const METRICS: &[u8] = b"amazon-bedrock-invocationMetrics";

impl PassthroughUsage {
    /// From a non-streaming response; `None` if it has no usage, for example because a guardrail
    /// blocked it.
    pub(super) fn from_response(
        operation: Operation,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<Self> {
        match operation {
            Operation::Converse => Self::of_converse(body),
            Operation::InvokeModel => {
                let mut reported = Self::of_headers(headers)?;
                reported.note_one_hour(one_hour_cache_writes(body));
                Some(reported)
            }
            _ => None,
        }
    }

    /// From the event `metadata` of ConverseStream, or from a Converse response.
    pub(super) fn of_converse(json: &[u8]) -> Option<Self> {
        let Converse {
            usage,
            stop_reason,
            service_tier,
            performance_config,
        } = serde_json::from_slice(json).ok()?;
        let latency = performance_config.and_then(|performance| performance.latency);
        Some(Self {
            usage,
            tier: service_tier.map(|tier| tier.r#type),
            optimized: latency.as_deref() == Some("optimized"),
            stop_reason,
        })
    }

    /// InvokeModel reports tokens in headers (recordings' FINDINGS, 31).
    fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let count = |name: &str| text(name)?.trim().parse().ok();
        let input_tokens = count("x-amzn-bedrock-input-token-count")?;
        let count = |name: &str| count(name).unwrap_or_default();
        Some(Self {
            usage: Usage {
                input_tokens,
                output_tokens: count("x-amzn-bedrock-output-token-count"),
                cache_read_input_tokens: count("x-amzn-bedrock-cache-read-input-token-count"),
                cache_write_input_tokens: count("x-amzn-bedrock-cache-write-input-token-count"),
                ..Usage::default()
            },
            tier: text("x-amzn-bedrock-service-tier").map(str::to_owned),
            optimized: text("x-amzn-bedrock-performanceconfig-latency") == Some("optimized"),
            stop_reason: None,
        })
    }

    /// From the last chunk of InvokeModelWithResponseStream.
    pub(super) fn of_chunk(json: &[u8]) -> Option<Self> {
        memchr::memmem::find(json, METRICS)?;
        let LastChunk { metrics } = serde_json::from_slice(json).ok()?;
        let Metrics {
            input_token_count,
            output_token_count,
            cache_read_input_token_count,
            cache_write_input_token_count,
        } = metrics;
        Some(Self {
            usage: Usage {
                input_tokens: input_token_count,
                output_tokens: output_token_count,
                cache_read_input_tokens: cache_read_input_token_count,
                cache_write_input_tokens: cache_write_input_token_count,
                ..Usage::default()
            },
            ..Self::default()
        })
    }

    /// Sets how many of the written tokens are cached for an hour, as the provider reports it.
    pub(super) fn note_one_hour(&mut self, tokens: Option<u64>) {
        let max = self.usage.cache_write_input_tokens;
        self.usage.cache_write_one_hour_tokens = tokens.unwrap_or_default().min(max);
    }
}

/// The stop reason in the event `messageStop` of ConverseStream.
pub(super) fn stop_reason(payload: &[u8]) -> Option<StopReason> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MessageStop {
        stop_reason: StopReason,
    }
    let MessageStop { stop_reason } = serde_json::from_slice(payload).ok()?;
    Some(stop_reason)
}

/// The model's own JSON in a chunk of InvokeModelWithResponseStream.
pub(super) fn chunk(payload: &[u8]) -> Option<Vec<u8>> {
    let chunk: Chunk = serde_json::from_slice(payload).ok()?;
    BASE64_STANDARD.decode(chunk.bytes).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn usage(input: u64, output: u64, read: u64, write: u64) -> Usage {
        Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_input_tokens: read,
            cache_write_input_tokens: write,
            ..Usage::default()
        }
    }

    /// Recording `inv-claude-a94daa8c`.
    #[test]
    fn the_headers_of_invoke_count_cached_tokens_separately() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-amzn-bedrock-input-token-count", "4"),
            ("x-amzn-bedrock-output-token-count", "10"),
            ("x-amzn-bedrock-cache-read-input-token-count", "0"),
            ("x-amzn-bedrock-cache-write-input-token-count", "1209"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let reported = PassthroughUsage::from_response(Operation::InvokeModel, &headers, b"{}");
        assert_eq!(
            reported.map(|reported| reported.usage),
            Some(usage(4, 10, 0, 1209))
        );
        let blocked =
            PassthroughUsage::from_response(Operation::InvokeModel, &HeaderMap::new(), b"{}");
        assert_eq!(blocked, None);
    }

    /// Recording `invs-claude-362f3f97`.
    #[test]
    fn only_the_last_chunk_has_usage() {
        let last = r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":4,"outputTokenCount":10,"invocationLatency":1155,"firstByteLatency":1152,"cacheReadInputTokenCount":0,"cacheWriteInputTokenCount":1209}}"#;
        let text = r#"{"completion":"amazon-bedrock-invocationMetrics"}"#;
        let reported = |json: &str| {
            let bytes = BASE64_STANDARD.encode(json);
            let payload = format!("{{\"bytes\":\"{bytes}\",\"p\":\"abc\"}}");
            PassthroughUsage::of_chunk(&chunk(payload.as_bytes()).expect("a chunk"))
        };
        let mut last = reported(last).expect("metrics");
        assert_eq!(last.usage, usage(4, 10, 0, 1209));
        last.note_one_hour(Some(9000));
        assert_eq!(last.usage.cache_write_one_hour_tokens, 1209);
        assert_eq!(reported(text), None);
    }

    #[test]
    fn converse_usage_is_the_same_in_responses_and_streams() {
        let json = r#"{"p":"ab","stopReason":"max_tokens","usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"serviceTier":{"type":"flex"},"performanceConfig":{"latency":"optimized"}}"#;
        let expected = PassthroughUsage {
            usage: usage(1, 2, 0, 0),
            tier: Some("flex".to_owned()),
            optimized: true,
            stop_reason: Some(StopReason::MaxTokens),
        };
        let actual = PassthroughUsage::from_response(
            Operation::Converse,
            &HeaderMap::new(),
            json.as_bytes(),
        );
        assert_eq!(actual.as_ref(), Some(&expected));
        assert_eq!(
            PassthroughUsage::of_converse(json.as_bytes()),
            Some(expected)
        );
    }
}
