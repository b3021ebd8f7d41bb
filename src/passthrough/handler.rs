//! Bedrock's own API: `/model/{id}/...`, `/guardrail/...`, `/guardrail-checks/invoke` and
//! `/async-invoke...`

use std::sync::Arc;
use std::time::SystemTime;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::Method;
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::uri::PathAndQuery;

use crate::error::ApiError;
use crate::http::{HeldBody, HttpContext, decompressed, key, read_as_sent, require_json_or_bytes};
use crate::identity::masked_credential;
use crate::passthrough::{Passthrough, PassthroughBody, PassthroughRequest};
use crate::reply::Reply;
use crate::usage::Ledger;

/// Forwards a request to Bedrock and returns its response.
pub async fn passthrough(
    State(context): State<Arc<HttpContext>>,
    State(passthrough): State<Arc<Passthrough>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    request: Request,
) -> Result<Reply<Response>, ApiError> {
    let (mut head, body) = request.into_parts();
    let claim = match key(&head.headers) {
        Ok(key) => context.callers.claim(&head, key, SystemTime::now()).await,
        Err(error) => Err(error),
    };
    let claim = claim.inspect_err(|_| note_rejected(&head, &ledger))?;
    require_declared_json(&head)?;
    let body = read_as_sent(&context, &head.headers, body).await?;
    // The signature covers the body as it was sent, before decompression.
    let prove = || claim.prove(&body.bytes);
    let caller = context
        .workers
        .on_body(body.bytes.len(), prove)
        .await
        .inspect_err(|_| note_rejected(&head, &ledger))?;
    let HeldBody { bytes, permit } = decompressed(&context, &head.headers, body).await?;
    head.headers.remove(CONTENT_ENCODING);
    ledger.called_by(caller.principal(), caller.identity());
    ledger.body_read(bytes.len());
    let path = head.uri.path_and_query().cloned();
    let call = PassthroughRequest {
        caller,
        method: head.method,
        path: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
        headers: head.headers,
        body: bytes,
        ledger,
    };
    let reply = passthrough.forward(call, permit).await?;
    Ok(reply.map(|response| {
        response.map(|body| match body {
            PassthroughBody::Complete(bytes) => Body::from(bytes),
            PassthroughBody::Stream(stream) => context.stream_body(*stream),
        })
    }))
}

/// Records the start of a rejected credential.
fn note_rejected(head: &Parts, ledger: &Ledger) {
    let key = key(&head.headers).ok().flatten();
    ledger.key_rejected(masked_credential(head, key));
}

/// Checks the content type: every request body is JSON.
fn require_declared_json(head: &Parts) -> Result<(), ApiError> {
    match head.method {
        Method::GET => Ok(()),
        _ => require_json_or_bytes(&head.headers),
    }
}
