//! OpenAI's dialect: its wire types, and their translation to and from Converse.

pub mod absent;
pub mod batches;
pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod error;
pub mod files;
pub mod form;
pub mod images;
pub mod models;
pub mod moderations;
mod object;
pub mod page;
pub mod rerank;
pub mod responses;
mod token_list;
mod typo;
pub mod videos;

pub use object::ClientField;
pub(crate) use object::UnknownFields;
pub(crate) use typo::misspelling;
