//! Sends a request: one loop that translates it, admits its calls, calls Bedrock, and revises the
//! request if Bedrock refuses a part of it.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::Gateway;
use super::prepare::{PendingRequest, PreparedRequest};
use crate::bedrock::{EventSource, ModelCall, UpstreamError};
use crate::converse::dialect::DialectRequest;
use crate::error::ApiError;
use crate::limits::{Permit, WhenFull};
use crate::models::{ChatUpstream, OpenAiEndpoint, Tier};
use crate::usage::{Ledger, Upstream};

/// A request with its open upstream calls.
pub(crate) struct OpenCall {
    /// The source of events for each choice.
    pub(crate) sources: Vec<EventSource>,
    pub(crate) prepared: PreparedRequest,
    pub(crate) permits: Vec<Permit>,
}

impl OpenCall {
    /// Adds the choices of another call of the same request.
    pub(crate) fn add(&mut self, more: OpenCall) {
        self.sources.extend(more.sources);
        self.permits.extend(more.permits);
        self.prepared.adjustments.extend(more.prepared.adjustments);
    }
}

/// Which calls of a request the limits have admitted.
pub(crate) enum Admission {
    /// None yet.
    Open(WhenFull),
    /// One, for the downloads; the others do not wait, since the request would wait for itself.
    Started(Permit),
    /// All, and somebody else holds their permits.
    Held,
}

impl Gateway {
    /// Calls Bedrock until each choice has a response or its first event.
    pub(crate) async fn send<R: DialectRequest>(
        &self,
        pending: &mut PendingRequest<R>,
        admission: Admission,
        ledger: &Arc<Ledger>,
    ) -> Result<OpenCall, ApiError> {
        let (mut permits, when_full) = match admission {
            Admission::Open(when_full) => (Vec::with_capacity(1), Some(when_full)),
            Admission::Started(permit) => (vec![permit], Some(WhenFull::Refuse)),
            Admission::Held => (Vec::new(), None),
        };
        let target = pending.target.model.shared();
        let mut admitted = permits.len() as u32;
        let mut is_reserved = false;
        loop {
            let prepared = self.prepare(pending).await?;
            note_translation(ledger, &prepared);
            if !is_reserved {
                let demand = self.chat_demand(pending, &prepared);
                self.reserve(&pending.caller, &demand, ledger)?;
                is_reserved = true;
            }
            let missing = prepared.output_options.choices.saturating_sub(admitted);
            if let Some(when_full) = when_full.filter(|_| missing > 0) {
                let (caller, calls) = (&pending.caller, (missing, when_full));
                permits.push(self.admit_calls(caller, &target, calls, ledger).await?);
                admitted += missing;
            }
            match self.call(pending, &prepared, ledger).await {
                Ok(sources) => {
                    pending.learn_profile(&self.models);
                    return Ok(OpenCall {
                        sources,
                        prepared,
                        permits,
                    });
                }
                Err(error) => self.revise(pending, error, ledger)?,
            }
        }
    }

    /// Revises the request, or returns the client's error.
    fn revise<R: DialectRequest>(
        &self,
        pending: &mut PendingRequest<R>,
        error: UpstreamError,
        ledger: &Ledger,
    ) -> Result<(), ApiError> {
        let revised = pending.revise(error, &self.models);
        let target = &pending.target;
        let window = target.model_info.context_window;
        revised.map_err(|error| self.received(error, window, ledger))?;
        ledger.target(target);
        Ok(())
    }

    /// Translates and serializes the request, on a worker thread if its body is long.
    async fn prepare<R: DialectRequest>(
        &self,
        pending: &mut PendingRequest<R>,
    ) -> Result<PreparedRequest, ApiError> {
        pending.admit().await?;
        let length = pending.source_length();
        let prepare = || pending.prepare(&self.memory);
        let prepared = self.workers.on_body(length, prepare).await?;
        pending.shrink_memory(prepared.body.len());
        Ok(prepared)
    }

    /// Calls Bedrock once for each choice.
    async fn call<R: DialectRequest>(
        &self,
        pending: &PendingRequest<R>,
        prepared: &PreparedRequest,
        ledger: &Arc<Ledger>,
    ) -> Result<Vec<EventSource>, UpstreamError> {
        let output_options = &prepared.output_options;
        let call = ModelCall::new(pending.target.model.clone(), prepared.body.clone());
        let upstream = prepared.upstream;
        let bedrock = self.bedrock_for(ledger, api_of(upstream));
        let send = || bedrock.chat(upstream, &call, output_options.non_streaming);
        if output_options.choices == 1 {
            return send().await.map(|source| vec![source]);
        }
        // The first call writes the cache that the others read.
        let first = match prepared.has_cache_points {
            true => Some(send().await?),
            false => None,
        };
        let others = output_options.choices as usize - usize::from(first.is_some());
        let others = Box::pin(try_join_all((0..others).map(|_| send()))).await?;
        Ok(first.into_iter().chain(others).collect())
    }
}

/// AWS's API of an upstream, for the ledger.
fn api_of(upstream: ChatUpstream) -> Upstream {
    match upstream {
        ChatUpstream::Converse => Upstream::Converse,
        ChatUpstream::OpenAi(OpenAiEndpoint::Runtime) => Upstream::RuntimeChatCompletions,
        ChatUpstream::OpenAi(OpenAiEndpoint::Mantle) => Upstream::MantleChatCompletions,
    }
}

fn note_translation(ledger: &Ledger, prepared: &PreparedRequest) {
    let tier = prepared.tier.map(Tier::named);
    ledger.translated(
        prepared.output_options.stream,
        tier,
        prepared.adjustments.log_value(),
    );
}
