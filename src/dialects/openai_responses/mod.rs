//! The Responses API, translated to chat requests.
//!
//! Only token counting is served so far (`POST /v1/responses/input_tokens`). After the
//! translation, requests are processed like chat requests; `field_paths` maps errors and notes
//! back to the client's request.

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
