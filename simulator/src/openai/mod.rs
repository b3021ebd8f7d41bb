//! OpenAI's chat completions as AWS serves them itself, at `bedrock-runtime` and `bedrock-mantle`:
//! the same path on both hosts, told apart by the service that a request is signed for.
//!
//! After AWS's user guide ("Inference using Chat Completions API"), openai-python 3.52's Bedrock
//! provider, and what LiteLLM 1.106 knows of the models.

mod conversation;
mod models;
mod refusal;
mod response;
mod validate;

use serde_json::Value;

use crate::operation::{Operation, Target};
use crate::reply::Reply;
use crate::response::message::ModelOutput;
use crate::response::{model_output, settled};
use crate::simulator::Simulation;

pub(crate) use conversation::as_converse;
pub(crate) use refusal::{event as exception, in_envelope};

/// The path on both hosts.
pub(crate) const PATH: &str = "/openai/v1/chat/completions";

/// Completes `target` by what the body says: the model, and whether the answer is a stream.
pub(crate) fn aim(target: &mut Target, body: &[u8]) {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let model = request.get("model").and_then(Value::as_str);
    target.model = model.map(str::to_owned);
    if request.get("stream") == Some(&Value::Bool(true)) {
        target.operation = Operation::ChatCompletionsStream;
    }
}

/// The refusal of a request that the surface does not take. `service` is what it was signed for,
/// where it was signed.
pub(crate) fn refused(body: &[u8], service: Option<&str>) -> Option<Reply> {
    validate::request(body, service)
        .err()
        .map(|refusal| refusal.reply())
}

/// The answer made up for a request.
pub(crate) fn echo(simulation: &Simulation, target: &Target, body: &[u8]) -> Reply {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let model = target.model.as_deref().unwrap_or_default();
    let converse = as_converse(&request);
    let model_output = settled(simulation, model, &converse, true, |_| {
        model_output(model, &converse)
    });
    reply(target, &model_output, &request)
}

/// `model_output` in the form that `request` asks for.
pub(crate) fn reply(target: &Target, model_output: &ModelOutput, request: &Value) -> Reply {
    let model = target.model.as_deref().unwrap_or_default();
    match target.operation.streams() {
        true => response::chunks(model, model_output, request),
        false => response::non_streaming(model, model_output, request),
    }
}
