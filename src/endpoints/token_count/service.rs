//! The number of input tokens of a request: counted by Bedrock if it counts for the model,
//! otherwise estimated and labelled as an estimate.

use std::sync::Arc;

use bytes::Bytes;

use crate::bedrock::ModelCall;
use crate::catalog::ModelInfo;
use crate::converse::dialect::DialectRequest;
use crate::converse::estimate::estimated_tokens;
use crate::converse::request::ConverseRequest;
use crate::converse::translation::ChatTranslation;
use crate::dialects::openai_chat::{self, ChatRequest};
use crate::dialects::openai_responses::StoredResponses;
use crate::dialects::openai_responses::service::source;
use crate::dialects::openai_responses::{self, InputTokens, Purpose, ResponsesRequest};
use crate::error::{ApiError, Field, OutputField};
use crate::gateway::{ChatCall, Gateway};
use crate::limits::Demand;
use crate::reply::{Adjustments, Reply};
use crate::usage::{Ledger, Upstream};
use crate::wire::ParsedBody;

/// The adjustment note of an estimate.
const ESTIMATED: &str = "estimated: Bedrock did not count them";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) tokens: u64,
    pub(crate) source: CountSource,
}

/// The source of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountSource {
    /// Bedrock's CountTokens.
    CountTokens,
    /// The gateway's estimate.
    Estimate,
}

impl CountSource {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CountTokens => "CountTokens",
            Self::Estimate => "estimate",
        }
    }
}

/// A request whose tokens are to be counted.
#[derive(Debug)]
pub(crate) struct CountInput {
    estimate: u64,
    /// The request JSON; `None` if Bedrock does not count for the model.
    body: Option<Bytes>,
}

impl CountInput {
    pub(crate) fn of(model_info: &ModelInfo, converse: &ConverseRequest) -> Result<Self, ApiError> {
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

    /// The length of the request JSON, in bytes.
    fn length(&self) -> usize {
        self.body.as_ref().map_or(0, Bytes::len)
    }
}

/// A count with the data of the response headers.
struct TokenCountReply {
    count: Count,
    adjustments: Adjustments,
}

/// Counts the input tokens of a chat request.
pub(crate) async fn of_chat(
    gateway: &Gateway,
    call: ChatCall<ParsedBody<ChatRequest>>,
) -> Result<Reply, ApiError> {
    let ledger = Arc::clone(&call.ledger);
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    let name = openai_chat::model_name(request)?;
    let token_count = token_count(gateway, call, &name).await?;
    reply(token_count, &ledger)
}

/// Counts the input tokens of a Responses API request, with those of what it continues.
pub(crate) async fn of_response(
    gateway: &Gateway,
    stored: &StoredResponses,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply, ApiError> {
    let ledger = Arc::clone(&call.ledger);
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    let name = openai_responses::model_name(request)?;
    let call = source(gateway, stored, call, Purpose::Count).await?;
    let token_count = token_count(gateway, call, &name).await?;
    reply(token_count, &ledger)
}

/// The tokens of a Converse request, counted by Bedrock if possible.
///
/// CountTokens has its own quotas and does not support every model in every region. If it fails
/// for any reason, the result is an estimate.
pub(crate) async fn count(
    gateway: &Gateway,
    model_info: &ModelInfo,
    count_input: CountInput,
    ledger: &Arc<Ledger>,
) -> Result<Count, ApiError> {
    let CountInput { estimate, body } = count_input;
    let estimate = Count {
        tokens: estimate,
        source: CountSource::Estimate,
    };
    let Some(body) = body else {
        return Ok(estimate);
    };
    let call = ModelCall::new(model_info.resolved_model.clone(), body);
    let bedrock = gateway.bedrock_for(ledger, Upstream::CountTokens);
    Ok(match bedrock.count_tokens(call).await {
        Ok(tokens) => Count {
            tokens,
            source: CountSource::CountTokens,
        },
        Err(error) => {
            let detail = error.log_detail();
            ledger.upstream_failed(error.code, detail, error.detail);
            estimate
        }
    })
}

async fn token_count<R: DialectRequest>(
    gateway: &Gateway,
    call: ChatCall<R>,
    name: &str,
) -> Result<TokenCountReply, ApiError> {
    let ledger = Arc::clone(&call.ledger);
    let mut pending = gateway.pending(call, name).await?;
    let target = pending.target.model.shared();
    let _permit = gateway
        .admit(&pending.caller, &target, &Demand::free(), &ledger)
        .await?;
    gateway.fetch_for_admitted(&mut pending).await?;
    let length = pending.source_length();
    let ChatTranslation {
        converse,
        route: _,
        output_options,
        mut adjustments,
    } = gateway.translate(&mut pending).await?;
    let model_info = Arc::clone(&pending.target.model_info);
    // Frees the parsed request before Bedrock is called.
    let count_input = || {
        let converse = converse;
        CountInput::of(&model_info, &converse)
    };
    let count_input = gateway.workers().on_body(length, count_input).await?;
    pending.shrink_memory(count_input.length());
    ledger.translated(output_options.stream, None, adjustments.log_value());
    let count = count(gateway, &model_info, count_input, &ledger).await?;
    if count.source == CountSource::Estimate {
        if pending.strict {
            return Err(no_count());
        }
        adjustments.note(Field::Output(OutputField::InputTokens), ESTIMATED);
        adjustments = adjustments.named(pending.names());
    }
    Ok(TokenCountReply { count, adjustments })
}

fn reply(token_count: TokenCountReply, ledger: &Ledger) -> Result<Reply, ApiError> {
    let TokenCountReply { count, adjustments } = token_count;
    ledger.translated(false, None, adjustments.log_value());
    let object = InputTokens::new(count.tokens, count.source.as_str());
    Ok(Reply {
        adjustments,
        ..Reply::json(&object)?
    })
}

fn no_count() -> ApiError {
    ApiError::unsupported_value(
        Field::Model,
        "Bedrock cannot count the tokens of this request, and `x-outcrop-strict` rejects \
         estimates; remove the header, or use a model that CountTokens supports",
    )
}
