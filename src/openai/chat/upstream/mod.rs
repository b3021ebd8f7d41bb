//! The chat-completions upstream: AWS's OpenAI endpoints, which receive the client's body with few
//! changes. Finds fields that they do not support, adapts the body, and reads the response.

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

/// The fields of a response that the gateway sets itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatUpstreamHead {
    /// The id of the completion.
    pub id: String,
    /// The client's name of the model.
    pub model: String,
}

/// Whether the model reasons on this request: by default it does, if it can.
fn reasons(request: &ChatRequest, capabilities: &Capabilities) -> bool {
    capabilities.always_reasons
        || capabilities.has_reasoning_control()
            && request.reasoning_effort.as_deref() != Some("none")
}
