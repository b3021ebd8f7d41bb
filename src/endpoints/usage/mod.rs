//! `GET /v1/usage` and `GET /v1/key`: what a caller has spent, and what it may use.

pub mod handler;
pub mod service;

mod types;

pub use types::{LevelInfo, levels_of};
