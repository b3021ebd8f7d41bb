//! `/v1/responses`

mod count_tokens;
mod input_tokens;
