//! Accounting of a passthrough request.

mod messages;
mod response;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::bedrock::Frame;
use crate::catalog::ModelInfo;
use crate::catalog::ModelTarget;
use crate::converse::response::StopReason;
use crate::models::Tier;
use crate::passthrough::operation::Operation;
use crate::usage::{Charge, Ledger, TokenCounts};
use messages::one_hour_cache_writes;
use response::{PassthroughUsage, chunk, stop_reason};

/// Records the usage of a passthrough request.
#[derive(Debug)]
pub(super) struct PassthroughAccount {
    operation: Operation,
    model_info: Option<Arc<ModelInfo>>,
    ledger: Arc<Ledger>,
    /// The service tier in the response headers.
    tier: Option<String>,
    /// The tokens that the model reports as written to the one-hour cache.
    one_hour: Option<u64>,
    /// Whether the stream has sent its final data: `messageStop`, or the invocation metrics in the
    /// last chunk (recordings' FINDINGS, 32).
    is_over: bool,
    has_metadata: bool,
}

impl PassthroughAccount {
    pub(super) fn new(
        operation: Operation,
        target: Option<ModelTarget>,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            operation,
            model_info: target.map(|target| target.model_info),
            ledger,
            tier: None,
            one_hour: None,
            is_over: false,
            has_metadata: false,
        }
    }

    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Whether a stream may end here. Streams of InvokeModel do not always mark their end.
    pub(super) fn may_end(&self) -> bool {
        self.is_over || self.operation != Operation::ConverseStream
    }

    /// Whether a stream has marked its end.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the last event of a stream has arrived. Only Converse streams have a last event.
    pub(super) fn is_complete(&self) -> bool {
        self.is_over && self.has_metadata
    }

    /// Records the usage in a non-streaming response.
    pub(super) fn settle_response(&self, response: &Response<Bytes>) {
        if let Some(reported) =
            PassthroughUsage::from_response(self.operation, response.headers(), response.body())
        {
            self.settle(&reported);
        }
    }

    /// Reads the response headers of a stream.
    pub(super) fn note_head(&mut self, headers: &HeaderMap) {
        let tier = headers.get("x-amzn-bedrock-service-tier");
        self.tier = tier.and_then(|tier| Some(tier.to_str().ok()?.to_owned()));
    }

    /// Reads a frame.
    pub(super) fn note_frame(&mut self, frame: &Frame) {
        let Ok(event) = &frame.event else {
            return;
        };
        match event.as_str() {
            "contentBlockDelta" => self.ledger.deltas(1),
            "messageStop" => {
                self.is_over = true;
                self.note_finish(stop_reason(&frame.payload));
            }
            "metadata" => {
                self.has_metadata = true;
                if let Some(reported) = PassthroughUsage::of_converse(&frame.payload) {
                    self.settle(&reported);
                }
            }
            "chunk" => self.note_chunk(&frame.payload),
            _ => {}
        }
    }

    /// Reads a chunk in the model's own format.
    fn note_chunk(&mut self, payload: &[u8]) {
        self.ledger.deltas(1);
        let Some(json) = chunk(payload) else {
            return;
        };
        self.one_hour = one_hour_cache_writes(&json).or(self.one_hour);
        if let Some(mut reported) = PassthroughUsage::of_chunk(&json) {
            reported.note_one_hour(self.one_hour);
            self.is_over = true;
            self.settle(&reported);
        }
    }

    fn note_finish(&self, reason: Option<StopReason>) {
        if let Some(reason) = reason {
            let intervened = reason == StopReason::GuardrailIntervened;
            self.ledger.finished(reason.as_str(), intervened);
        }
    }

    fn settle(&self, reported: &PassthroughUsage) {
        let PassthroughUsage {
            usage,
            tier,
            optimized,
            stop_reason,
        } = reported;
        self.note_finish(*stop_reason);
        let model_info = self.model_info.as_ref().filter(|_| !optimized);
        let price = model_info.and_then(|model_info| model_info.price.as_ref());
        let tier = tier.as_deref().or(self.tier.as_deref()).map(Tier::named);
        let calls = std::iter::once(TokenCounts::from(*usage));
        self.ledger
            .charge(Charge::of_calls(calls, price, (tier, None)));
    }
}
