//! A simulator on a port of its own, called by the AWS SDKs and by a plain HTTP client.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod async_invoke;
mod common;
mod control_plane;
mod converse;
mod embeddings;
mod faults;
mod fixed;
mod http;
mod images;
mod moderation;
mod reasoning;
mod recordings;
mod s3;
mod sdk;
