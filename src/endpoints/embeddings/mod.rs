//! `POST /v1/embeddings`: translates texts, tokens and images to calls in the provider's format,
//! and embeddings to OpenAI's list.

pub mod bodies;
pub mod handler;
pub(crate) mod service;

mod images;
mod input;
mod request;
mod response;
mod types;

pub use images::remote_images;
pub use input::has_tokens;
pub use request::{EmbeddingContext, EncodingFormat, TranslatedEmbeddings, translate};
pub use response::{EmbeddingsHead, response_json};
pub use types::{EmbeddingsInput, EmbeddingsRequest, InputObject, InputPart};
