//! `POST /v1/completions`, the older form of chat: each prompt becomes one user's message of a chat
//! request, and the pieces of its answer become text.

mod prompt;
mod request;
mod text;
mod types;
mod writer;

pub use prompt::Prompt;
pub use request::{CompletionPrompts, chat_requests, with_prompt_path};
pub use text::TextCompletion;
pub use types::CompletionRequest;
pub use writer::TextWriter;

use super::chat::FinishReason;

/// Why an answer ended, in the words of this endpoint, which knows no tools.
fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::FunctionCall => "stop",
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
    }
}
