//! `POST /v1/moderations`: content becomes what Bedrock's guardrails are asked, and what they find
//! becomes OpenAI's categories and scores.

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
