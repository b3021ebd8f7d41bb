//! Responses of Converse, ConverseStream and CountTokens.

mod citations;
mod echo;
pub(crate) mod message;
pub(crate) mod output;
mod reasoning;
mod response_fields;
mod schema;
mod server_tools;
mod settled;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::conversation::Conversation;
use crate::families::Family;
use crate::operation::Target;
use crate::reply::Reply;
use crate::resources;
use crate::runtime::Runtime;
use crate::usage;
use output::ModelOutput;

pub(crate) use settled::settled;

/// The generated response to a request in Converse's format.
pub(crate) fn echo(runtime: &Runtime, target: &Target, request: &Value) -> Reply {
    let called = target.model.as_deref().unwrap_or_default();
    let model = resources::base(called);
    let family = Family::of(model);
    let model_output = settled(runtime, called, request, true, |conversation| {
        echo::compose(model, request, conversation)
    });
    if target.operation.streams() {
        model_output.events(&family)
    } else {
        model_output.non_streaming(&family)
    }
}

/// The model's response, before conversion to the format of an operation.
pub(crate) fn model_output(model: &str, request: &Value) -> ModelOutput {
    let conversation = Conversation::of(request);
    echo::compose(model, request, &conversation)
}

/// The response of CountTokens: the same estimate as in `usage`.
pub(crate) fn token_count(request: &Value) -> Reply {
    let input = request.get("input").unwrap_or(request);
    let body = input.pointer("/invokeModel/body").and_then(usage::decoded);
    let counted = body.as_ref().or(input.get("converse")).unwrap_or(input);
    let body = json!({ "inputTokens": usage::of_request(counted) });
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}
