//! Bedrock's own API: `/model/{id}/...`, `/guardrail/...`, `/guardrail-checks/invoke` and
//! `/async-invoke...`

use std::sync::Arc;
use std::time::SystemTime;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::Method;
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::uri::PathAndQuery;

use super::key;
use crate::error::ApiError;
use crate::identity::masked_credential;
use crate::pipeline::{PassthroughBody, PassthroughRequest};
use crate::reply::Reply;
use crate::server::{
    App, HeldBody, Notes, ShutdownPhase, decompressed, discard, passthrough_response,
    passthrough_stream, read_as_sent, refuse_as_aws, require_json_or_bytes, restarting,
};
use crate::usage::{Ledger, RequestOutcome};

/// Forwards a request to Bedrock and returns its response.
pub async fn passthrough(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    request: Request,
) -> Response {
    // Boxed: the future is large, and every caller would contain it.
    let response = Box::pin(response(&app, &ledger, request));
    let response = tokio::select! {
        response = response => response,
        () = app.shutdown.reached(ShutdownPhase::Ending) => Err(restarting()),
    };
    let Reply {
        body: response,
        adjustments,
        rate,
        cost,
    } = match response {
        Ok(response) => response,
        Err(error) => {
            ledger.note_error(&error);
            return refuse_as_aws(&error);
        }
    };
    let notes = Notes {
        adjustments: Some(&adjustments),
        rate,
        cost,
    };
    let (head, body) = response.into_parts();
    match body {
        PassthroughBody::Complete(body) => {
            note_completed(&ledger);
            passthrough_response(head, body, &notes)
        }
        PassthroughBody::Stream(stream) => passthrough_stream(&app, head, *stream, &notes),
    }
}

async fn response(
    app: &App,
    ledger: &Arc<Ledger>,
    request: Request,
) -> Result<Reply<http::Response<PassthroughBody>>, ApiError> {
    let (mut head, body) = request.into_parts();
    let claim = key(&head.headers).and_then(|key| app.callers.claim(&head, key, SystemTime::now()));
    let claim = match claim {
        Ok(claim) => claim,
        Err(error) => {
            note_rejected(&head, ledger);
            discard(body).await;
            return Err(error);
        }
    };
    if let Err(error) = declared_as_json(&head) {
        discard(body).await;
        return Err(error);
    }
    let body = read_as_sent(app, &head.headers, body).await?;
    // The signature covers the body as it was sent, before decompression.
    let prove = || claim.prove(&body.bytes);
    let caller = app
        .pipeline
        .workers()
        .on_body(body.bytes.len(), prove)
        .await
        .inspect_err(|_| note_rejected(&head, ledger))?;
    let body = decompressed(app, &head.headers, body).await?;
    head.headers.remove(CONTENT_ENCODING);
    let HeldBody { bytes, permit } = body;
    ledger.entries().caller = Some(caller.name().to_owned());
    let path = head.uri.path_and_query().cloned();
    let call = PassthroughRequest {
        caller,
        method: head.method,
        path: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
        headers: head.headers,
        body: bytes,
        ledger: Arc::clone(ledger),
    };
    app.pipeline.passthrough(call, permit).await
}

/// Records the start of a rejected credential.
fn note_rejected(head: &Parts, ledger: &Ledger) {
    let key = key(&head.headers).ok().flatten();
    ledger.entries().rejected_key = masked_credential(head, key);
}

/// Checks the content type: every request body is JSON.
fn declared_as_json(head: &Parts) -> Result<(), ApiError> {
    match head.method {
        Method::GET => Ok(()),
        _ => require_json_or_bytes(&head.headers),
    }
}

/// Records a completed response, unless the stream failed before its first event.
fn note_completed(ledger: &Ledger) {
    let mut entries = ledger.entries();
    if entries.outcome == RequestOutcome::Abandoned {
        entries.outcome = RequestOutcome::Completed;
    }
}
