//! `POST /v1/moderations`: content becomes what Bedrock's guardrails are asked, and what they find
//! becomes OpenAI's categories and scores.

mod answer;
mod categories;
mod findings;
mod request;
mod types;

pub use answer::answer;
pub use findings::{Findings, of_checks, of_guardrail};
pub use request::{
    CheckOptions, Moderation, ModerationItem, apply_request, checks_request, understood,
};
pub use types::{ModerationInput, ModerationPart, ModerationRequest};
