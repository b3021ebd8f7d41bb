//! What the integration tests and the fuzz targets (`fuzz/`) share: what holds of any request and
//! of any answer, and the targets themselves, which take bytes and panic where it does not.

pub mod chat_request;
pub mod choices;
pub mod converse_rules;
pub mod event_stream;
pub mod sse_writer;
mod vocabulary;
