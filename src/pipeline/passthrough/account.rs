//! What is written down of a request that passes.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};

use super::operation::Operation;
use super::usage::{PassthroughUsage, chunk};
use crate::bedrock::Frame;
use crate::openai::chat::TokenCounts;
use crate::pipeline::cost::cost;
use crate::pipeline::model_info::ModelInfo;
use crate::pipeline::models::ModelTarget;
use crate::providers::messages::one_hour_cache_writes;
use crate::record::Record;

/// Where what a request used is written down.
#[derive(Debug)]
pub(super) struct PassthroughAccount {
    operation: Operation,
    model_info: Option<Arc<ModelInfo>>,
    record: Arc<Record>,
    /// The tier that the head of the answer tells.
    tier: Option<String>,
    /// The tokens that a model says were written to the cache for an hour.
    one_hour: Option<u64>,
    /// Whether the stream has said that it is over: `messageStop`, or the metrics of an invocation,
    /// which stand in its last chunk (recordings' FINDINGS, 32).
    is_over: bool,
    has_metadata: bool,
}

impl PassthroughAccount {
    pub(super) fn new(
        operation: Operation,
        target: Option<ModelTarget>,
        record: Arc<Record>,
    ) -> Self {
        Self {
            operation,
            model_info: target.map(|target| target.model_info),
            record,
            tier: None,
            one_hour: None,
            is_over: false,
            has_metadata: false,
        }
    }

    /// The request's log line.
    pub(super) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Whether a stream may end here. InvokeModel's need not say that they are over.
    pub(super) fn may_end(&self) -> bool {
        self.is_over || self.operation != Operation::ConverseStream
    }

    /// Whether a stream has said that it is over.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether a stream is over, and its last event has arrived. Converse's have one.
    pub(super) fn is_complete(&self) -> bool {
        self.is_over && self.has_metadata
    }

    /// Writes down what a whole answer has used.
    pub(super) fn settle_response(&self, response: &Response<Bytes>) {
        if let Some(reported) =
            PassthroughUsage::from_response(self.operation, response.headers(), response.body())
        {
            self.settle(&reported);
        }
    }

    /// Takes what the head of a stream tells.
    pub(super) fn note_head(&mut self, headers: &HeaderMap) {
        let tier = headers.get("x-amzn-bedrock-service-tier");
        self.tier = tier.and_then(|tier| Some(tier.to_str().ok()?.to_owned()));
    }

    /// Takes what a frame tells.
    pub(super) fn note_frame(&mut self, frame: &Frame) {
        let Ok(event) = &frame.event else {
            return;
        };
        match event.as_str() {
            "contentBlockDelta" => self.note_progress(),
            "messageStop" => self.is_over = true,
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

    /// Takes what a chunk in the model's own words tells.
    fn note_chunk(&mut self, payload: &[u8]) {
        self.note_progress();
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

    fn note_progress(&self) {
        let elapsed = self.record.elapsed();
        let mut entries = self.record.entries();
        entries.first_token.get_or_insert(elapsed);
        entries.estimated_completion += 1;
    }

    fn settle(&self, reported: &PassthroughUsage) {
        let PassthroughUsage {
            usage,
            tier,
            optimized,
        } = reported;
        let model_info = self.model_info.as_ref().filter(|_| !optimized);
        let price = model_info.and_then(|model_info| model_info.price.as_ref());
        let tier = tier.as_deref().or(self.tier.as_deref());
        let cost = cost(price, &[*usage], tier);
        let mut entries = self.record.entries();
        entries.usage = Some(TokenCounts::from(*usage));
        entries.cost = Some(cost);
    }
}
