//! Answers to Converse, ConverseStream and CountTokens.

mod echo;
pub(crate) mod message;
mod schema;
mod scripted;
pub(crate) mod usage;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::conversation::Conversation;
use crate::families::Family;
use crate::reply::Reply;
use message::Made;

pub(crate) use scripted::scripted;

/// The answer made up for a request in Converse's shape.
pub(crate) fn echo(model: &str, request: &Value, streaming: bool) -> Reply {
    let family = Family::of(model);
    let made = made(model, request);
    if streaming {
        made.events(&family)
    } else {
        made.whole(&family)
    }
}

/// What is answered, before it takes the form of an operation.
pub(crate) fn made(model: &str, request: &Value) -> Made {
    let conversation = Conversation::of(request);
    echo::compose(model, request, &conversation)
}

/// The answer to CountTokens: the same estimate that `usage` has.
pub(crate) fn token_count(request: &Value) -> Reply {
    let input = request.get("input").unwrap_or(request);
    let body = input.pointer("/invokeModel/body").and_then(usage::decoded);
    let counted = body.as_ref().or(input.get("converse")).unwrap_or(input);
    let body = json!({ "inputTokens": usage::of_request(counted) });
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}
