//! The handlers: one file for each endpoint.

pub mod batches;
pub mod bedrock;
pub mod chat_completions;
pub mod completions;
pub mod embeddings;
pub mod files;
pub mod health;
mod hints;
pub mod home;
pub mod images;
pub mod input_tokens;
pub mod models;
pub mod moderations;
pub mod rerank;
pub mod unknown;
pub mod videos;
