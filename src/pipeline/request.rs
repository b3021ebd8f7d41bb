//! A request and an answer of an endpoint that is no chat.

use std::sync::Arc;

use bytes::Bytes;

use super::Cost;
use crate::adjustments::Adjustments;
use crate::body_memory::BodyPermit;
use crate::identity::Caller;
use crate::limits::RateState;
use crate::record::Record;

/// A request with what the server knows of it.
#[derive(Debug)]
pub struct CallerRequest<T> {
    /// Who is calling.
    pub caller: Caller,
    /// What the body says.
    pub request: T,
    /// The memory that the request has.
    pub memory: BodyPermit,
    /// The request's log line.
    pub record: Arc<Record>,
}

/// What is sent upstream for a request, in one call or several, with the memory that the request
/// has.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) bodies: Vec<Bytes>,
    /// Held until all calls have their responses.
    pub(super) memory: BodyPermit,
}

impl Outgoing {
    /// From here on the request holds these bodies and `kept` bytes besides: memory for all else
    /// that was made of it is given back.
    pub(super) fn new(bodies: Vec<Bytes>, kept: usize, mut memory: BodyPermit) -> Self {
        let sent: usize = bodies.iter().map(Bytes::len).sum();
        memory.shrink_to(sent.saturating_add(kept));
        Self { bodies, memory }
    }
}

/// An answer and what its head says.
#[derive(Debug, Default)]
pub struct Reply {
    /// JSON.
    pub body: Bytes,
    /// What was changed in the request.
    pub adjustments: Adjustments,
    /// Where the rate stands.
    pub rate: Option<RateState>,
    /// What it has cost, where that is known by now.
    pub cost: Option<Cost>,
}
