//! What is written down of a request while it is answered: usage, cost, and reasoning to be given
//! back later.

use std::sync::Arc;

use super::client_error_for_model;
use super::cost::cost;
use super::model_info::ModelInfo;
use crate::bedrock::UpstreamError;
use crate::converse::event::Event;
use crate::converse::response::Usage;
use crate::error::ApiError;
use crate::identity::Caller;
use crate::openai::chat::{ChatUpstreamUsage, OutputEvents, TokenCounts};
use crate::reasoning_memory::ReasoningMemory;
use crate::record::Record;

/// Where what a request used is written down.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) record: Arc<Record>,
    pub(super) model_info: Arc<ModelInfo>,
    /// Whether the table's price is the price of this request.
    pub(super) has_price: bool,
    pub(super) memory: Arc<ReasoningMemory>,
    pub(super) caller: Caller,
    /// The tier that was asked for, in case Bedrock does not say which it was.
    pub(super) tier: Option<&'static str>,
}

impl Account {
    /// The request's log line.
    pub(super) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// What the client hears of a failure of the model.
    pub(super) fn client_error(&self, error: UpstreamError) -> ApiError {
        client_error_for_model(error, self.model_info.context_window, &self.record)
    }

    /// Keeps what has to be given back to the model with a response and its client may not keep.
    pub(super) fn remember(&self, output_events: &mut OutputEvents) {
        if let Some((keys, turn)) = output_events.remembered() {
            self.memory.remember(
                &self.caller,
                &self.model_info.capabilities.family,
                keys,
                turn,
            );
        }
    }

    /// Writes down what all answers have used, as Bedrock has said.
    pub(super) fn settle<'a>(&self, responses: impl Iterator<Item = &'a OutputEvents> + Clone) {
        let usages: Vec<Usage> = responses.clone().filter_map(OutputEvents::usage).collect();
        let mut total = TokenCounts::default();
        let mut tier = self.tier;
        for output_events in responses {
            let Some(counts) = output_events.summary().usage else {
                continue;
            };
            total.add(counts);
            tier = output_events.tier().or(tier);
        }
        self.write(total, &usages, tier);
    }

    /// Writes down what of the responses the client does not get: blocks that cannot be shown, and
    /// calls that it did not want. Returns how many of each.
    pub(super) fn note_left_out<'a>(
        &self,
        responses: impl Iterator<Item = &'a OutputEvents> + Clone,
    ) -> (u64, u64) {
        let undelivered = responses.clone().map(OutputEvents::undelivered).sum();
        let withheld = responses.map(OutputEvents::withheld_calls).sum();
        if undelivered > 0 || withheld > 0 {
            let mut entries = self.record.entries();
            entries.undelivered = (undelivered > 0).then_some(undelivered);
            entries.withheld_calls = (withheld > 0).then_some(withheld);
        }
        (undelivered, withheld)
    }

    /// Writes down what an answer has used, as one of AWS's OpenAI surfaces has said.
    pub(super) fn settle_chat_upstream(
        &self,
        usage: ChatUpstreamUsage,
        tier: Option<&'static str>,
    ) {
        self.write(usage.counts(), &[usage.billed()], tier.or(self.tier));
    }

    fn write(&self, total: TokenCounts, usages: &[Usage], tier: Option<&'static str>) {
        let price = self.model_info.price.as_ref().filter(|_| self.has_price);
        let cost = cost(price, usages, tier);
        let mut entries = self.record.entries();
        entries.usage = Some(total);
        entries.cost = Some(cost);
    }

    /// Writes down that a part of an answer has arrived.
    pub(super) fn note_progress(&self, events: &[Event]) {
        let deltas = events
            .iter()
            .filter(|event| matches!(event, Event::BlockDelta { .. }))
            .count();
        self.note_deltas(deltas);
    }

    /// Writes down that some pieces of an answer have arrived.
    pub(super) fn note_deltas(&self, deltas: usize) {
        if deltas == 0 {
            return;
        }
        let elapsed = self.record.elapsed();
        let mut entries = self.record.entries();
        entries.first_token.get_or_insert(elapsed);
        // A delta is a token or a few; better than nothing where Bedrock never says.
        entries.estimated_completion += deltas as u64;
    }
}
