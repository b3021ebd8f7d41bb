//! Chat requests that go to one of AWS's OpenAI surfaces as the client wrote them: what stands in
//! the way of that, what is changed in the body all the same, and how the answer is read.

mod chunks;
mod client_keys;
mod fields;
mod flat_tools;
mod messages;
mod request;
mod response;
mod text;
mod unsupported_field;
mod usage;

pub use chunks::ChatUpstreamChunks;
pub use request::{
    ChatUpstreamContext, ChatUpstreamOptions, ChatUpstreamRequest, upstream_request,
};
pub use response::{ChatUpstreamResponse, upstream_response};
pub use unsupported_field::{UnsupportedField, unsupported_field};
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
fn reasons(request: &ChatRequest, capabilities: &Capabilities) -> bool {
    capabilities.always_reasons
        || capabilities.has_reasoning_control()
            && request.reasoning_effort.as_deref() != Some("none")
}
