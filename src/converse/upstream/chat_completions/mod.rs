//! The chat-completions format, as AWS's OpenAI endpoints read and write it: Converse requests
//! become its requests, and its responses and chunks become the events of ConverseStream.

mod chunk;
mod events;
mod messages;
mod request;

pub use events::ChatCompletionEvents;
pub use request::ChatCompletionRequest;
