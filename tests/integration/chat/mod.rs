//! `/v1/chat/completions`

mod accepted;
mod cancellation;
mod choices;
mod explain;
mod golden;
pub mod guardrails;
mod openai_upstream;
mod openai_upstream_golden;
mod openai_upstream_hub;
mod operator_settings;
mod prefixes;
mod properties;
mod reasoning;
mod reasoning_prefix;
mod refused_fields;
mod remote_files;
mod retries;
pub mod stream_ends;
mod truncation;
mod upstream_errors;
