//! `POST /v1/rerank`, which OpenAI has not: Cohere's and Jina's shape.

mod answer;
mod documents;
mod request;
mod types;

pub use answer::{RankedDocuments, RerankHead, answer_json};
pub use request::{TranslatedRerank, translate};
pub use types::RerankRequest;
