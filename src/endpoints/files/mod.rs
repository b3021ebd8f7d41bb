//! `/v1/files`

pub mod handler;
pub(crate) mod service;
pub mod wire;

pub use service::Files;
