//! `POST /v1/rerank`, which OpenAI does not have, in the format of Cohere and Jina.

pub mod bodies;
pub mod handler;
pub(crate) mod service;

mod documents;
mod request;
mod response;
mod types;

pub use request::{TranslatedRerank, translate};
pub use response::{RankedDocuments, RerankHead, response_json, search_units};
pub use types::RerankRequest;
