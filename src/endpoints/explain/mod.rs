//! `POST /v1/explain`: dry runs of chat requests.

pub(crate) mod service;
