//! `POST /v1/explain`: dry runs of chat requests.

pub mod handler;
pub(crate) mod service;
