//! The life of an embeddings request: look up the model, fetch the images, split the input into
//! calls, and return the embeddings in the order of `input`.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use crate::bedrock::InvokeResponse;
use crate::catalog::{ModelInfo, ModelTarget};
use crate::config::EmbeddingSettings;
use crate::converse::JsonText;
use crate::converse::media::fetched_length;
use crate::endpoints::embeddings::bodies::{EmbeddingCall, EmbeddingResponse, read};
use crate::endpoints::embeddings::{
    EmbeddingContext, EmbeddingsHead, EmbeddingsRequest, EncodingFormat, TranslatedEmbeddings,
    has_tokens, remote_images, response_json, translate,
};
use crate::error::{ApiError, ErrorKind};
use crate::gateway::CallSize;
use crate::gateway::FailedCall;
use crate::gateway::Gateway;
use crate::gateway::SearchedTarget;
use crate::gateway::unreadable;
use crate::gateway::{CallerRequest, UpstreamBodies};
use crate::identity::Caller;
use crate::limits::{Demand, ExpectedCost, OutputSize, PromptSize};
use crate::models::{CostBreakdown, Endpoint, Tier, Usd};
use crate::reply::Reply;
use crate::usage::{Charge, Cost, TokenCounts, Units};

/// Handles an embeddings request.
pub(super) async fn embeddings(
    gateway: &Gateway,
    settings: EmbeddingSettings,
    call: CallerRequest<EmbeddingsRequest>,
) -> Result<Reply, ApiError> {
    let CallerRequest {
        caller,
        request,
        mut memory,
        ledger,
    } = call;
    let model = request.model.clone().unwrap_or_default();
    let (named, unknown) = (request.model.as_deref(), &request.unknown);
    let found = gateway.model_of(
        named,
        unknown,
        EmbeddingsRequest::FIELDS,
        (&caller, &ledger),
    );
    let mut target = found.await?;
    let model_info = Arc::clone(&target.model_info);
    let capabilities =
        model_info.serving(&model, Endpoint::Embeddings, |all| all.embedding.as_ref())?;
    let name_of_target = target.model.shared();
    let addresses = remote_images(&request);
    let fetching =
        gateway.fetch_admitted(&caller, &name_of_target, addresses, &mut memory, &ledger);
    let (fetched, permit) = fetching.await?;
    let length = memory.length().saturating_add(fetched_length(&fetched));
    let context = EmbeddingContext {
        capabilities,
        purpose: target.embedding_input_type.unwrap_or(settings.input_type),
        tokenizer: settings.tokenizer,
        fetched: &fetched,
    };
    let TranslatedEmbeddings {
        mut calls,
        encoding,
        mut adjustments,
    } = translate_calls(gateway, request, length, &context).await?;
    drop(fetched);
    target.note_in(&mut adjustments);
    ledger.adjusted(adjustments.log_value());

    let demand = demand(gateway, &caller, &target, &calls);
    let bodies = calls.iter_mut().map(|call| std::mem::take(&mut call.body));
    let bodies: Vec<Bytes> = bodies.map(Bytes::from).collect();
    let upstream_bodies = UpstreamBodies::new(bodies, 0, memory);
    // Guardrails apply to conversations and to generated content, not to embeddings.
    let headers = HeaderMap::new();
    let searched = SearchedTarget::new(&target, false);
    let responses = gateway
        .invoke_each(
            &caller,
            &searched,
            upstream_bodies,
            &headers,
            &ledger,
            (permit, &demand),
        )
        .await;
    let responses = responses.map_err(|failed| with_parameter(failed, &calls))?;
    let profile = searched.profile.into_inner();
    gateway.note_profile(&mut target, profile, &mut adjustments, &ledger);

    let model_info = &target.model_info;
    // The embeddings of a long list are megabytes of numbers.
    let length = responses.iter().map(|response| response.body.len()).sum();
    let write = || build_response(&calls, responses, model_info, &model, encoding);
    let build_response = gateway.workers().on_body(length, write).await;
    let (body, charge) = build_response.map_err(|detail| unreadable(detail, &ledger))?;
    ledger.charge(charge);
    Ok(Reply {
        body: body.into(),
        adjustments,
        cost: Some(charge.cost),
    })
}

