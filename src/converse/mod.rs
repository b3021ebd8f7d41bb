//! Bedrock's Converse API as typed data. Every dialect is translated to and from these types.
//!
//! The types follow the wire format of `Converse` and `ConverseStream` (botocore service model
//! bedrock-runtime 2023-09-30): same names, same order, and tolerant of unknown fields and
//! values. Nothing here does I/O.

pub mod content;
pub mod dialect;
pub mod estimate;
pub mod event;
pub mod fold;
pub mod guardrails;
pub mod identifier;
pub mod json;
pub mod media;
pub mod options;
pub mod origin;
pub mod output;
pub mod policy;
pub mod remembered;
pub mod request;
pub mod response;
pub mod rules;
pub mod trace;
pub mod translation;
pub mod upstream;

pub use json::JsonText;
