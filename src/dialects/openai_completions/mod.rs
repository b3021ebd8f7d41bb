//! `POST /v1/completions`, the legacy form of chat: each prompt becomes a user message of a chat
//! request, and the text of the response becomes the completion.

pub mod handler;
pub(crate) mod service;

mod field_names;
mod format;
mod prompt;
mod request;
mod source;
mod text;
mod types;
mod writer;

pub use field_names::CompletionFieldNames;
pub use format::TextFormat;
pub use prompt::Prompt;
pub use request::{CompletionPrompts, chat_requests};
pub use source::PromptSource;
pub use text::TextCompletion;
pub use types::CompletionRequest;
pub use writer::TextWriter;

use crate::converse::response::StopReason;
use crate::dialects::openai_chat::FinishReason;

/// The finish reason in the terms of this endpoint, which has no tools.
fn finish_reason(reason: &StopReason) -> &'static str {
    match FinishReason::new(reason, false) {
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::FunctionCall => "stop",
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
    }
}
