//! Shared by the integration tests and `fuzz/`: properties of any request and any response, and the
//! fuzz targets, which take bytes and panic if a property is violated.

pub mod chat_request;
pub mod choices;
pub mod converse_rules;
pub mod event_stream;
pub mod message_blocks;
pub mod response_events;
pub mod responses_request;
pub mod sse_writer;
mod vocabulary;
