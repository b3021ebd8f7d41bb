//! Accounting of a request in flight: usage, cost, and the reasoning that a later request has to
//! return to the model.

use std::sync::Arc;

use crate::bedrock::UpstreamError;
use crate::catalog::ModelInfo;
use crate::converse::event::Event;
use crate::converse::output::OutputEvents;
use crate::converse::response::StopReason;
use crate::error::ApiError;
use crate::gateway::failed::client_error_for_model;
use crate::identity::Caller;
use crate::models::Tier;
use crate::resources::reasoning_memory::ReasoningMemory;
use crate::usage::{Charge, Ledger, TokenCounts};

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
                self.caller.name(),
                &self.model_info.capabilities.family,
                keys,
                turn,
            );
        }
    }

    /// Charges the usage that Bedrock reported for all choices.
    pub(super) fn settle<'a>(&self, responses: impl Iterator<Item = &'a OutputEvents> + Clone) {
        let calls = responses.clone();
        let calls = calls.filter_map(|output_events| output_events.summary().usage);
        let tier = responses.filter_map(OutputEvents::tier).last();
        self.charge(calls, tier);
    }

    /// Records why the model stopped: the reason of the last choice that has ended.
    pub(super) fn note_finish<'a>(
        &self,
        responses: impl Iterator<Item = &'a OutputEvents> + Clone,
    ) {
        let mut reasons = responses.filter_map(OutputEvents::stop_reason);
        let last = reasons.clone().last();
        if let Some(last) = last {
            let intervened = reasons.any(|reason| *reason == StopReason::GuardrailIntervened);
            self.ledger.finished(last.as_str(), intervened);
        }
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
            self.ledger.left_out(undelivered, withheld);
        }
        (undelivered, withheld)
    }

    fn charge(&self, calls: impl Iterator<Item = TokenCounts> + Clone, tier: Option<&str>) {
        let price = self.model_info.price.as_ref().filter(|_| self.has_price);
        let tiers = (tier.map(Tier::named), self.tier.map(Tier::named));
        self.ledger.charge(Charge::of_calls(calls, price, tiers));
    }

    /// Counts the deltas among `events`.
    pub(super) fn note_progress(&self, events: &[Event]) {
        let deltas = events
            .iter()
            .filter(|event| matches!(event, Event::BlockDelta { .. }))
            .count();
        self.ledger.deltas(deltas as u64);
    }
}
