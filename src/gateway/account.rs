//! Accounting of a request in flight: usage, cost, and the reasoning that a later request has to
//! return to the model.

use std::sync::Arc;

use crate::bedrock::UpstreamError;
use crate::catalog::ModelInfo;
use crate::converse::event::Event;
use crate::converse::output::OutputEvents;
use crate::converse::response::Usage;
use crate::error::ApiError;
use crate::gateway::failed::client_error_for_model;
use crate::gateway::reasoning_memory::ReasoningMemory;
use crate::identity::Caller;
use crate::usage::{Ledger, TokenCounts, cost};

/// Records the usage of a request.
#[derive(Debug)]
pub(crate) struct Account {
    pub(super) ledger: Arc<Ledger>,
    pub(super) model_info: Arc<ModelInfo>,
    /// Whether the price in the table applies to this request.
    pub(super) has_price: bool,
    pub(super) memory: Arc<ReasoningMemory>,
    pub(super) caller: Caller,
    /// The requested service tier, used if Bedrock does not report the tier it ran on.
    pub(super) tier: Option<&'static str>,
}

impl Account {
    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The client's error for a failure of the model.
    pub(super) fn client_error(&self, error: UpstreamError) -> ApiError {
        client_error_for_model(error, self.model_info.context_window, &self.ledger)
    }

    /// Remembers the reasoning of a response, which the model requires back and the client may
    /// drop.
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

    /// Records the usage that Bedrock reported for all choices.
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

    /// Records the parts of the responses that the client does not receive: blocks of an unknown
    /// kind and tool calls that the request does not allow. Returns the number of each.
    pub(super) fn note_left_out<'a>(
        &self,
        responses: impl Iterator<Item = &'a OutputEvents> + Clone,
    ) -> (u64, u64) {
        let undelivered = responses.clone().map(OutputEvents::undelivered).sum();
        let withheld = responses.map(OutputEvents::withheld_calls).sum();
        if undelivered > 0 || withheld > 0 {
            let mut entries = self.ledger.entries();
            entries.undelivered = (undelivered > 0).then_some(undelivered);
            entries.withheld_calls = (withheld > 0).then_some(withheld);
        }
        (undelivered, withheld)
    }

    fn write(&self, total: TokenCounts, usages: &[Usage], tier: Option<&'static str>) {
        let price = self.model_info.price.as_ref().filter(|_| self.has_price);
        let cost = cost(price, usages, tier);
        let mut entries = self.ledger.entries();
        entries.usage = Some(total);
        entries.cost = Some(cost);
    }

    /// Counts the deltas among `events`, and records the time of the first one.
    pub(super) fn note_progress(&self, events: &[Event]) {
        let deltas = events
            .iter()
            .filter(|event| matches!(event, Event::BlockDelta { .. }))
            .count();
        if deltas == 0 {
            return;
        }
        let elapsed = self.ledger.elapsed();
        let mut entries = self.ledger.entries();
        entries.first_token.get_or_insert(elapsed);
        // A delta is about one token: an estimate for streams that never report their usage.
        entries.estimated_completion += deltas as u64;
    }
}
