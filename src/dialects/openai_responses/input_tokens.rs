//! The response of `POST /v1/responses/input_tokens`.

use serde::Serialize;

/// The number of input tokens.
#[derive(Debug, Clone, Serialize)]
pub struct InputTokens {
    object: &'static str,
    input_tokens: u64,
    /// The source of the count, as an extension: `CountTokens` or `estimate`.
    source: &'static str,
}

impl InputTokens {
    /// The response for `count` tokens, counted by `source`.
    pub fn new(count: u64, source: &'static str) -> Self {
        Self {
            object: "response.input_tokens",
            input_tokens: count,
            source,
        }
    }
}
