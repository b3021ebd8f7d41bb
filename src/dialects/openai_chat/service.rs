//! The life of a chat request, which is that of every request with one conversation.

use super::{ChatFormat, ChatRequest, ChunkWriter, model_name};
use crate::error::ApiError;
use crate::gateway::{ChatBody, ChatCall, Gateway, unix_seconds};
use crate::reply::Reply;
use crate::resources::ids::response_id;
use crate::wire::ParsedBody;

/// Creates a chat completion.
pub(crate) async fn create(
    gateway: &Gateway,
    call: ChatCall<ParsedBody<ChatRequest>>,
) -> Result<Reply<ChatBody<ChunkWriter>>, ApiError> {
    let (id, name) = identify(&call)?;
    gateway.chat(call, &name, &format(&id, &name)).await
}

/// Creates a chat completion that the limits have admitted already.
pub(crate) async fn create_admitted(
    gateway: &Gateway,
    call: ChatCall<ParsedBody<ChatRequest>>,
) -> Result<Reply<ChatBody<ChunkWriter>>, ApiError> {
    let (id, name) = identify(&call)?;
    gateway
        .chat_admitted(call, &name, &format(&id, &name))
        .await
}

/// A new id, and the client's name of the model.
fn identify(call: &ChatCall<ParsedBody<ChatRequest>>) -> Result<(String, String), ApiError> {
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    Ok((response_id("chatcmpl-"), model_name(request)?))
}

fn format<'a>(id: &'a str, model: &'a str) -> ChatFormat<'a> {
    ChatFormat {
        id,
        created: unix_seconds(),
        model,
    }
}
