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
mod answers;
mod base_models;
mod batch_bodies;
mod batch_world;
mod batches;
mod bedrock_api;
mod binding;
mod bodies;
mod body_memory;
mod browsers;
mod cancellation;
mod catalog;
mod check;
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
mod faults;
mod fetch;
mod files;
mod fuzz_inputs;
mod golden;
mod guardrails;
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
mod pictures;
mod prefixes;
mod properties;
mod reasoning;
mod recorded_vectors;
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
mod surface_bodies;
mod surfaces;
mod translation;
mod truncation;
mod typos;
mod video_bodies;
mod videos;
mod world;
