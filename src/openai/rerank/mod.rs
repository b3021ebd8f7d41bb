//! `POST /v1/rerank`, which OpenAI has not: Cohere's and Jina's shape.

mod documents;
mod request;
mod response;
mod types;

pub use request::{TranslatedRerank, translate};
pub use response::{RankedDocuments, RerankHead, response_json};
pub use types::RerankRequest;
