//! `POST /v1/chat/completions` and `POST /v1/explain`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderName};
use serde::de::DeserializeOwned;

use super::{authenticate, flag};
use crate::config::Truncate;
use crate::error::ApiError;
use crate::openai::chat::GuardrailFields;
use crate::pipeline::{ChatBody, ChatCall, ExplainReader, HeaderOptions};
use crate::reply::Reply;
use crate::server::{
    App, HeldBody, Notes, ShutdownPhase, discard, read_json, refuse, reply_json, reply_stream,
    restarting,
};
use crate::usage::{Ledger, RequestOutcome};

/// Creates a chat completion, streaming or not.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let chat = |call| app.pipeline.chat(call);
    respond_with_body(&app, &ledger, &headers, body, chat).await
}

/// Handles a request whose response may be a stream. A shutdown cancels the request.
pub(super) async fn respond_with_body<T, Work>(
    app: &App,
    ledger: &Arc<Ledger>,
    headers: &HeaderMap,
    body: Body,
    work: impl FnOnce(ChatCall<T>) -> Work,
) -> Response
where
    Box<T>: DeserializeOwned,
    Work: Future<Output = Result<Reply<ChatBody>, ApiError>>,
{
    let reply = async {
        let call = read(app, ledger, headers, body).await?;
        // Boxed: the future is large, and every caller would contain it.
        Box::pin(work(call)).await
    };
    let reply = tokio::select! {
        reply = reply => reply,
        () = app.shutdown.reached(ShutdownPhase::Ending) => Err(restarting()),
    };
    match reply {
        Err(error) => {
            ledger.note_error(&error);
            refuse(&error)
        }
        Ok(Reply {
            adjustments,
            rate,
            cost,
            body,
        }) => {
            let notes = Notes {
                adjustments: Some(&adjustments),
                rate,
                cost,
            };
            match body {
                ChatBody::Complete(json) => {
                    ledger.entries().outcome = RequestOutcome::Completed;
                    reply_json(json, &notes)
                }
                ChatBody::Stream(stream) => reply_stream(app, *stream, &notes),
                ChatBody::ChatUpstreamStream(stream) => reply_stream(app, *stream, &notes),
            }
        }
    }
}

/// Returns the Bedrock request of a chat request without sending it.
pub async fn explain(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let explanation = async {
        let call = read(&app, &ledger, &headers, body).await?;
        Box::pin(app.pipeline.explain(call, ExplainReader::Caller)).await
    };
    match explanation.await {
        Err(error) => {
            ledger.note_error(&error);
            refuse(&error)
        }
        Ok(json) => {
            ledger.entries().outcome = RequestOutcome::Completed;
            reply_json(json, &Notes::default())
        }
    }
}

/// Authenticates the caller and reads a chat request.
pub(super) async fn read<T>(
    app: &App,
    ledger: &Arc<Ledger>,
    headers: &HeaderMap,
    body: Body,
) -> Result<ChatCall<T>, ApiError>
where
    Box<T>: DeserializeOwned,
{
    let caller = match authenticate(app, headers, ledger) {
        Ok(caller) => caller,
        Err(error) => {
            discard(body).await;
            return Err(error);
        }
    };
    let (request, HeldBody { bytes, permit }) = read_json(app, headers, body).await?;
    Ok(ChatCall {
        caller,
        request,
        body: bytes,
        permit: Some(permit),
        headers: header_options(headers)?,
        ledger: Arc::clone(ledger),
    })
}

/// The options in the headers of a request.
pub(super) fn header_options(headers: &HeaderMap) -> Result<HeaderOptions, ApiError> {
    let is_ours = |name: &HeaderName| {
        let name = name.as_str();
        name.starts_with("x-outcrop-") || name.starts_with("x-amzn-bedrock-")
    };
    // Most requests have none of them.
    if !headers.keys().any(is_ours) {
        return Ok(HeaderOptions::default());
    }
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let truncate = text("x-outcrop-truncate").map(|word| {
        Truncate::parse(word).ok_or_else(|| {
            ApiError::invalid(
                "x-outcrop-truncate",
                format!(
                    "the header `x-outcrop-truncate` is `{word}`; it must be `refuse` or `oldest`"
                ),
            )
        })
    });
    let owned = |name: &str| text(name).map(str::to_owned);
    Ok(HeaderOptions {
        strict: flag(headers, "x-outcrop-strict")?.unwrap_or(false),
        truncate: truncate.transpose()?,
        cache: flag(headers, "x-outcrop-cache")?,
        guardrail: GuardrailFields {
            identifier: owned("x-amzn-bedrock-guardrailidentifier"),
            version: owned("x-amzn-bedrock-guardrailversion"),
            trace: owned("x-amzn-bedrock-trace"),
            ..GuardrailFields::default()
        },
        service_tier: owned("x-amzn-bedrock-service-tier"),
        latency: owned("x-amzn-bedrock-performanceconfig-latency"),
    })
}
