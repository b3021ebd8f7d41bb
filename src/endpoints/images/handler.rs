//! `POST /v1/images/generations`, `/v1/images/edits` and `/v1/images/variations`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use crate::endpoints::images::service::{self, ImageBody, ImageCall, ImageStore};
use crate::endpoints::images::{ImageEndpoint, ImageRequest};
use crate::error::ApiError;
use crate::gateway::CallerRequest;
use crate::gateway::Gateway;
use crate::http::{FormRequest, ReplyBody, deployment, events_response, flag};
use crate::reply::Reply;

/// Generates images from a prompt.
pub async fn generations(
    State(gateway): State<Arc<Gateway>>,
    State(store): State<Option<Arc<ImageStore>>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    let call = image_call(&headers, call)?;
    service::create(&gateway, store.as_deref(), ImageEndpoint::Generations, call).await
}

/// Edits images with a prompt.
pub async fn edits(
    State(gateway): State<Arc<Gateway>>,
    State(store): State<Option<Arc<ImageStore>>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    let call = image_call(&headers, call)?;
    service::create(&gateway, store.as_deref(), ImageEndpoint::Edits, call).await
}

/// Generates variations of an image.
pub async fn variations(
    State(gateway): State<Arc<Gateway>>,
    State(store): State<Option<Arc<ImageStore>>>,
    headers: HeaderMap,
    call: FormRequest<ImageRequest>,
) -> Result<Reply<ImageBody>, ApiError> {
    let call = image_call(&headers, call)?;
    service::create(&gateway, store.as_deref(), ImageEndpoint::Variations, call).await
}

/// The request with the options in its headers.
fn image_call(
    headers: &HeaderMap,
    FormRequest(call): FormRequest<ImageRequest>,
) -> Result<CallerRequest<ImageCall>, ApiError> {
    let CallerRequest {
        caller,
        request: (mut request, files),
        memory,
        ledger,
    } = call;
    if let Some(deployment) = deployment(headers) {
        request.model = Some(deployment.to_owned());
    }
    let strict = flag(headers, "x-outcrop-strict")?.unwrap_or(false);
    Ok(CallerRequest {
        caller,
        request: ImageCall {
            request,
            files,
            strict,
        },
        memory,
        ledger,
    })
}

impl ReplyBody for ImageBody {
    fn into_response(self) -> Response {
        match self {
            Self::Json(json) => json.into_response(),
            Self::Events(events) => events_response(Body::from(events)),
        }
    }
}
