//! OpenAI's dialect: its wire types, and their translation to and from Converse.

pub mod absent;
pub mod batches;
pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod error;
pub mod files;
pub mod images;
pub mod models;
pub mod moderations;
pub mod rerank;
pub mod responses;
pub mod videos;
