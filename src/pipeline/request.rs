//! A request and an answer of an endpoint that is no chat.

use std::sync::Arc;

use bytes::Bytes;

use super::Cost;
use crate::adjustments::Adjustments;
use crate::identity::Caller;
use crate::limits::RateState;
use crate::record::Record;

/// A request with what the server knows of it.
#[derive(Debug)]
pub struct Asked<T> {
    /// Who is calling.
    pub caller: Caller,
    /// What the body says.
    pub request: T,
    /// The request's log line.
    pub record: Arc<Record>,
}

/// An answer and what its head says.
#[derive(Debug, Default)]
pub struct Answer {
    /// JSON.
    pub body: Bytes,
    /// What was changed in the request.
    pub adjustments: Adjustments,
    /// Where the rate stands.
    pub rate: Option<RateState>,
    /// What it has cost, where that is known by now.
    pub cost: Option<Cost>,
}
