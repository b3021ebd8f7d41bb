//! Counts of input tokens: `/v1/chat/completions/input_tokens`, `/v1/responses/input_tokens`.

pub mod handler;
pub(crate) mod service;
