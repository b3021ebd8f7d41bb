//! The life of a Responses request: that of every request with one conversation, after the stored
//! items that it continues were found, and until it is stored itself.

mod background;
mod jobs;
mod keep;
mod memory;
mod resolve;
mod retrieve;
mod state;

pub use background::BackgroundResponses;
pub(crate) use background::cancel;
pub(crate) use keep::ResponsesBody;
pub(crate) use resolve::source;
pub(crate) use retrieve::{Retrieval, delete, input_items, retrieve};
pub use state::ResponseState;

use std::sync::Arc;

use super::request::is_triggered;
use super::{
    CompactFormat, Purpose, ResponseHead, ResponsesFormat, ResponsesRequest, ResponsesSource,
    ResponsesWriter, model_name,
};
use crate::config::{ResponsesSettings, Truncate};
use crate::error::ApiError;
use crate::gateway::{ChatBody, ChatCall, Gateway, HeaderOptions, unix_seconds};
use crate::identity::Caller;
use crate::reply::Reply;
use crate::resources::ids::{response_id, stored_id};
use crate::resources::seals::Sealer;
use crate::wire::ParsedBody;
use keep::Keep;

/// The store of responses, and who owns them.
#[derive(Debug, Clone)]
pub struct StoredResponses {
    /// The store.
    pub state: Arc<ResponseState>,
    /// The settings of the Responses API.
    pub settings: ResponsesSettings,
}

impl StoredResponses {
    /// Who owns the responses of `caller`.
    fn owner(&self, caller: &Caller) -> Arc<str> {
        caller.owner(self.settings.owner)
    }
}

/// Creates a response.
pub(crate) async fn create(
    gateway: &Gateway,
    stored: &StoredResponses,
    mut call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<ResponsesBody>, ApiError> {
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    if request.background == Some(true) {
        return background::enqueue(gateway, stored, call).await;
    }
    let name = model_name(request)?;
    let wants_store = request.store.unwrap_or(true);
    if truncates(request) {
        truncate(&mut call.headers);
    }
    let body = call.request.bytes();
    let owner = stored.owner(&call.caller);
    let permit = call.permit.as_ref().map(|permit| permit.another());
    let call = source(gateway, stored, call, Purpose::Respond).await?;
    let is_stored = wants_store && stored.state.is_enabled();
    let mut format = format(
        &stored_id("resp_"),
        call.request.request()?,
        &stored.settings,
        gateway.sealer(&call.caller),
    );
    if is_stored {
        format = format.stored();
    }
    let keep = is_stored.then(|| Keep {
        state: Arc::clone(&stored.state),
        owner,
        body,
        earlier: Arc::clone(call.request.earlier()),
        head: Arc::clone(format.head()),
        retention_days: stored.settings.retention_days,
        workers: gateway.workers().clone(),
    });
    let mut reply = gateway.chat(call, &name, &format).await?;
    if wants_store && keep.is_none() {
        // Not an adjustment of the request: SDKs store by default, in strict mode, too.
        let note = "ignored; the operator has disabled the storage of responses";
        reply.adjustments.note("store", note);
    }
    keep::kept(reply, keep, permit, &mut format).await
}

/// Replaces a conversation by its summary.
pub(crate) async fn compact(
    gateway: &Gateway,
    stored: &StoredResponses,
    mut call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<ChatBody<ResponsesWriter>>, ApiError> {
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    let name = model_name(request)?;
    truncate(&mut call.headers);
    let sealer = gateway.sealer(&call.caller);
    let call = source(gateway, stored, call, Purpose::Compact).await?;
    let request = call.request.request()?;
    let format = format(&response_id("resp_"), request, &stored.settings, sealer);
    let format = CompactFormat::new(format, request);
    gateway.chat(call, &name, &format).await
}

/// Creates a response that the limits have admitted already, and that is not stored.
pub(crate) async fn create_admitted(
    gateway: &Gateway,
    settings: &ResponsesSettings,
    mut call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<ChatBody<ResponsesWriter>>, ApiError> {
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    let name = model_name(request)?;
    let sealer = gateway.sealer(&call.caller);
    let format = format(&response_id("resp_"), request, settings, sealer);
    if truncates(request) {
        truncate(&mut call.headers);
    }
    let call = call.try_map(|request| ResponsesSource::new(request, Purpose::Respond))?;
    gateway.chat_admitted(call, &name, &format).await
}

/// The format of the response `id` to `request`, whose reasoning `sealer` seals.
pub(crate) fn format(
    id: &str,
    request: &ResponsesRequest,
    settings: &ResponsesSettings,
    sealer: Option<Sealer>,
) -> ResponsesFormat {
    let head = ResponseHead::new(id, unix_seconds(), request);
    let format = ResponsesFormat::new(head, request, settings.on_blocked, unix_seconds);
    format.sealed_by(sealer)
}

/// Whether a conversation that is too long is shortened: the summary of a part is better than none.
fn truncates(request: &ResponsesRequest) -> bool {
    let compacts = request.items().is_some_and(is_triggered);
    compacts || request.truncation.as_deref() == Some("auto")
}

/// Leaves out the oldest turns of a conversation that is too long, unless the header decides.
fn truncate(headers: &mut Option<Box<HeaderOptions>>) {
    let headers = headers.get_or_insert_default();
    headers.truncate = headers.truncate.or(Some(Truncate::Oldest));
}
