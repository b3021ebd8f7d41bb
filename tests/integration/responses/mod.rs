//! `/v1/responses`

mod count_tokens;
mod create;
mod golden;
mod input_tokens;
mod state;
