//! The Responses API: its request as the chat request that asks for the same.
//!
//! Only counting is served so far (`POST /v1/responses/input_tokens`). What a request says goes
//! the way of chat from here on, so that both are counted, refused and noted alike; `field_paths` tells
//! the client of it in its own words.

mod content;
mod field_paths;
mod input_tokens;
mod items;
mod parts;
mod request;
mod tools;
mod types;

pub use field_paths::FieldPaths;
pub use input_tokens::InputTokens;
pub use request::{AsChat, as_chat};
pub use types::ResponsesRequest;
