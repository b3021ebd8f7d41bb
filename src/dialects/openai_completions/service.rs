//! The life of a completion request: one conversation for each prompt, with one combined response.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::{
    CompletionPrompts, CompletionRequest, PromptSource, TextFormat, TextWriter, chat_requests,
};
use crate::dialects::openai_chat::CompletionHead;
use crate::error::ApiError;
use crate::gateway::{
    ChatBody, ChatCall, Gateway, OpenCall, PendingRequest, respond, unix_seconds,
};
use crate::limits::WhenFull;
use crate::reply::Reply;
use crate::resources::ids::response_id;
use crate::usage::Ledger;
use crate::wire::{ParsedBody, missing_model};

/// Creates a completion.
pub(crate) async fn create(
    gateway: &Gateway,
    call: ChatCall<ParsedBody<CompletionRequest>>,
) -> Result<Reply<ChatBody<TextWriter>>, ApiError> {
    let ledger = Arc::clone(&call.ledger);
    let mut call = call;
    let mut permit = call.permit.take();
    let (name, mut pending_requests, echoed) = pending_requests(gateway, call).await?;
    if let [only] = &mut pending_requests[..] {
        only.permit = permit.take();
    }
    // The pending requests share the body; its memory is held until all calls have started.
    let _shared = permit;
    let open_call = start_all(gateway, &mut pending_requests, &ledger).await?;
    // The prompts share everything else, including the model and its price.
    let first = pending_requests.first().ok_or_else(ApiError::internal)?;
    let account = gateway.account(first, &open_call.prepared, ledger);
    let format = TextFormat {
        head: CompletionHead {
            id: &response_id("cmpl-"),
            created: unix_seconds(),
            model: &name,
            metadata: None,
        },
        echoed,
    };
    respond(open_call, account, &format)
}

/// The name of the model, one pending request per prompt, and the prompts to return if `echo` is
/// set.
async fn pending_requests(
    gateway: &Gateway,
    call: ChatCall<ParsedBody<CompletionRequest>>,
) -> Result<(String, Vec<PendingRequest<PromptSource>>, Vec<String>), ApiError> {
    let ChatCall {
        caller,
        request,
        permit: _,
        headers,
        ledger,
    } = call;
    let (request, body) = request.into_parts()?;
    let name = request.model.clone().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| missing_model(&request.unknown, CompletionRequest::FIELDS))?;
    let split = || chat_requests(*request, gateway.chat_settings().max_n);
    let CompletionPrompts { requests, echoed } =
        gateway.workers().on_body(body.len(), split).await?;
    let mut pending_requests = Vec::with_capacity(requests.len());
    let several = requests.len() > 1;
    for (prompt, request) in requests.into_iter().enumerate() {
        let call = ChatCall {
            caller: caller.clone(),
            request: PromptSource::new(request, body.clone(), prompt, several),
            permit: None,
            headers: headers.clone(),
            ledger: Arc::clone(&ledger),
        };
        pending_requests.push(gateway.pending(call, &name).await?);
    }
    Ok((name, pending_requests, echoed))
}

/// Starts all calls concurrently; the operator limits their number. The first failure cancels the
/// others.
async fn start_all(
    gateway: &Gateway,
    pending_requests: &mut [PendingRequest<PromptSource>],
    ledger: &Arc<Ledger>,
) -> Result<OpenCall, ApiError> {
    let several = pending_requests.len() > 1;
    // A prompt that waits for another prompt of the same request would wait forever.
    let when_full = match several {
        true => WhenFull::Refuse,
        false => WhenFull::Wait,
    };
    let begin = pending_requests.iter_mut().map(async |pending| {
        let open_call = gateway.begin(pending, when_full, ledger).await;
        open_call.map_err(|error| error.named(pending.names()))
    });
    let mut open_calls = try_join_all(begin).await?.into_iter();
    let mut all = open_calls.next().ok_or_else(ApiError::internal)?;
    for more in open_calls {
        all.add(more);
    }
    ledger.adjusted(all.prepared.adjustments.log_value());
    Ok(all)
}
