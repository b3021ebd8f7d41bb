//! `POST /v1/moderations`: translates content to requests of Bedrock's guardrail APIs, and their
//! findings to OpenAI's categories and scores.

pub mod handler;
pub(crate) mod service;

mod categories;
mod findings;
mod request;
mod response;
mod types;

pub use findings::{Findings, of_checks, of_guardrail};
pub use request::{
    CheckOptions, Moderation, ModerationItem, apply_request, checks_request, translate,
};
pub use response::response;
pub use types::{ModerationInput, ModerationPart, ModerationRequest};
