//! Anthropic's Messages, the InvokeModel body for Claude: cache usage that Bedrock's own counts
//! omit.

use serde::Deserialize;

const KEY: &[u8] = b"ephemeral_1h_input_tokens";

/// A non-streaming response, or the event `message_start` of a streamed one.
#[derive(Deserialize)]
struct MessagesResponse {
    usage: Option<MessagesUsage>,
    message: Option<MessageStart>,
}

#[derive(Deserialize)]
struct MessageStart {
    usage: Option<MessagesUsage>,
}

#[derive(Deserialize)]
struct MessagesUsage {
    cache_creation: Option<CacheCreation>,
}

#[derive(Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_1h_input_tokens: u64,
}

/// The number of tokens written to the cache for an hour, which cost more, in a response or an
/// event (recording `inv-claude-f9147c35`); `None` if not reported.
pub(super) fn one_hour_cache_writes(json: &[u8]) -> Option<u64> {
    memchr::memmem::find(json, KEY)?;
    let MessagesResponse { usage, message } = serde_json::from_slice(json).ok()?;
    let usage = usage.or_else(|| message?.usage)?;
    Some(usage.cache_creation?.ephemeral_1h_input_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_a_response_and_from_message_start() {
        let usage = r#"{"cache_creation":{"ephemeral_1h_input_tokens":7,"ephemeral_5m_input_tokens":1},"input_tokens":3}"#;
        let message = format!(r#"{{"type":"message","usage":{usage}}}"#);
        let start = format!(r#"{{"type":"message_start","message":{{"usage":{usage}}}}}"#);
        assert_eq!(one_hour_cache_writes(message.as_bytes()), Some(7));
        assert_eq!(one_hour_cache_writes(start.as_bytes()), Some(7));
        let text = br#"{"type":"message","content":"ephemeral_1h_input_tokens"}"#;
        assert_eq!(one_hour_cache_writes(text), None);
    }
}
