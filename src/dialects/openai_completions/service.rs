//! The life of a completion request: one chat request for each prompt, with one combined response.

use std::sync::Arc;

use futures_util::future::try_join_all;

use crate::dialects::openai_completions::{CompletionPrompts, CompletionRequest, chat_requests};
use crate::error::ApiError;
use crate::gateway::prepare::{PendingRequest, SourceBody};
use crate::gateway::send::OpenCall;
use crate::gateway::{ChatBody, ChatCall, Gateway, no_model, response};
use crate::limits::WhenFull;
use crate::reply::Reply;
use crate::usage::Ledger;
use crate::wire::misspelling;

impl Gateway {
    /// Handles a completion request.
    pub async fn complete(
        &self,
        call: ChatCall<CompletionRequest>,
    ) -> Result<Reply<ChatBody>, ApiError> {
        let ledger = Arc::clone(&call.ledger);
        let name = call.request.model.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            let unknown = &call.request.unknown;
            no_model(&misspelling(unknown, "model", CompletionRequest::FIELDS))
        })?;
        let mut call = call;
        let mut permit = call.permit.take();
        let (mut pending_requests, echoed) = self.pending_requests(call, &name).await?;
        if let [only] = &mut pending_requests[..] {
            only.permit = permit.take();
        }
        // The pending requests share the body; its memory is held until all calls have started.
        let _shared = permit;
        let open_call = self.start_all(&mut pending_requests, &ledger).await?;
        // The prompts share everything else, including the model and its price.
        let first = pending_requests.first().ok_or_else(ApiError::internal)?;
        let account = self.account(first, &open_call.prepared, ledger);
        response::completion(open_call, account, &name, echoed)
    }

    /// One pending request per prompt, and the prompts to return if `echo` is set.
    async fn pending_requests(
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
            ledger,
        } = call;
        let split = || chat_requests(*request, self.chat.max_n);
        let CompletionPrompts { requests, echoed } =
            self.workers.on_body(body.len(), split).await?;
        let mut pending_requests = Vec::with_capacity(requests.len());
        let several = requests.len() > 1;
        for (prompt, request) in requests.into_iter().enumerate() {
            let target = self.chat_model(name, &ledger).await?;
            let source_body = SourceBody::Completion {
                body: body.clone(),
                prompt,
                several,
            };
            let (caller, headers) = (caller.clone(), headers.clone());
            pending_requests.push(self.apply_settings(
                caller,
                Box::new(request),
                source_body,
                target,
                headers,
            ));
        }
        Ok((pending_requests, echoed))
    }

    /// Starts all calls concurrently; the operator limits their number. The first failure cancels
    /// the others.
    async fn start_all(
        &self,
        pending_requests: &mut [PendingRequest],
        ledger: &Arc<Ledger>,
    ) -> Result<OpenCall, ApiError> {
        let several = pending_requests.len() > 1;
        // A prompt that waits for another prompt of the same request would wait forever.
        let when_full = match several {
            true => WhenFull::Refuse,
            false => WhenFull::Wait,
        };
        let begin = pending_requests.iter_mut().map(async |pending| {
            let open_call = self.begin(pending, when_full, ledger).await;
            open_call.map_err(|error| error.named(pending.names()))
        });
        let mut open_call = try_join_all(begin).await?.into_iter();
        let mut all = open_call.next().ok_or_else(ApiError::internal)?;
        for more in open_call {
            all.sources.extend(more.sources);
            all.permits.extend(more.permits);
            all.prepared.adjustments.extend(more.prepared.adjustments);
        }
        ledger.adjusted(all.prepared.adjustments.log_value());
        Ok(all)
    }
}
