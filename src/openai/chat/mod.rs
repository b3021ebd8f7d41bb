//! `POST /v1/chat/completions`: a request becomes a Converse request; events become chunks, or
//! one whole completion.

mod answer_text;
mod assistant;
mod chunks;
mod completion;
mod content;
mod conversation;
mod ending;
mod extensions;
mod json_answer;
mod marks;
mod media;
mod names;
mod open_reasoning;
mod parameters;
mod parts;
mod piece;
mod pieces;
mod plan;
mod request;
mod tag_split;
mod terms;
mod tools;
mod truncate;
mod types;
mod unescape;
mod wishes;

pub use chunks::ChunkWriter;
pub use completion::{Completion, CompletionHead};
pub use ending::{Ending, TokenCounts};
pub use media::{Fetched, FetchedMedia, RemoteAddress, remote_addresses};
pub use piece::{FinishReason, Piece, Sink};
pub use pieces::Pieces;
pub use plan::AnswerPlan;
pub use request::{Translated, translate};
pub use terms::{AllowList, ChatOptions, GuardrailPolicy, Terms};
pub use truncate::drop_oldest;
pub use types::{ChatMessage, ChatRequest, GuardrailFields};
