//! Explains a chat request: what the gateway would send upstream, without sending it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::catalog::ModelTarget;
use crate::converse::dialect::DialectRequest;
use crate::converse::request::ConverseRequest;
use crate::converse::trace::OPERATOR_PLACEHOLDER;
use crate::converse::translation::ChatTranslation;
use crate::converse::upstream::UpstreamRoute;
use crate::converse::upstream::chat_completions::ChatCompletionRequest;
use crate::dialects::openai_chat::{ChatRequest, model_name};
use crate::endpoints::token_count::service::{Count, CountInput, count};
use crate::error::{ApiError, FieldNames};
use crate::gateway::{ChatCall, Gateway};
use crate::limits::Demand;
use crate::models::{ChatUpstream, CostBreakdown, Tier, Tokens};
use crate::usage::usd;
use crate::wire::ParsedBody;

#[derive(Serialize)]
struct Explanation<'a> {
    object: &'static str,
    model: &'a str,
    target: TargetObject<'a>,
    /// The number of upstream calls.
    choices: u32,
    adjustments: Vec<AdjustmentObject<'a>>,
    cache_points: Vec<CachePointObject>,
    input_tokens: InputTokenEstimate,
    price: InputPriceObject,
    /// The Converse request.
    #[serde(skip_serializing_if = "Option::is_none")]
    converse: Option<&'a ConverseRequest>,
    /// The request to a chat-completions upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_completion: Option<ChatCompletionRequest<'a>>,
}

#[derive(Serialize)]
struct TargetObject<'a> {
    model_id: &'a str,
    operation: &'static str,
    /// The API that the request goes to.
    upstream: &'static str,
    /// The field that makes the gateway use Converse instead of the upstream set for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    rerouted_for: Option<String>,
    region: &'a str,
    /// Omitted if the model is not in the table.
    #[serde(skip_serializing_if = "str::is_empty")]
    family: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_window: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    /// The date on which the model is shut down.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_of_life: Option<&'a str>,
    /// Whether AWS lists it as a legacy model, which accounts that never used it cannot call.
    legacy: bool,
}

#[derive(Serialize)]
struct AdjustmentObject<'a> {
    field: Cow<'a, str>,
    action: Cow<'a, str>,
}

#[derive(Serialize)]
struct CachePointObject {
    /// The position in the Converse request.
    path: String,
    ttl: &'static str,
}

#[derive(Serialize)]
struct InputTokenEstimate {
    count: u64,
    /// `CountTokens` if Bedrock counted, otherwise `estimate`.
    source: &'static str,
}

#[derive(Serialize)]
struct InputPriceObject {
    /// The price of the input without a cache, in USD; `unknown` without a price.
    input_usd: String,
}

/// The reader of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExplainReader {
    /// A caller, who sees the operator's ARNs and guardrails only if the request named them.
    Caller,
    /// The operator, on the command line.
    Operator,
}

/// The explanation of a chat request, as JSON.
pub(crate) async fn explain_chat(
    gateway: &Gateway,
    call: ChatCall<ParsedBody<ChatRequest>>,
    reader: ExplainReader,
) -> Result<Bytes, ApiError> {
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    let name = model_name(request)?;
    explain(gateway, call, &name, reader).await
}

/// The explanation of a request of any dialect to the model `name`. No model is called; the tokens
/// are counted if Bedrock counts for the model.
async fn explain<R: DialectRequest>(
    gateway: &Gateway,
    call: ChatCall<R>,
    name: &str,
    reader: ExplainReader,
) -> Result<Bytes, ApiError> {
    let ledger = Arc::clone(&call.ledger);
    let mut pending = gateway.pending(call, name).await?;
    let target = pending.target.model.shared();
    let _permit = gateway
        .admit(&pending.caller, &target, &Demand::free(), &ledger)
        .await?;
    gateway.fetch_for_admitted(&mut pending).await?;
    let mut translated = gateway.translate(&mut pending).await?;
    let stream = translated.output_options.stream;
    ledger.translated(stream, None, translated.adjustments.log_value());
    // Counted with the actual guardrail; only its display changes.
    let model_info = &pending.target.model_info;
    let count_input = CountInput::of(model_info, &translated.converse)?;
    let count = count(gateway, model_info, count_input, &ledger).await?;
    if reader == ExplainReader::Caller && pending.options.guardrail.is_some() {
        hide_guardrail(&mut translated.converse);
    }
    let explained = Explained {
        name,
        names: pending.names(),
        target: &pending.target,
        region: gateway.bedrock().region(),
        reader,
    };
    explanation(&explained, &translated, count)
}

