//! How many tokens a request has: counted by Bedrock where it counts for the model, else estimated,
//! and called an estimate.

use std::sync::Arc;

use bytes::Bytes;

use super::model_info::ModelInfo;
use super::{CallerRequest, ChatCall, HeaderOptions, Pipeline, Reply, model_name, note_request};
use crate::adjustments::Adjustments;
use crate::bedrock::ModelCall;
use crate::converse::estimate::estimated_tokens;
use crate::converse::request::ConverseRequest;
use crate::error::ApiError;
use crate::limits::{RateState, Refusal};
use crate::openai::chat::{ChatRequest, ChatTranslation, ClientFields};
use crate::openai::responses::{AsChat, InputTokens, ResponsesRequest, as_chat};
use crate::record::Record;

/// What the header says of a count that nobody made.
const ESTIMATED: &str = "estimated; Bedrock did not count them";

/// The tokens of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) tokens: u64,
    pub(super) source: CountSource,
}

/// Who has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountSource {
    /// Bedrock.
    CountTokens,
    /// Nobody.
    Estimate,
}

impl CountSource {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CountTokens => "CountTokens",
            Self::Estimate => "estimate",
        }
    }
}

/// A request whose tokens are counted.
#[derive(Debug)]
pub(super) struct Uncounted {
    estimate: u64,
    /// Its JSON; `None` if Bedrock does not count for the model.
    body: Option<Bytes>,
}

impl Uncounted {
    pub(super) fn of(model_info: &ModelInfo, converse: &ConverseRequest) -> Result<Self, ApiError> {
        let body = model_info
            .capabilities
            .count_tokens
            .then(|| serde_json::to_vec(converse));
        let body = body.transpose().map_err(|_| ApiError::internal())?;
        Ok(Self {
            estimate: estimated_tokens(converse),
            body: body.map(Bytes::from),
        })
    }

    /// How long what is sent is, in bytes.
    fn length(&self) -> usize {
        self.body.as_ref().map_or(0, Bytes::len)
    }
}

/// A count with what the head of its answer says.
struct TokenCountReply {
    count: Count,
    adjustments: Adjustments,
    rate: Option<RateState>,
}

impl Pipeline {
    /// How many tokens a chat request has.
    pub async fn chat_input_tokens(&self, call: ChatCall) -> Result<Reply, Refusal> {
        let record = Arc::clone(&call.record);
        let fields = ClientFields(ChatRequest::FIELDS);
        let token_count = self.token_count(call, fields).await?;
        reply(token_count, &record)
    }

    /// How many tokens a request to the Responses API has.
    pub async fn response_input_tokens(
        &self,
        call: CallerRequest<ResponsesRequest>,
        headers: HeaderOptions,
    ) -> Result<Reply, Refusal> {
        let CallerRequest {
            caller,
            request,
            memory,
            record,
        } = call;
        let AsChat {
            request,
            field_paths,
            adjustments,
        } = {
            let as_chat = || as_chat(request);
            self.workers.on_body(memory.length(), as_chat).await?
        };
        let call = ChatCall {
            caller,
            request: Box::new(request),
            // For requests that are written again, which one that is not sent never is.
            body: Bytes::new(),
            permit: Some(memory),
            headers,
            record: Arc::clone(&record),
        };
        let fields = ClientFields(ResponsesRequest::FIELDS);
        let token_count = self
            .token_count(call, fields)
            .await
            .map_err(|refusal| Refusal {
                error: field_paths.error(refusal.error),
                ..refusal
            })?;
        let token_count = TokenCountReply {
            adjustments: field_paths.adjustments(adjustments, &token_count.adjustments),
            ..token_count
        };
        reply(token_count, &record)
    }

    /// The tokens of a Converse request: a count of Bedrock's where there is one to be had.
    ///
    /// Counting has quotas of its own, and not every model that the table has is counted for
    /// everywhere; whatever stands against it, there is an estimate.
    pub(super) async fn count(
        &self,
        model_info: &ModelInfo,
        uncounted: Uncounted,
        record: &Record,
    ) -> Result<Count, ApiError> {
        let Uncounted { estimate, body } = uncounted;
        let estimate = Count {
            tokens: estimate,
            source: CountSource::Estimate,
        };
        let Some(body) = body else {
            return Ok(estimate);
        };
        let call = ModelCall::new(model_info.resolved_model.clone(), body);
        Ok(match self.bedrock_for(record).count_tokens(call).await {
            Ok(tokens) => Count {
                tokens,
                source: CountSource::CountTokens,
            },
            Err(error) => {
                let detail = error.log_detail();
                record.entries().error = Some((error.code, detail));
                estimate
            }
        })
    }

    async fn token_count(
        &self,
        call: ChatCall,
        client_fields: ClientFields,
    ) -> Result<TokenCountReply, Refusal> {
        let record = Arc::clone(&call.record);
        let name = model_name(&call.request)?;
        let mut pending = self.pending(call, &name).await?;
        pending.options.client_fields = client_fields;
        let target = pending.target.model.as_str().into();
        let permit = self.admit(&pending.caller, &target, &record).await?;
        self.fetch_for_admitted(&mut pending).await?;
        let length = pending.source_length();
        let model_info = Arc::clone(&pending.target.model_info);
        let translate = || {
            let ChatTranslation {
                converse,
                output_options,
                adjustments,
            } = pending.translate(&self.memory)?;
            // The values that the request is made of are gone before Bedrock is called.
            let uncounted = Uncounted::of(&model_info, &converse)?;
            Ok::<_, ApiError>((uncounted, output_options.stream, adjustments))
        };
        let translated = self.workers.on_body(length, translate).await?;
        let (uncounted, stream, mut adjustments) = translated;
        pending.hold_no_more_than(uncounted.length());
        note_request(&record, stream, &adjustments);
        let count = self.count(&model_info, uncounted, &record).await?;
        if count.source == CountSource::Estimate {
            if pending.strict {
                return Err(no_count().into());
            }
            adjustments.note("input_tokens", ESTIMATED);
        }
        Ok(TokenCountReply {
            count,
            adjustments,
            rate: permit.rate(),
        })
    }
}

fn reply(token_count: TokenCountReply, record: &Record) -> Result<Reply, Refusal> {
    let TokenCountReply {
        count,
        adjustments,
        rate,
    } = token_count;
    let mut entries = record.entries();
    entries.stream = false;
    entries.adjustments = adjustments.log_value();
    let object = InputTokens::new(count.tokens, count.source.as_str());
    let body = serde_json::to_vec(&object).map_err(|_| ApiError::internal())?;
    Ok(Reply {
        body: body.into(),
        adjustments,
        rate,
        cost: None,
    })
}

fn no_count() -> ApiError {
    ApiError::unsupported_value(
        "model",
        "Bedrock does not count the tokens of this request, and `x-outcrop-strict` takes no \
         estimate; leave the header out, or ask for a model that Bedrock counts for",
    )
}
