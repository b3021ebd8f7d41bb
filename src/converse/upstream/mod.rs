//! The upstreams besides Converse: which requests they serve, and their wire formats.

pub mod chat_completions;
mod route;

pub use route::{UnsupportedField, UpstreamRoute, route};
