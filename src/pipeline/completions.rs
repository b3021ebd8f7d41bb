//! The life of a completion request: that of a chat request for each of its prompts, answered
//! together.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::draft::{PendingRequest, SourceBody};
use super::models::check_converse;
use super::{ChatCall, ChatReply, OpenCall, Pipeline, answer, no_model};
use crate::fault::ApiError;
use crate::limits::{Refusal, WhenFull};
use crate::openai::completions::{
    CompletionPrompts, CompletionRequest, chat_requests, in_its_words,
};
use crate::openai::misspelling;
use crate::record::Record;

impl Pipeline {
    /// Answers a completion request, or says what stands against it.
    pub async fn complete(&self, call: ChatCall<CompletionRequest>) -> Result<ChatReply, Refusal> {
        let record = Arc::clone(&call.record);
        let name = call.request.model.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            let unknown = &call.request.unknown;
            no_model(&misspelling(unknown, "model", CompletionRequest::FIELDS))
        })?;
        let mut call = call;
        let mut permit = call.permit.take();
        let (mut drafts, echoed) = self.drafts(call, &name).await?;
        if let [only] = &mut drafts[..] {
            only.permit = permit.take();
        }
        // Several drafts share the body; what they take is held until all have begun.
        let _shared = permit;
        let begun = self.begin_all(&mut drafts, &record).await?;
        // The prompts share everything else, the model and its price among it.
        let first = drafts.first().ok_or_else(ApiError::internal)?;
        let account = self.converse_account(first, &begun.prepared, record);
        answer::completion(begun, account, &name, echoed)
    }

    /// A draft for each prompt, and the prompts where they are said back.
    async fn drafts(
        &self,
        call: ChatCall<CompletionRequest>,
        name: &str,
    ) -> Result<(Vec<PendingRequest>, Vec<String>), ApiError> {
        let ChatCall {
            caller,
            request,
            body,
            permit: _,
            headers,
            record,
        } = call;
        let split = || chat_requests(*request, self.chat.most_answers);
        let CompletionPrompts { requests, echoed } =
            self.workers.on_body(body.len(), split).await?;
        let mut drafts = Vec::with_capacity(requests.len());
        for (place, request) in requests.into_iter().enumerate() {
            let target = self.chat_model(name, &record).await?;
            check_converse(name, &target.known.facts)?;
            let written = SourceBody::Completion(body.clone(), place);
            let (caller, headers) = (caller.clone(), headers.clone());
            drafts.push(self.settled(caller, Box::new(request), written, target, headers));
        }
        Ok((drafts, echoed))
    }

    /// Begins all of them at once: there are no more than the operator gives answers to a request.
    /// The first that fails ends the others.
    async fn begin_all(
        &self,
        drafts: &mut [PendingRequest],
        record: &Record,
    ) -> Result<OpenCall, Refusal> {
        let several = drafts.len() > 1;
        // A prompt that waits for the place of another of its request waits for itself.
        let when_full = match several {
            true => WhenFull::Refuse,
            false => WhenFull::Wait,
        };
        let begin = drafts.iter_mut().enumerate().map(async |(place, draft)| {
            let begun = self.begin(draft, when_full, record).await;
            begun.map_err(|Refusal { fault, rate }| Refusal {
                fault: in_its_words(fault, several.then_some(place)),
                rate,
            })
        });
        let mut begun = try_join_all(begin).await?.into_iter();
        let mut all = begun.next().ok_or_else(ApiError::internal)?;
        for more in begun {
            all.sources.extend(more.sources);
            all.permits.extend(more.permits);
            let notes = more.prepared.adjustments;
            all.prepared.adjustments.extend(&notes);
        }
        record.entries().adjustments = all.prepared.adjustments.log_value();
        Ok(all)
    }
}
