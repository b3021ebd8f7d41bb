//! `/v1/responses`

mod compaction;
mod count_tokens;
mod create;
mod golden;
mod input_tokens;
mod reasoning;
mod replay;
mod state;
