//! `POST /v1/chat/completions`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::authenticate;
use crate::limits::Refused;
use crate::pipeline::{ChatAnswer, ChatBody, ChatCall};
use crate::record::{Ending, Record};
use crate::server::{
    App, Phase, answer_json, answer_stream, discard, read_json, refuse, restarting,
};

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
        Err(refused) => {
            record.note_fault(&refused.fault);
            refuse(refused)
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
) -> Result<ChatAnswer, Refused> {
    let caller = match authenticate(app, headers, record) {
        Ok(caller) => caller,
        Err(fault) => {
            discard(body).await;
            return Err(fault.into());
        }
    };
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
