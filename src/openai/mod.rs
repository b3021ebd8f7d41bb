//! OpenAI's dialect: its wire types, and their translation to and from Converse.

pub mod chat;
pub mod error;
pub mod models;
mod object;

pub use object::ClientField;
