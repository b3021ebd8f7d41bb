//! Queues a response, and cancels it.

use std::sync::Arc;
use std::time::Duration;

use super::follow::FollowStream;
use super::job::BackgroundJob;
use crate::converse::JsonText;
use crate::converse::dialect::DialectRequest;
use crate::converse::options::Fields;
use crate::dialects::openai_responses::service::keep::expiry;
use crate::dialects::openai_responses::service::retrieve::{find, not_found, reply_of};
use crate::dialects::openai_responses::service::state::now;
use crate::dialects::openai_responses::service::{
    ResponsesBody, StoredResponses, format, source, truncate, truncates,
};
use crate::dialects::openai_responses::stored::{retrieved, stored_items};
use crate::dialects::openai_responses::{Purpose, ResponsesRequest, model_name};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::{ChatCall, Gateway};
use crate::identity::Caller;
use crate::reply::Reply;
use crate::resources::ids::{request_id, stored_id};
use crate::store::{ResponseEnd, ResponseEvents, StoreError, StoredResponse};
use crate::wire::ParsedBody;

/// The maximum number of responses of one owner that have not ended.
const MAX_UNFINISHED: u64 = 200;

/// The delay before a client tries again if there are as many.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Checks a request and queues its response.
pub(crate) async fn enqueue(
    gateway: &Gateway,
    stored: &StoredResponses,
    mut call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<ResponsesBody>, ApiError> {
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    check(stored, request)?;
    let name = model_name(request)?;
    let is_streamed = request.stream == Some(true);
    if truncates(request) {
        truncate(&mut call.headers);
    }
    let (caller, ledger) = (call.caller.clone(), Arc::clone(&call.ledger));
    if let Some(limits) = &caller.profile().limits {
        limits.check_budgets(limits.now())?;
    }
    let (state, owner) = (&stored.state, stored.owner(&caller));
    if state.count_jobs(&owner).await? >= MAX_UNFINISHED {
        return Err(too_many());
    }
    let body = call.request.bytes();
    let headers = call.headers.clone();
    let call = source(gateway, stored, call, Purpose::Respond).await?;
    let earlier = Arc::clone(call.request.earlier());
    let format = format(
        &stored_id("resp_"),
        call.request.request()?,
        &stored.settings,
        // It has no output yet.
        None,
    );
    let format = format.in_background();
    let has_remote_files = !call.request.remote_addresses().is_empty();
    let mut pending = gateway.pending(call, &name).await?;
    // Files at URLs are downloaded when the response is generated, so that such a request cannot be
    // checked before.
    let adjustments = match has_remote_files {
        true => Default::default(),
        false => gateway.translate(&mut pending).await?.adjustments,
    };
    drop(pending);

    let head = format.head();
    let length = body.len();
    let written = gateway.workers().on_body(length, || {
        let request: ResponsesRequest = serde_json::from_slice(&body).map_err(StoreError::from)?;
        let items = stored_items(request, &earlier, &[], head.stem()).map_err(StoreError::from)?;
        let job = BackgroundJob::new(&caller, request_id(), head.created_at(), headers, &body)?;
        let job = serde_json::to_string(&job).map_err(StoreError::from)?;
        Ok::<_, ApiError>((items, job))
    });
    let (items, job) = written.await?;
    let (document, events) = format.queued();
    let created_at = i64::try_from(head.created_at()).unwrap_or(i64::MAX);
    let response = StoredResponse {
        id: head.id().into(),
        owner: Arc::clone(&owner),
        previous_id: head.previous_response_id().map(Arc::from),
        status: "queued".into(),
        document: document.as_str().into(),
        items,
        created_at,
        expires_at: expiry(created_at, stored.settings.retention_days),
    };
    let events = ResponseEvents {
        first_number: 0,
        events: String::from_utf8_lossy(&events).into(),
    };
    if !state.add_queued(response, &job, events).await? {
        let message = "the gateway's memory for responses has no room for this request";
        return Err(ApiError::new(ErrorKind::TooLarge, message).code(ErrorCode::RequestTooLarge));
    }
    let body = match is_streamed {
        true => {
            let stream = FollowStream::new(Arc::clone(state), owner, head.id(), 0, ledger);
            ResponsesBody::Followed(Box::new(stream))
        }
        false => ResponsesBody::Complete(document.into_text().into()),
    };
    Ok(Reply::new(body).adjusted(adjustments))
}

/// Cancels a response; one that has ended does not change.
pub(crate) async fn cancel(
    stored: &StoredResponses,
    caller: &Caller,
    id: &str,
) -> Result<Reply, ApiError> {
    let owner = stored.owner(caller);
    let found = find(stored, &owner, id).await?;
    let response = retrieved(&found.document, &found.items)?;
    if !has(&response, "background", "true") {
        return Err(ApiError::invalid(
            "response_id",
            format!("response `{id}` was not created with `background: true`; close its stream"),
        ));
    }
    if has(&response, "status", "\"queued\"") || has(&response, "status", "\"in_progress\"") {
        let mut document = response;
        let cancelled = JsonText::of("cancelled").map_err(|_| ApiError::internal())?;
        document.set("status", cancelled);
        let document = serde_json::to_string(&document).map_err(|_| ApiError::internal())?;
        let end = ResponseEnd {
            status: "cancelled".into(),
            document: document.into(),
            output: Vec::new(),
            events: None,
        };
        // If it has ended meanwhile, the client receives what it is now.
        stored.state.end(&owner, id, end).await?;
    }
    let found = stored.state.response(&owner, id, now()).await?;
    reply_of(&found.ok_or_else(|| not_found(id))?)
}

fn check(stored: &StoredResponses, request: &ResponsesRequest) -> Result<(), ApiError> {
    if request.store == Some(false) {
        return Err(ApiError::invalid(
            "background",
            "`background` requires that the response is stored; remove `store: false`",
        ));
    }
    if !stored.state.is_enabled() {
        return Err(ApiError::unsupported(
            "background",
            "`background` is not supported: this gateway does not store responses, which the \
             operator enables with `[responses] store`; remove it and stream the response",
        ));
    }
    Ok(())
}

/// Whether a member has this JSON.
fn has(response: &Fields, name: &str, json: &str) -> bool {
    response
        .get(name)
        .is_some_and(|value| value.as_str() == json)
}

fn too_many() -> ApiError {
    let message = format!(
        "{MAX_UNFINISHED} of your responses are queued or in progress; wait until some have ended"
    );
    ApiError::new(ErrorKind::RateLimited, message)
        .code(ErrorCode::RateLimitExceeded)
        .retry_after(RETRY_AFTER)
}
