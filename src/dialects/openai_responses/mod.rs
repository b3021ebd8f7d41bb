//! The Responses API, translated to chat requests.
//!
//! Only token counting is served so far (`POST /v1/responses/input_tokens`). After the
//! translation, requests are processed like chat requests; `field_names` knows which item each
//! message came from.

mod content;
mod field_names;
mod input_tokens;
mod items;
mod parts;
mod request;
mod source;
mod tools;
mod types;

pub use field_names::ResponsesFieldNames;
pub use input_tokens::InputTokens;
pub use request::{AsChat, as_chat};
pub use source::ResponsesSource;
pub use types::ResponsesRequest;
