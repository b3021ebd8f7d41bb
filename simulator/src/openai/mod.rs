//! AWS's OpenAI-compatible chat completions API on `bedrock-runtime` and `bedrock-mantle`: the same
//! path on both hosts, distinguished by the service in the signature's scope.
//!
//! Sources: AWS's user guide ("Inference using Chat Completions API"), openai-python 3.52's Bedrock
//! provider, and LiteLLM 1.106's model data.

mod conversation;
mod models;
mod refusal;
mod response;
mod validate;

use serde_json::Value;

use crate::operation::{Operation, Target};
use crate::reply::Reply;
use crate::response::output::ModelOutput;
use crate::response::{model_output, settled};
use crate::runtime::Runtime;

pub(crate) use conversation::as_converse;
pub(crate) use refusal::{event as exception, in_envelope};

/// Sets the model and the operation (streaming or not) of `target` from the body.
pub(crate) fn resolve_target(target: &mut Target, body: &[u8]) {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let model = request.get("model").and_then(Value::as_str);
    target.model = model.map(str::to_owned);
    if request.get("stream") == Some(&Value::Bool(true)) {
        target.operation = Operation::ChatCompletionsStream;
    }
}

/// The error response for a request that the API rejects; `None` if it is valid. `service` is the
/// service that the request was signed for, if it was signed.
pub(crate) fn refused(body: &[u8], service: Option<&str>) -> Option<Reply> {
    validate::request(body, service)
        .err()
        .map(|refusal| refusal.reply())
}

/// The generated response to a request.
pub(crate) fn echo(runtime: &Runtime, target: &Target, body: &[u8]) -> Reply {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let model = target.model.as_deref().unwrap_or_default();
    let converse = as_converse(&request);
    let model_output = settled(runtime, model, &converse, true, |_| {
        model_output(model, &converse)
    });
    reply(target, &model_output, &request)
}

/// `model_output` as a non-streaming or streaming completion, as `request` selects.
pub(crate) fn reply(target: &Target, model_output: &ModelOutput, request: &Value) -> Reply {
    let model = target.model.as_deref().unwrap_or_default();
    match target.operation.streams() {
        true => response::chunks(model, model_output, request),
        false => response::non_streaming(model, model_output, request),
    }
}
