//! A request on its way to Bedrock, which may have to be written again: without a field that the
//! model refuses, or without its oldest turns.

use std::sync::Arc;

use bytes::Bytes;

use super::models::{Models, Target};
use crate::bedrock::Failure;
use crate::config::Truncate;
use crate::converse::content::ReasoningBlock;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::openai::chat::{
    ChatOptions, ChatRequest, Fetched, Terms, Translated, drop_oldest, translate,
};
use crate::reasoning_memory::ReasoningMemory;

/// How often a request is written again at the most.
const MOST_REVISIONS: u32 = 6;

/// A request on its way.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) caller: Caller,
    pub(super) target: Target,
    pub(super) options: ChatOptions,
    pub(super) fetched: Fetched,
    pub(super) strict: bool,
    pub(super) truncate: Truncate,
    /// The body as it came, from which the request is read again.
    body: Bytes,
    /// The request, unless it has been translated.
    request: Option<Box<ChatRequest>>,
    /// The share of the conversation that is kept, of a thousand.
    kept_share: u32,
    revisions: u32,
}

impl Draft {
    pub(super) fn new(
        caller: Caller,
        request: Box<ChatRequest>,
        body: Bytes,
        target: Target,
        options: ChatOptions,
    ) -> Self {
        Self {
            caller,
            target,
            options,
            fetched: Fetched::new(),
            strict: false,
            truncate: Truncate::Refuse,
            body,
            request: Some(request),
            kept_share: 1000,
            revisions: 0,
        }
    }

    /// The request, as long as it has not been translated.
    pub(super) fn request(&self) -> Option<&ChatRequest> {
        self.request.as_deref()
    }

    /// The request in Bedrock's words.
    pub(super) fn translate(&mut self, memory: &ReasoningMemory) -> Result<Translated, Fault> {
        let mut request: Box<ChatRequest> = match self.request.take() {
            Some(request) => request,
            None => serde_json::from_slice(&self.body).map_err(|_| Fault::internal())?,
        };
        let dropped = match self.kept_share {
            1000 => 0,
            share => drop_oldest(&mut request, share)?,
        };
        let Self {
            caller,
            target,
            options,
            fetched,
            ..
        } = self;
        let known = &target.known;
        let family = known.facts.family.as_str();
        let recall =
            |call: &str| -> Option<Arc<[ReasoningBlock]>> { memory.recall(caller, family, call) };
        let terms = Terms {
            facts: &known.facts,
            output_limit: known.output_limit,
            options,
            recall: &recall,
            fetched,
        };
        let mut translated = translate(*request, &terms)?;
        if dropped > 0 {
            translated.adjustments.note(
                "messages",
                format!("the {dropped} oldest left out, the conversation was too long"),
            );
        }
        if self.strict {
            refuse_adjustments(&translated)?;
        }
        Ok(translated)
    }

    /// Prepares the request to be written again after `failure`; gives the failure back where that
    /// does not help.
    pub(super) fn revise(&mut self, failure: Failure, models: &Models) -> Result<(), Failure> {
        if self.revisions >= MOST_REVISIONS {
            return Err(failure);
        }
        self.revisions += 1;
        if let Some(field) = failure.refused_field.clone() {
            return match models.learn(&mut self.target, field) {
                true => Ok(()),
                false => Err(failure),
            };
        }
        let is_too_long = failure.fault.code == Some("context_length_exceeded");
        if !is_too_long || self.truncate == Truncate::Refuse {
            return Err(failure);
        }
        // Bedrock may say how long is too long; a little less than that fits, since tokens are not
        // spread evenly. Where it does not say, a quarter goes.
        let fits = failure.fitting_share.unwrap_or(750).min(950);
        self.kept_share = self.kept_share * fits / 1000;
        Ok(())
    }
}

fn refuse_adjustments(translated: &Translated) -> Result<(), Fault> {
    match translated.adjustments.iter().next() {
        None => Ok(()),
        Some(first) => Err(Fault::unsupported(
            first.field.clone(),
            format!(
                "the request cannot be served exactly as it is written, which \
                 `x-outcrop-strict` asks for ({first})"
            ),
        )),
    }
}