/// What the calls are expected to use: the tokens of texts, and the price of images.
fn demand(
    gateway: &Gateway,
    caller: &Caller,
    target: &ModelTarget,
    calls: &[EmbeddingCall],
) -> Demand {
    let (with_images, texts): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.images > 0);
    let images: usize = with_images.iter().map(|call| call.images).sum();
    let of_images = target.model_info.units.image;
    let of_images = of_images.map(|price| price.times(images as u64));
    if texts.is_empty() {
        return Demand::of_units(of_images);
    }
    let mut demand = gateway.token_demand(caller, target, || {
        let bytes = texts.iter().map(|call| call.body.len() as u64).sum();
        let prompt = PromptSize {
            bytes,
            media_tokens: 0,
        };
        CallSize::of(prompt, OutputSize::None)
    });
    if images > 0 {
        demand.cost = demand
            .cost
            .zip(of_images)
            .map(|(texts, images)| ExpectedCost {
                input: texts.input + images,
                ..texts
            });
    }
    demand
}

/// Translates the request into calls.
async fn translate_calls(
    gateway: &Gateway,
    request: EmbeddingsRequest,
    length: usize,
    context: &EmbeddingContext<'_>,
) -> Result<TranslatedEmbeddings, ApiError> {
    let has_tokens = has_tokens(&request);
    let translate = || translate(request, context);
    match has_tokens {
        // The first token input loads its tokenizer.
        true => gateway.workers().on_long_work(translate).await,
        false => gateway.workers().on_body(length, translate).await,
    }
}

/// The response JSON and the usage. The error says what is wrong with an upstream response.
fn build_response(
    calls: &[EmbeddingCall],
    responses: Vec<InvokeResponse>,
    model_info: &ModelInfo,
    model: &str,
    encoding: EncodingFormat,
) -> Result<(Vec<u8>, Charge), String> {
    let (vectors, charge) = combine(calls, responses, model_info)?;
    let head = EmbeddingsHead {
        model,
        prompt_tokens: charge.tokens.unwrap_or_default().prompt,
        encoding,
    };
    let body =
        response_json(&vectors, head).ok_or("an embedding has values that are no numbers")?;
    Ok((body, charge))
}

/// The embeddings of all calls, in order, and the usage.
fn combine(
    calls: &[EmbeddingCall],
    responses: Vec<InvokeResponse>,
    model_info: &ModelInfo,
) -> Result<(Vec<JsonText>, Charge), String> {
    let mut vectors = Vec::with_capacity(calls.iter().map(|call| call.count).sum());
    let mut tokens: u64 = 0;
    let mut costs = Vec::with_capacity(calls.len());
    for (call, response) in calls.iter().zip(responses) {
        let EmbeddingResponse {
            vectors: more,
            input_tokens,
        } = read(&response.body)?;
        if more.len() != call.count {
            let detail = format!("{} embeddings for {} inputs", more.len(), call.count);
            return Err(detail);
        }
        vectors.extend(more);
        let read = response.input_tokens.or(input_tokens);
        tokens = tokens.saturating_add(read.unwrap_or_default());
        costs.push(cost_of(call, read, model_info));
    }
    let images: usize = calls.iter().map(|call| call.images).sum();
    let charge = Charge {
        tokens: Some(TokenCounts::of_input(tokens)),
        units: (images > 0).then_some(Units::Images(images as u64)),
        cost: Cost::uncached(costs.into_iter().sum()),
        tier: None,
    };
    Ok((vectors, charge))
}

/// The cost of a call: texts are billed by the token, images by their number.
fn cost_of(
    call: &EmbeddingCall,
    tokens: Option<u64>,
    model_info: &ModelInfo,
) -> Option<CostBreakdown> {
    let texts = match call.has_text {
        false => CostBreakdown::default(),
        true => {
            let tokens = TokenCounts::of_input(tokens?).billed();
            model_info.price.as_ref()?.cost(&tokens, Tier::Default)?
        }
    };
    let units = match call.images {
        0 => Usd::default(),
        count => model_info.units.image?.times(count as u64),
    };
    Some(CostBreakdown { units, ..texts })
}

/// The client's error for a failed call, with the inputs of that call.
fn with_parameter(failed: FailedCall, calls: &[EmbeddingCall]) -> ApiError {
    let FailedCall {
        position,
        mut error,
    } = failed;
    let Some(call) = position.and_then(|position| calls.get(position)) else {
        return error;
    };
    let first = call.first;
    let last = first + call.count.saturating_sub(1);
    let (path, label) = match (calls.len(), call.count) {
        (1, _) => ("input".to_owned(), None),
        (_, 1) => (format!("input[{first}]"), Some(format!("`input[{first}]`"))),
        _ => (
            "input".to_owned(),
            Some(format!("`input[{first}]` to `input[{last}]`")),
        ),
    };
    if error.kind == ErrorKind::InvalidRequest {
        error.parameter = Some(path.into());
    }
    if let Some(label) = label {
        error.message = format!("{} (at {label})", error.message).into();
    }
    error
}