/// What is explained besides the translation.
struct Explained<'a> {
    /// The client's name of the model.
    name: &'a str,
    names: &'a dyn FieldNames,
    target: &'a ModelTarget,
    region: &'a str,
    reader: ExplainReader,
}

fn explanation(
    explained: &Explained<'_>,
    translated: &ChatTranslation,
    count: Count,
) -> Result<Bytes, ApiError> {
    let Explained {
        name,
        names,
        target,
        region,
        reader,
    } = *explained;
    let model_info = &target.model_info;
    let input_tokens = InputTokenEstimate {
        count: count.tokens,
        source: count.source.as_str(),
    };
    let tokens = Tokens {
        input: input_tokens.count,
        ..Tokens::default()
    };
    let price = model_info.price.as_ref();
    let cost = price.and_then(|price| price.cost(&tokens, Tier::Default));
    let ChatTranslation {
        converse,
        route: UpstreamRoute {
            upstream,
            rerouted_for,
        },
        output_options,
        adjustments,
    } = translated;
    let model_id = displayed_model(name, target, reader);
    let (converse, chat_completion) = match upstream {
        ChatUpstream::Converse => (Some(converse), None),
        ChatUpstream::OpenAi(_) => {
            let stream = !output_options.non_streaming;
            let request = ChatCompletionRequest::new(converse, model_id, stream)?;
            (None, Some(request))
        }
    };
    let explanation = Explanation {
        object: "outcrop.explanation",
        model: name,
        target: TargetObject {
            model_id,
            operation: operation(translated),
            upstream: upstream.as_str(),
            rerouted_for: rerouted_for
                .as_ref()
                .map(|unsupported| names.path(&unsupported.field)),
            region,
            family: &model_info.capabilities.family,
            context_window: model_info.context_window,
            max_output_tokens: model_info.output_limit,
            end_of_life: model_info.end_of_life.as_deref(),
            legacy: model_info.legacy,
        },
        choices: output_options.choices,
        adjustments: adjustments
            .iter()
            .map(|note| AdjustmentObject {
                field: note.field.path(),
                action: note.action.as_text(),
            })
            .collect(),
        cache_points: converse.map(cache_points).unwrap_or_default(),
        input_tokens,
        price: InputPriceObject {
            input_usd: usd(cost.map(CostBreakdown::total)).to_string(),
        },
        converse,
        chat_completion,
    };
    let json = serde_json::to_vec(&explanation).map_err(|_| ApiError::internal())?;
    Ok(json.into())
}

/// The model id; if the operator named an ARN, the id of the base model.
fn displayed_model<'a>(name: &str, target: &'a ModelTarget, reader: ExplainReader) -> &'a str {
    let (model, base) = (&target.model, &target.model_info.resolved_model);
    let is_hidden =
        reader == ExplainReader::Caller && model.account().is_some() && model.as_str() != name;
    match is_hidden {
        false => model.as_str(),
        true if base.account().is_none() => base.as_str(),
        true => OPERATOR_PLACEHOLDER,
    }
}

fn hide_guardrail(converse: &mut ConverseRequest) {
    if let Some(guardrail) = &mut converse.guardrail_config {
        OPERATOR_PLACEHOLDER.clone_into(&mut guardrail.guardrail_identifier);
    }
}

fn operation(translated: &ChatTranslation) -> &'static str {
    match translated.route.upstream {
        ChatUpstream::OpenAi(_) => "ChatCompletions",
        ChatUpstream::Converse if translated.output_options.non_streaming => "Converse",
        ChatUpstream::Converse => "ConverseStream",
    }
}

fn cache_points(converse: &ConverseRequest) -> Vec<CachePointObject> {
    let points = converse.cache_points();
    points
        .map(|(path, point)| CachePointObject {
            path,
            ttl: match point.ttl {
                Some(ttl) => ttl.as_str(),
                None => "5m",
            },
        })
        .collect()
}
