//! The life of a rerank request.

use std::sync::Arc;

use http::HeaderMap;

use crate::endpoints::rerank::bodies::RerankResponse;
use crate::endpoints::rerank::{
    RankedDocuments, RerankHead, RerankRequest, TranslatedRerank, response_json, search_units,
    translate,
};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::SearchedTarget;
use crate::gateway::unreadable;
use crate::gateway::{CallerRequest, UpstreamBodies};
use crate::limits::Demand;
use crate::models::Endpoint;
use crate::reply::Reply;
use crate::resources::ids::response_id;
use crate::usage::{Charge, TokenCounts, Units};

/// Handles a rerank request.
pub(super) async fn rerank(
    gateway: &Gateway,
    call: CallerRequest<RerankRequest>,
) -> Result<Reply, ApiError> {
    let CallerRequest {
        caller,
        request,
        memory,
        ledger,
    } = call;
    let model = request.model.clone().unwrap_or_default();
    let (named, unknown) = (request.model.as_deref(), &request.unknown);
    let found = gateway.model_of(named, unknown, RerankRequest::FIELDS, (&caller, &ledger));
    let mut target = found.await?;
    let model_info = Arc::clone(&target.model_info);
    let capabilities = model_info.serving(&model, Endpoint::Rerank, |all| all.rerank.as_ref())?;
    let TranslatedRerank {
        body,
        documents,
        return_documents,
        mut adjustments,
    } = {
        let translate = || translate(request, capabilities);
        gateway
            .workers()
            .on_body(memory.length(), translate)
            .await?
    };
    target.note_in(&mut adjustments);
    ledger.adjusted(adjustments.log_value());

    let headers = HeaderMap::new();
    // The response may return the documents.
    let kept = documents.iter().map(|document| document.as_str().len());
    let upstream_bodies = UpstreamBodies::new(vec![body.into()], kept.sum(), memory);
    let searched = SearchedTarget::new(&target, false);
    let queries = Units::Queries(search_units(documents.len()));
    let charge = Charge::of_units(queries, model_info.units.query);
    let demand = Demand::of_units(charge.cost.total());
    let admission = (None, &demand);
    let call = gateway.invoke_all(
        &caller,
        &searched,
        upstream_bodies,
        &headers,
        &ledger,
        admission,
    );
    let mut responses = call.await?;
    let profile = searched.profile.into_inner();
    gateway.note_profile(&mut target, profile, &mut adjustments, &ledger);
    let response = responses.pop().ok_or_else(ApiError::internal)?;
    let read = serde_json::from_slice(&response.body);
    let read: RerankResponse = read.map_err(|error| unreadable(error.to_string(), &ledger))?;
    let ranked = RankedDocuments {
        results: &read.results,
        documents: &documents,
        return_documents,
    };
    let head = RerankHead {
        id: &response_id("rerank-"),
        model: &model,
        tokens: response.input_tokens,
    };
    let body = response_json(&ranked, head)
        .ok_or_else(|| unreadable("a result without a document or a score", &ledger))?;
    let tokens = response.input_tokens.unwrap_or_default();
    let charge = Charge {
        tokens: Some(TokenCounts::of_input(tokens)),
        ..charge
    };
    ledger.charge(charge);
    Ok(Reply {
        body: body.into(),
        adjustments,
        cost: Some(charge.cost),
    })
}
