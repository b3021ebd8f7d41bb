//! The wire format of a chunk of a stream, and of a non-streaming response, which has a `message`
//! instead of a `delta`. Unknown keys are ignored.

use serde::{Deserialize, Deserializer};

use crate::converse::JsonText;
use crate::converse::response::Usage;

#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) choices: Vec<ChunkChoice>,
    pub(super) usage: Option<JsonText>,
    pub(super) service_tier: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChunkChoice {
    #[serde(default, alias = "message", deserialize_with = "or_default")]
    pub(super) delta: ChunkDelta,
    pub(super) finish_reason: Option<String>,
    pub(super) logprobs: Option<JsonText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChunkDelta {
    pub(super) content: Option<String>,
    pub(super) refusal: Option<String>,
    /// Not in OpenAI's API; some servers have it for reasoning that is not in the text.
    #[serde(alias = "reasoning")]
    pub(super) reasoning_content: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) tool_calls: Vec<ChunkCall>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChunkCall {
    /// The index among the calls of the message; non-streaming responses have none.
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) function: ChunkFunction,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChunkFunction {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

/// Usage as OpenAI counts it: `prompt_tokens` includes the tokens read from and written to the
/// cache.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ChunkUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: PromptDetails,
    #[serde(deserialize_with = "or_default")]
    completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

/// Reads `null` as the default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The usage as Bedrock counts it, without the cached tokens in the input; `None` if it is
/// malformed.
pub(super) fn usage(text: &JsonText) -> Option<Usage> {
    let ChunkUsage {
        prompt_tokens,
        completion_tokens,
        prompt_tokens_details: prompt,
        completion_tokens_details: completion,
    } = serde_json::from_str(text.as_str()).ok()?;
    let read = prompt.cached_tokens.unwrap_or_default();
    let written = prompt.cache_write_tokens.unwrap_or_default();
    Some(Usage {
        input_tokens: prompt_tokens.saturating_sub(read.saturating_add(written)),
        output_tokens: completion_tokens,
        cache_read_input_tokens: read,
        cache_write_input_tokens: written,
        cache_write_one_hour_tokens: 0,
        reasoning_tokens: completion.reasoning_tokens.unwrap_or_default(),
    })
}
