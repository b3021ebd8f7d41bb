//! The life of a chat request that goes to a chat-completions upstream (one of AWS's OpenAI
//! endpoints): the steps of any other chat request, with the client's own body instead of a
//! Converse request.

use std::sync::Arc;

use super::chat_upstream_stream::ChatUpstreamStream;
use super::ids::response_id;
use super::pending_request::PendingRequest;
use super::{ChatBody, Pipeline, note_request};
use crate::bedrock::{ChunkDecoder, EventStream, UpstreamError};
use crate::error::ApiError;
use crate::limits::Permit;
use crate::models::{ModelId, OpenAiEndpoint};
use crate::openai::chat::{
    ChatUpstreamChunks, ChatUpstreamHead, ChatUpstreamOptions, ChatUpstreamRequest,
    ChatUpstreamResponse, upstream_response,
};
use crate::reply::{Adjustments, Reply};
use crate::usage::Ledger;
use bytes::Bytes;

/// The response of the upstream.
enum ChatUpstreamSource {
    Live(Box<EventStream<ChunkDecoder>>),
    Complete(Bytes),
}

impl Pipeline {
    /// Handles a chat request through `upstream`.
    pub(super) async fn chat_via_upstream(
        &self,
        mut pending: PendingRequest,
        upstream: OpenAiEndpoint,
        name: &str,
        ledger: Arc<Ledger>,
    ) -> Result<Reply<ChatBody>, ApiError> {
        let target = pending.target.model.as_str().into();
        let permit = self.admit(&pending.caller, &target, &ledger).await?;
        self.fetch_for_admitted(&mut pending).await?;
        loop {
            pending.admit().await?;
            let length = pending.source_length();
            let prepare = || serialize(pending.upstream_request()?, length);
            let (body, output_options, adjustments) = self.workers.on_body(length, prepare).await?;
            pending.shrink_memory(body.len());
            note_request(&ledger, output_options.stream, &adjustments);
            let model = pending.target.model.clone();
            let call = self.send_to_chat_upstream(
                (upstream, &model),
                body,
                output_options.stream,
                &ledger,
            );
            match call.await {
                Ok(source) => {
                    pending.learn_profile(&self.models);
                    let output_options = (output_options, adjustments);
                    return self.chat_upstream_reply(
                        source,
                        output_options,
                        &pending,
                        permit,
                        name,
                        ledger,
                    );
                }
                Err(error) => self.revise(&mut pending, error, &ledger)?,
            }
        }
    }

    async fn send_to_chat_upstream(
        &self,
        (upstream, model): (OpenAiEndpoint, &ModelId),
        body: Bytes,
        stream: bool,
        ledger: &Ledger,
    ) -> Result<ChatUpstreamSource, UpstreamError> {
        let bedrock = self.bedrock_for(ledger);
        match stream {
            true => {
                let stream = bedrock.chat_completion_stream(upstream, model, body).await;
                stream.map(|stream| ChatUpstreamSource::Live(Box::new(stream)))
            }
            false => {
                let response = bedrock.chat_completion(upstream, model, body).await;
                response.map(ChatUpstreamSource::Complete)
            }
        }
    }

    /// The response to the client.
    fn chat_upstream_reply(
        &self,
        source: ChatUpstreamSource,
        (output_options, adjustments): (ChatUpstreamOptions, Adjustments),
        pending: &PendingRequest,
        permit: Permit,
        name: &str,
        ledger: Arc<Ledger>,
    ) -> Result<Reply<ChatBody>, ApiError> {
        let account = self.account(pending, output_options.tier, ledger);
        let head = ChatUpstreamHead {
            id: response_id("chatcmpl-"),
            model: name.to_owned(),
        };
        let rate = permit.rate();
        let body = match source {
            ChatUpstreamSource::Live(events) => {
                let chunks = ChatUpstreamChunks::new(output_options, head);
                let stream = ChatUpstreamStream::new(*events, chunks, account, permit);
                ChatBody::ChatUpstreamStream(Box::new(stream))
            }
            ChatUpstreamSource::Complete(body) => {
                let ChatUpstreamResponse { json, usage, tier } =
                    upstream_response(&body, &output_options, &head)?;
                if let Some(usage) = usage {
                    account.settle_chat_upstream(usage, tier);
                }
                let cost = account.ledger().entries().cost;
                return Ok(Reply {
                    adjustments,
                    rate,
                    cost,
                    body: ChatBody::Complete(json.into()),
                });
            }
        };
        Ok(Reply {
            adjustments,
            rate,
            cost: None,
            body,
        })
    }
}

/// Serializes the request, and returns it with the plan of its response. Frees the parsed values.
fn serialize(
    upstream_request: ChatUpstreamRequest,
    length: usize,
) -> Result<(Bytes, ChatUpstreamOptions, Adjustments), ApiError> {
    let ChatUpstreamRequest {
        body: fields,
        output_options,
        adjustments,
    } = upstream_request;
    // About the source's length: while a growing buffer is reallocated, it is held twice.
    let mut body = Vec::with_capacity(length + 1024);
    serde_json::to_writer(&mut body, &fields).map_err(|_| ApiError::internal())?;
    Ok((body.into(), output_options, adjustments))
}
