//! The life of a chat request that goes to one of AWS's OpenAI surfaces: the steps of any other,
//! with the client's own body in the place of a Converse request.

use std::sync::Arc;

use super::draft::PendingRequest;
use super::native_stream::ChatUpstreamStream;
use super::{ChatBody, ChatReply, Pipeline, new_id, note_request};
use crate::adjustments::Adjustments;
use crate::bedrock::{ChunkDecoder, EventStream, UpstreamError};
use crate::fault::ApiError;
use crate::limits::{Permit, Refusal};
use crate::models::{ModelId, OpenAiEndpoint};
use crate::openai::chat::{
    ChatUpstreamChunks, ChatUpstreamHead, ChatUpstreamOptions, ChatUpstreamRequest,
    ChatUpstreamResponse, native_answer,
};
use crate::record::Record;
use bytes::Bytes;

/// What a surface has answered.
enum ChatUpstreamSource {
    Live(Box<EventStream<ChunkDecoder>>),
    Whole(Bytes),
}

impl Pipeline {
    /// Answers a chat request by way of `surface`, or says what stands against it.
    pub(super) async fn chat_natively(
        &self,
        mut draft: PendingRequest,
        surface: OpenAiEndpoint,
        name: &str,
        record: Arc<Record>,
    ) -> Result<ChatReply, Refusal> {
        let target = draft.target.model.as_str().into();
        let permit = self.admit(&draft.caller, &target, &record).await?;
        self.fetch_for_admitted(&mut draft).await?;
        loop {
            draft.admit().await?;
            let length = draft.source_length();
            let pass_on = || written(draft.pass_on()?, length);
            let (body, plan, adjustments) = self.workers.on_body(length, pass_on).await?;
            draft.hold_no_more_than(body.len());
            note_request(&record, plan.stream, &adjustments);
            let model = draft.target.model.clone();
            let asked = self.ask_natively((surface, &model), body, plan.stream, &record);
            match asked.await {
                Ok(source) => {
                    draft.learn_profile(&self.models);
                    let plan = (plan, adjustments);
                    return self.answer_natively(source, plan, &draft, permit, name, record);
                }
                Err(failure) => self.revise(&mut draft, failure, &record)?,
            }
        }
    }

    /// Sends the request.
    async fn ask_natively(
        &self,
        (surface, model): (OpenAiEndpoint, &ModelId),
        body: Bytes,
        stream: bool,
        record: &Record,
    ) -> Result<ChatUpstreamSource, UpstreamError> {
        let bedrock = self.bedrock_for(record);
        match stream {
            true => {
                let stream = bedrock.chat_completion_stream(surface, model, body).await;
                stream.map(|stream| ChatUpstreamSource::Live(Box::new(stream)))
            }
            false => {
                let answer = bedrock.chat_completion(surface, model, body).await;
                answer.map(ChatUpstreamSource::Whole)
            }
        }
    }

    /// The answer in the client's words.
    fn answer_natively(
        &self,
        source: ChatUpstreamSource,
        (plan, adjustments): (ChatUpstreamOptions, Adjustments),
        draft: &PendingRequest,
        permit: Permit,
        name: &str,
        record: Arc<Record>,
    ) -> Result<ChatReply, Refusal> {
        let account = self.account(draft, plan.tier, record);
        let head = ChatUpstreamHead {
            id: new_id("chatcmpl"),
            model: name.to_owned(),
        };
        let rate = permit.rate();
        let body = match source {
            ChatUpstreamSource::Live(events) => {
                let chunks = ChatUpstreamChunks::new(plan, head);
                let stream = ChatUpstreamStream::new(*events, chunks, account, permit);
                ChatBody::NativeStream(Box::new(stream))
            }
            ChatUpstreamSource::Whole(body) => {
                let ChatUpstreamResponse { json, usage, tier } =
                    native_answer(&body, &plan, &head)?;
                if let Some(usage) = usage {
                    account.settle_native(usage, tier);
                }
                let cost = account.record().entries().cost;
                return Ok(ChatReply {
                    adjustments,
                    rate,
                    cost,
                    body: ChatBody::Whole(json.into()),
                });
            }
        };
        Ok(ChatReply {
            adjustments,
            rate,
            cost: None,
            body,
        })
    }
}

/// What is sent, as JSON, and what is known of its response. The values that it was made of are gone.
fn written(
    native: ChatUpstreamRequest,
    length: usize,
) -> Result<(Bytes, ChatUpstreamOptions, Adjustments), ApiError> {
    let ChatUpstreamRequest {
        body: fields,
        plan,
        adjustments,
    } = native;
    // About as long as what it is made of: a buffer that grows is held twice.
    let mut body = Vec::with_capacity(length + 1024);
    serde_json::to_writer(&mut body, &fields).map_err(|_| ApiError::internal())?;
    Ok((body.into(), plan, adjustments))
}
