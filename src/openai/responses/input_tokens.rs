//! The answer of `POST /v1/responses/input_tokens`.

use serde::Serialize;

/// How many tokens an input has.
#[derive(Debug, Clone, Serialize)]
pub struct InputTokens {
    object: &'static str,
    input_tokens: u64,
    /// Who counted, as an extension: `CountTokens` of Bedrock, or nobody: `estimate`.
    source: &'static str,
}

impl InputTokens {
    /// `count` tokens, counted by `source`.
    pub fn new(count: u64, source: &'static str) -> Self {
        Self {
            object: "response.input_tokens",
            input_tokens: count,
            source,
        }
    }
}
