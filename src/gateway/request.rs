//! Requests as the gateway receives them: parsed, with their HTTP context.

use std::sync::Arc;

use bytes::Bytes;

use super::policy::HeaderOptions;
use crate::identity::Caller;
use crate::resources::body_memory::BodyPermit;
use crate::usage::Ledger;

/// A request of a chat dialect with its HTTP context.
#[derive(Debug)]
pub struct ChatCall<R> {
    /// The authenticated caller.
    pub caller: Caller,
    /// The request, which a translation consumes.
    pub request: R,
    /// The memory reserved for the body; `None` if memory is not limited.
    pub permit: Option<BodyPermit>,
    /// The options in the request headers.
    pub headers: HeaderOptions,
    /// The ledger of the request.
    pub ledger: Arc<Ledger>,
}

/// A request of another endpoint with its HTTP context.
#[derive(Debug)]
pub struct CallerRequest<T> {
    /// The authenticated caller.
    pub caller: Caller,
    /// The parsed body.
    pub request: T,
    /// The memory reserved for the request.
    pub memory: BodyPermit,
    /// The ledger of the request.
    pub ledger: Arc<Ledger>,
}

/// The bodies of the upstream calls of a request, with its memory permit.
#[derive(Debug)]
pub(crate) struct UpstreamBodies {
    pub(super) bodies: Vec<Bytes>,
    /// Held until all calls have their responses.
    pub(super) memory: BodyPermit,
}

impl UpstreamBodies {
    /// Reduces the reserved memory to these bodies and `kept` more bytes.
    pub(crate) fn new(bodies: Vec<Bytes>, kept: usize, mut memory: BodyPermit) -> Self {
        let sent: usize = bodies.iter().map(Bytes::len).sum();
        memory.shrink_to(sent.saturating_add(kept));
        Self { bodies, memory }
    }
}
