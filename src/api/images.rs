//! `POST /v1/images/generations`, `/v1/images/edits` and `/v1/images/variations`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::{authenticate, flag, respond, until_shutdown};
use crate::dialects::wire::form;
use crate::error::ApiError;
use crate::openai::images::{ImageEndpoint, ImageRequest};
use crate::pipeline::{CallerRequest, ImageBody, ImageCall};
use crate::reply::Reply;
use crate::server::{
    App, FormLimits, Notes, deployment, discard, is_form, read_form, read_json, reply_events,
};
use crate::usage::{Ledger, RequestOutcome};

/// Generates images from a prompt.
pub async fn generations(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    reply(&app, ledger, &headers, body, ImageEndpoint::Generations).await
}

/// Edits images with a prompt.
pub async fn edits(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    reply(&app, ledger, &headers, body, ImageEndpoint::Edits).await
}

/// Generates variations of an image.
pub async fn variations(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    reply(&app, ledger, &headers, body, ImageEndpoint::Variations).await
}

async fn reply(
    app: &App,
    ledger: Arc<Ledger>,
    headers: &HeaderMap,
    body: Body,
    endpoint: ImageEndpoint,
) -> Response {
    let work = async {
        let call = read(app, &ledger, headers, body).await?;
        app.pipeline.images(endpoint, call).await
    };
    match until_shutdown(app, work).await {
        Err(error) => respond(&ledger, Err(error)),
        Ok(Reply {
            body: ImageBody::Json(body),
            adjustments,
            rate,
            cost,
        }) => {
            let reply = Reply {
                body,
                adjustments,
                rate,
                cost,
            };
            respond(&ledger, Ok(reply))
        }
        Ok(Reply {
            body: ImageBody::Events(body),
            adjustments,
            rate,
            cost,
        }) => {
            ledger.entries().outcome = RequestOutcome::Completed;
            let notes = Notes {
                adjustments: Some(&adjustments),
                rate,
                cost,
            };
            reply_events(Body::from(body), &notes)
        }
    }
}

/// Reads the request, a form or JSON.
async fn read(
    app: &App,
    ledger: &Arc<Ledger>,
    headers: &HeaderMap,
    body: Body,
) -> Result<CallerRequest<ImageCall>, ApiError> {
    let caller = match authenticate(app, headers, ledger) {
        Ok(caller) => caller,
        Err(error) => {
            discard(body).await;
            return Err(error);
        }
    };
    let (request, files, memory) = match is_form(headers) {
        true => {
            let mut memory = app.bodies.permit();
            let limits = FormLimits::of(&app.settings);
            let (mut request, files): (ImageRequest, _) =
                form::read(read_form(headers, body, limits, &mut memory).await?)?;
            if let Some(deployment) = deployment(headers) {
                request.model = Some(deployment.to_owned());
            }
            (request, files, memory)
        }
        false => {
            let (request, held) = read_json(app, headers, body).await?;
            (request, Vec::new(), held.permit)
        }
    };
    Ok(CallerRequest {
        caller,
        request: ImageCall {
            request,
            files,
            strict: flag(headers, "x-outcrop-strict")?.unwrap_or(false),
        },
        memory,
        ledger: Arc::clone(ledger),
    })
}
