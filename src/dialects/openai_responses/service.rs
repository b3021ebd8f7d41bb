//! The life of a Responses request, which is that of every request with one conversation.

use super::{
    Purpose, ResponseHead, ResponsesFormat, ResponsesRequest, ResponsesSource, ResponsesWriter,
    model_name,
};
use crate::config::{ResponsesSettings, Truncate};
use crate::error::ApiError;
use crate::gateway::{ChatBody, ChatCall, Gateway, HeaderOptions, unix_seconds};
use crate::reply::Reply;
use crate::resources::ids::response_id;
use crate::wire::ParsedBody;

/// Creates a response.
pub(crate) async fn create(
    gateway: &Gateway,
    settings: ResponsesSettings,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<ChatBody<ResponsesWriter>>, ApiError> {
    let (call, name, format) = prepare(settings, call)?;
    gateway.chat(call, &name, &format).await
}

/// Creates a response that the limits have admitted already.
pub(crate) async fn create_admitted(
    gateway: &Gateway,
    settings: ResponsesSettings,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<ChatBody<ResponsesWriter>>, ApiError> {
    let (call, name, format) = prepare(settings, call)?;
    gateway.chat_admitted(call, &name, &format).await
}

/// What the gateway needs: the call, the client's name of the model, and the response's format.
fn prepare(
    settings: ResponsesSettings,
    mut call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<(ChatCall<ResponsesSource>, String, ResponsesFormat), ApiError> {
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    let name = model_name(request)?;
    let format = format(&response_id("resp_"), request, settings);
    if request.truncation.as_deref() == Some("auto") {
        truncate(&mut call.headers);
    }
    let call = call.try_map(|request| ResponsesSource::new(request, Purpose::Respond))?;
    Ok((call, name, format))
}

/// The format of the response to `request`.
pub(crate) fn format(
    id: &str,
    request: &ResponsesRequest,
    settings: ResponsesSettings,
) -> ResponsesFormat {
    let head = ResponseHead::new(id, unix_seconds(), request);
    ResponsesFormat::new(head, request, settings.on_blocked, unix_seconds)
}

/// Leaves out the oldest turns of a conversation that is too long, unless the header decides.
fn truncate(headers: &mut Option<Box<HeaderOptions>>) {
    let headers = headers.get_or_insert_default();
    headers.truncate = headers.truncate.or(Some(Truncate::Oldest));
}
