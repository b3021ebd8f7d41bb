//! `POST /v1/images/generations`, `/v1/images/edits` and `/v1/images/variations`

use std::sync::Arc;

use axum::extract::State;
use http::HeaderMap;

use crate::endpoints::images::service::{ImageBody, ImageCall};
use crate::endpoints::images::{ImageEndpoint, ImageRequest};
use crate::error::ApiError;
use crate::gateway::request::CallerRequest;
use crate::http::deployment;
use crate::http::{FormRequest, flag};
use crate::reply::Reply;
use crate::server::App;

/// Generates images from a prompt.
pub async fn generations(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    reply(&app, &headers, call, ImageEndpoint::Generations).await
}

/// Edits images with a prompt.
pub async fn edits(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    reply(&app, &headers, call, ImageEndpoint::Edits).await
}

/// Generates variations of an image.
pub async fn variations(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    reply(&app, &headers, call, ImageEndpoint::Variations).await
}

async fn reply(
    app: &App,
    headers: &HeaderMap,
    FormRequest(call): FormRequest<ImageRequest>,
    endpoint: ImageEndpoint,
) -> Result<Reply<ImageBody>, ApiError> {
    let CallerRequest {
        caller,
        request: (mut request, files),
        memory,
        ledger,
    } = call;
    if let Some(deployment) = deployment(headers) {
        request.model = Some(deployment.to_owned());
    }
    let request = ImageCall {
        request,
        files,
        strict: flag(headers, "x-outcrop-strict")?.unwrap_or(false),
    };
    let call = CallerRequest {
        caller,
        request,
        memory,
        ledger,
    };
    app.gateway.images(endpoint, call).await
}
