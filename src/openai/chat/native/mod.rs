//! Chat requests that go to one of AWS's OpenAI surfaces as the client wrote them: what stands in
//! the way of that, what is changed in the body all the same, and how the answer is read.

mod answer;
mod chunks;
mod client_keys;
mod fields;
mod flat_tools;
mod messages;
mod obstacle;
mod request;
mod text;
mod usage;

pub use answer::{ChatUpstreamResponse, native_answer};
pub use chunks::ChatUpstreamChunks;
pub use obstacle::{UnsupportedField, obstacle};
pub use request::{ChatUpstreamContext, ChatUpstreamOptions, ChatUpstreamRequest, pass_on};
pub use usage::ChatUpstreamUsage;

use super::types::ChatRequest;
use crate::models::Capabilities;

/// What the answers to one request are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatUpstreamHead {
    /// The id of the whole.
    pub id: String,
    /// The model as the client calls it.
    pub model: String,
}

/// Whether the model reasons on this request: it does unless it is told not to.
fn reasons(request: &ChatRequest, facts: &Capabilities) -> bool {
    facts.always_reasons
        || facts.has_reasoning_knob() && request.reasoning_effort.as_deref() != Some("none")
}
