//! What Bedrock's guardrails are asked beside a conversation, and what they answer, as typed data
//! (botocore 1.44.5, bedrock-runtime 2023-09-30).

pub mod applied;
pub mod checks;
