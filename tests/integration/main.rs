//! The real router on a free port, with the simulator as Bedrock; and what can be said of the code
//! without running it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub
)]

mod absent;
mod accepted;
mod base_models;
mod batch_bodies;
mod batch_harness;
mod batches;
mod bedrock_api;
mod binding;
mod bodies;
mod body_memory;
mod browsers;
mod cancellation;
mod catalog;
mod chat_upstream;
mod chat_upstream_bodies;
mod check;
mod choices;
mod commands;
mod compatibility;
mod completion_bodies;
mod completions;
mod confidential;
mod connections;
mod conversations;
mod cost;
mod count_tokens;
mod embeddings;
mod embeddings_bodies;
mod explain;
mod fetch;
mod files;
mod fuzz_inputs;
mod golden;
mod guardrails;
mod harness;
mod image_bodies;
mod image_edits;
mod image_refusals;
mod images;
mod input_tokens;
mod layers;
mod limits;
mod logs;
mod models;
mod moderation_bodies;
mod moderations;
mod operator;
mod paths;
mod prefixes;
mod properties;
mod reasoning;
mod recorded_embeddings;
mod refused_fields;
mod remote_files;
mod rerank;
mod rerank_bodies;
mod resolution;
mod retries;
mod s3;
mod server;
mod shutdown;
mod signatures;
mod stream_ends;
#[path = "../support/mod.rs"]
mod support;
mod test_images;
mod translation;
mod truncation;
mod typos;
mod upstream_errors;
mod video_bodies;
mod videos;
