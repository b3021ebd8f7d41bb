//! `POST /v1/responses/input_tokens` and `POST /v1/chat/completions/input_tokens`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::chat_completions::{header_options, read};
use super::{respond, respond_with_body};
use crate::server::{App, ShutdownPhase, restarting};
use crate::usage::Ledger;

/// Counts the tokens of a request to the Responses API.
pub async fn of_response(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let count = async |call| {
        let options = header_options(&headers)?;
        app.pipeline.response_input_tokens(call, options).await
    };
    respond_with_body(&app, ledger, &headers, body, count).await
}

/// Counts the tokens of a chat request.
pub async fn of_chat(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let count = async {
        let call = read(&app, &ledger, &headers, body).await?;
        Box::pin(app.pipeline.chat_input_tokens(call)).await
    };
    let reply = tokio::select! {
        reply = count => reply,
        () = app.shutdown.reached(ShutdownPhase::Ending) => Err(restarting()),
    };
    respond(&ledger, reply)
}
