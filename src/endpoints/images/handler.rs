//! `POST /v1/images/generations`, `/v1/images/edits` and `/v1/images/variations`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use crate::endpoints::images::service::{ImageBody, ImageCall};
use crate::endpoints::images::{ImageEndpoint, ImageRequest};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::request::CallerRequest;
use crate::http::{FormRequest, ReplyBody, deployment, events_response, flag};
use crate::reply::Reply;

/// Generates images from a prompt.
pub async fn generations(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    reply(&gateway, &headers, call, ImageEndpoint::Generations).await
}

/// Edits images with a prompt.
pub async fn edits(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    reply(&gateway, &headers, call, ImageEndpoint::Edits).await
}

/// Generates variations of an image.
pub async fn variations(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    reply(&gateway, &headers, call, ImageEndpoint::Variations).await
}

async fn reply(
    gateway: &Gateway,
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
    gateway.images(endpoint, call).await
}

impl ReplyBody for ImageBody {
    fn into_response(self) -> Response {
        match self {
            Self::Json(json) => json.into_response(),
            Self::Events(events) => events_response(Body::from(events)),
        }
    }
}
