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
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    let name = model_name(request)?;
    let format = ChatFormat {
        id: &response_id("chatcmpl-"),
        created: unix_seconds(),
        model: &name,
    };
    gateway.chat(call, &name, &format).await
}
