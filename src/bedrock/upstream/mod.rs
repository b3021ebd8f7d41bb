//! The operations of `bedrock-runtime` that clients' requests call.

pub(super) mod chat;
pub(super) mod count_tokens;
mod guardrails;
pub(super) mod invoke;
pub(super) mod passthrough;
