//! The dialects of clients. Each one is translated to and from [`converse`](crate::converse).

pub mod openai_chat;
pub mod openai_completions;
pub mod openai_responses;
