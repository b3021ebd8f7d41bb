//! The real router on a free port, with the simulator as Bedrock; and what can be said of the code
//! without running it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub
)]

mod accepted;
mod answers;
mod base_models;
mod cancellation;
mod commands;
mod compatibility;
mod conversations;
mod cost;
mod count_tokens;
mod explain;
mod faults;
mod fetch;
mod fuzz_inputs;
mod golden;
mod guardrails;
mod layers;
mod limits;
mod logs;
mod models;
mod operator;
mod prefixes;
mod properties;
mod reasoning;
mod refused_fields;
mod remote_files;
mod retries;
mod server;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
mod translation;
mod truncation;
mod world;
