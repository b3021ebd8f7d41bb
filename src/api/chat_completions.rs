//! `POST /v1/chat/completions`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::authenticate;
use crate::fault::{Fault, FaultKind};
use crate::limits::Limited;
use crate::pipeline::{ChatAnswer, ChatBody, ChatCall};
use crate::record::{Ending, Record};
use crate::server::{App, Phase, answer_json, answer_stream, read_json, refuse};

/// Answers a chat request, whole or as a stream.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = tokio::select! {
        answer = answer(&app, &record, &headers, body) => answer,
        () = app.shutdown.reached(Phase::Ending) => Err(restarting().into()),
    };
    match answer {
        Err(limited) => {
            note_refusal(&record, &limited.fault);
            refuse(limited)
        }
        Ok(ChatAnswer {
            adjustments,
            rate,
            body,
        }) => match body {
            ChatBody::Whole(json) => {
                record.entries().ending = Ending::Answered;
                answer_json(json, &adjustments, rate)
            }
            ChatBody::Stream(stream) => answer_stream(&app, *stream, &adjustments, rate),
        },
    }
}

async fn answer(
    app: &App,
    record: &Arc<Record>,
    headers: &HeaderMap,
    body: Body,
) -> Result<ChatAnswer, Limited> {
    let caller = authenticate(app, headers, record)?;
    let request = read_json(headers, body, &app.settings).await?;
    let call = ChatCall {
        caller,
        request,
        strict: is_true(headers, "x-outcrop-strict"),
        record: Arc::clone(record),
    };
    app.pipeline.chat(call).await
}

fn is_true(headers: &HeaderMap, name: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

fn restarting() -> Fault {
    Fault::new(
        FaultKind::Unavailable,
        "the gateway is being restarted; send the request again",
    )
    .code("service_unavailable")
}

fn note_refusal(record: &Record, fault: &Fault) {
    let mut entries = record.entries();
    if entries.failure.is_none() {
        let code = fault.code.unwrap_or_default().to_owned();
        entries.failure = Some((code, fault.message.clone()));
    }
}
