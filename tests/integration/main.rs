//! The real router on a free port, with the simulator as Bedrock. Folders follow the routes; shared
//! code is in `harness`. `layers`, `circles` and `compatibility` check the source and the documents.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub
)]

mod batches;
mod bedrock_api;
mod callers;
mod chat;
mod circles;
mod compatibility;
mod completions;
mod embeddings;
mod fetch;
mod field_names;
mod files;
mod fuzz_inputs;
mod harness;
mod identity;
mod images;
mod layers;
mod messages;
mod models;
mod moderations;
mod operations;
mod rerank;
mod responses;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod videos;
