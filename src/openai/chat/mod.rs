//! `POST /v1/chat/completions`: a request becomes a Converse request; events become chunks, or
//! one whole completion.

mod chunks;
mod completion;
mod content;
mod conversation;
mod image;
mod names;
mod parameters;
mod pieces;
mod request;
mod tools;
mod types;

pub use chunks::ChunkWriter;
pub use completion::Completion;
pub use pieces::{AnswerPlan, FinishReason, Piece, Pieces, Sink, TokenCounts};
pub use request::{Translated, translate};
pub use types::ChatRequest;
