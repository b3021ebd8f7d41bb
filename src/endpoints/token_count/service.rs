//! The number of input tokens of a request: counted by Bedrock if it counts for the model,
//! otherwise estimated and labelled as an estimate.

use std::sync::Arc;

use bytes::Bytes;

use crate::bedrock::ModelCall;
use crate::catalog::ModelInfo;
use crate::converse::estimate::estimated_tokens;
use crate::converse::request::ConverseRequest;
use crate::dialects::openai_chat::{ChatTranslation, ClientFields};
use crate::dialects::openai_responses::{AsChat, InputTokens, ResponsesRequest, as_chat};
use crate::error::{ApiError, Field, FieldNames, OutputField, RateState};
use crate::gateway::policy::HeaderOptions;
use crate::gateway::request::CallerRequest;
use crate::gateway::{ChatCall, Gateway, model_name};
use crate::reply::{Adjustments, Reply};
use crate::usage::{Ledger, Upstream};

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
    rate: Option<RateState>,
}

impl Gateway {
    /// Counts the input tokens of a chat request.
    pub async fn chat_input_tokens(&self, call: ChatCall) -> Result<Reply, ApiError> {
        let ledger = Arc::clone(&call.ledger);
        let fields = ClientFields::of_chat();
        let token_count = self.token_count(call, fields).await?;
        reply(token_count, &ledger)
    }

    /// Counts the input tokens of a Responses API request.
    pub async fn response_input_tokens(
        &self,
        call: CallerRequest<ResponsesRequest>,
        headers: HeaderOptions,
    ) -> Result<Reply, ApiError> {
        let CallerRequest {
            caller,
            request,
            memory,
            ledger,
        } = call;
        let AsChat {
            request,
            field_names,
            mut adjustments,
        } = {
            let as_chat = || as_chat(request);
            self.workers.on_body(memory.length(), as_chat).await?
        };
        let call = ChatCall {
            caller,
            request: Box::new(request),
            // The body is for requests that are revised after a failure; this one is never sent.
            body: Bytes::new(),
            permit: Some(memory),
            headers,
            ledger: Arc::clone(&ledger),
        };
        let names: Arc<dyn FieldNames> = Arc::new(field_names);
        let fields = ClientFields {
            fields: ResponsesRequest::FIELDS,
            names: Arc::clone(&names),
        };
        let token_count = self
            .token_count(call, fields)
            .await
            .map_err(|error| error.named(names.as_ref()))?;
        adjustments.extend(token_count.adjustments);
        let token_count = TokenCountReply {
            adjustments,
            ..token_count
        };
        reply(token_count, &ledger)
    }

    /// The tokens of a Converse request, counted by Bedrock if possible.
    ///
    /// CountTokens has its own quotas and does not support every model in every region. If it fails
    /// for any reason, the result is an estimate.
    pub(crate) async fn count(
        &self,
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
        Ok(
            match self
                .bedrock_for(ledger, Upstream::CountTokens)
                .count_tokens(call)
                .await
            {
                Ok(tokens) => Count {
                    tokens,
                    source: CountSource::CountTokens,
                },
                Err(error) => {
                    let detail = error.log_detail();
                    ledger.upstream_failed(error.code, detail, error.detail);
                    estimate
                }
            },
        )
    }

    async fn token_count(
        &self,
        call: ChatCall,
        client_fields: ClientFields,
    ) -> Result<TokenCountReply, ApiError> {
        let ledger = Arc::clone(&call.ledger);
        let name = model_name(&call.request)?;
        let mut pending = self.pending(call, &name).await?;
        pending.options.client_fields = client_fields;
        let target = pending.target.model.as_str().into();
        let permit = self.admit(&pending.caller, &target, &ledger).await?;
        self.fetch_for_admitted(&mut pending).await?;
        let length = pending.source_length();
        let model_info = Arc::clone(&pending.target.model_info);
        let translate = || {
            let ChatTranslation {
                converse,
                route: _,
                output_options,
                adjustments,
            } = pending.translate(&self.memory)?;
            // Frees the parsed request before Bedrock is called.
            let count_input = CountInput::of(&model_info, &converse)?;
            Ok::<_, ApiError>((count_input, output_options.stream, adjustments))
        };
        let translated = self.workers.on_body(length, translate).await?;
        let (count_input, stream, mut adjustments) = translated;
        pending.shrink_memory(count_input.length());
        ledger.translated(stream, None, adjustments.log_value());
        let count = self.count(&model_info, count_input, &ledger).await?;
        if count.source == CountSource::Estimate {
            if pending.strict {
                return Err(no_count());
            }
            adjustments.note(Field::Output(OutputField::InputTokens), ESTIMATED);
            adjustments = adjustments.named(pending.names());
        }
        Ok(TokenCountReply {
            count,
            adjustments,
            rate: permit.rate(),
        })
    }
}

fn reply(token_count: TokenCountReply, ledger: &Ledger) -> Result<Reply, ApiError> {
    let TokenCountReply {
        count,
        adjustments,
        rate,
    } = token_count;
    ledger.translated(false, None, adjustments.log_value());
    let object = InputTokens::new(count.tokens, count.source.as_str());
    Ok(Reply {
        adjustments,
        rate,
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
