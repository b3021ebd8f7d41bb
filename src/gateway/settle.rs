//! The end of a request: its usage and cost for the ledger, the reasoning that a later request has to
//! return to the model, and the client's error for a failed call.

use std::sync::Arc;
use std::time::Duration;

use super::Gateway;
use crate::bedrock::{FailedModel, UpstreamError};
use crate::catalog::ModelInfo;
use crate::converse::event::Event;
use crate::converse::output::OutputEvents;
use crate::converse::response::StopReason;
use crate::error::{ApiError, ErrorCode};
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
                self.caller.id(),
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

impl Gateway {
    /// The client's error for a failed call to a model.
    pub(crate) fn received(
        &self,
        error: UpstreamError,
        window: Option<u32>,
        ledger: &Ledger,
    ) -> ApiError {
        let error = client_error_for_model(error, window, ledger);
        let name = ledger.model();
        match (error.code, name) {
            (Some(ErrorCode::ModelNotFound), Some(name)) => ApiError {
                message: self
                    .models
                    .resolver()
                    .with_suggestions(&error.message.as_text(), &name)
                    .into(),
                ..error
            },
            _ => error,
        }
    }

    /// The error for an unknown model name.
    pub fn unknown_model(&self, name: &str) -> ApiError {
        self.models.resolver().unknown(name)
    }
}

/// How long a client waits before it retries, if Bedrock does not say. The second retry waits
/// longer, since the first wait did not help. Jitter keeps clients from retrying at the same time.
fn retry_delay(wait: Duration, client_retries: u32) -> Duration {
    let wait = wait.saturating_mul(1 << client_retries.min(8));
    wait.mul_f64(1.0 + fastrand::f64() / 2.0)
}

/// The client's error for an upstream error, whose details are recorded for the log.
pub(crate) fn client_error(error: UpstreamError, ledger: &Ledger) -> ApiError {
    client_error_for_model(error, None, ledger)
}

/// The same for a model with this context window.
pub(super) fn client_error_for_model(
    mut error: UpstreamError,
    context_window: Option<u32>,
    ledger: &Ledger,
) -> ApiError {
    let detail = error.log_detail();
    let api_error = error.api_error;
    error.api_error = match (api_error.retry_after, error.wait) {
        (Some(_), Some(wait)) => api_error.retry_after(wait),
        (Some(wait), None) => api_error.retry_after(retry_delay(wait, ledger.client_retries())),
        (None, _) => api_error,
    };
    let UpstreamError {
        api_error,
        advice: _,
        wait: _,
        code,
        detail: unlogged,
        refused_field: _,
        refuses_reasoning: _,
        fitting_share: _,
        response: _,
    } = error.of_model(FailedModel {
        name: ledger.model().as_deref(),
        context_window,
    });
    ledger.upstream_failed(code, detail, unlogged);
    api_error
}
