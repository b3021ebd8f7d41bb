//! Responses of InvokeModel and InvokeModelWithResponseStream.
//!
//! Anthropic's models respond in the Messages format, embedding models with embeddings, reranking
//! models with scores; all others with `{"outputText": …}`.

mod anthropic;
mod embeddings;
mod images;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::families::{Family, Maker, bare_id};
use crate::frames;
use crate::reply::Reply;
use crate::response::message::LATENCY_MS;
use crate::response::model_output;
use crate::response::output::ModelOutput;
use crate::usage;

use embeddings::EmbeddingModel;

/// Rejects bodies that Bedrock rejects, for models whose request format is known.
pub(crate) fn check(model: &str, request: &Value, streaming: bool) -> Result<(), AwsError> {
    match EmbeddingModel::of(bare_id(model)) {
        Some(_) if streaming => Err(AwsError::validation(
            "The model is unsupported for streaming.",
        )),
        Some(embedding_model) => embedding_model.check(request),
        None if streaming => Ok(()),
        None => images::accept(model, request),
    }
}

/// Rejects Converse calls to models that do not support Converse.
pub(crate) fn converses(model: &str) -> Result<(), AwsError> {
    match EmbeddingModel::of(bare_id(model)) {
        Some(_) => Err(AwsError::validation(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model.",
        )),
        None => Ok(()),
    }
}

/// The generated response in the model's own format.
pub(crate) fn echo(model: &str, request: &Value, streaming: bool) -> Reply {
    if let Some(embedding_model) = EmbeddingModel::of(bare_id(model)) {
        let response = embedding_model.response(request);
        return document(&response.body, response.tokens, None);
    }
    if let Some(response) = images::response(bare_id(model), request) {
        return document(&response, Some(usage::of_request(request)), None);
    }
    let conversation = if is_anthropic(model) {
        anthropic::as_converse(request)
    } else {
        plain_as_converse(request)
    };
    let model_output = model_output(model, &conversation);
    if streaming {
        events(model, &model_output)
    } else {
        non_streaming(model, &model_output)
    }
}

/// A non-streaming response in the model's format.
pub(crate) fn non_streaming(model: &str, model_output: &ModelOutput) -> Reply {
    let body = if is_anthropic(model) {
        anthropic::message(bare_id(model), model_output)
    } else {
        json!({ "outputText": model_output.text(), "completionReason": "FINISH" })
    };
    document(
        &body,
        Some(count(model_output, "inputTokens")),
        Some(count(model_output, "outputTokens")),
    )
}

/// A stream in the model's format: JSON chunks, the last with the invocation metrics.
pub(crate) fn events(model: &str, model_output: &ModelOutput) -> Reply {
    let mut chunks = if is_anthropic(model) {
        anthropic::chunks(bare_id(model), model_output)
    } else {
        model_output
            .text()
            .split_inclusive(' ')
            .map(|word| json!({ "outputText": word }))
            .collect()
    };
    if let Some(Value::Object(last)) = chunks.last_mut() {
        let metrics = json!({
            "inputTokenCount": count(model_output, "inputTokens"),
            "outputTokenCount": count(model_output, "outputTokens"),
            "invocationLatency": LATENCY_MS,
            "firstByteLatency": LATENCY_MS,
        });
        last.insert("amazon-bedrock-invocationMetrics".to_owned(), metrics);
    }
    let frame = |(position, chunk): (usize, &Value)| {
        let payload = json!({ "bytes": BASE64_STANDARD.encode(chunk.to_string()) });
        frames::event("chunk", &frames::padded(payload, position))
    };
    Reply::events(chunks.iter().enumerate().map(frame).collect()).with_header(
        "x-amzn-bedrock-content-type",
        HeaderValue::from_static("application/json"),
    )
}

/// A JSON body, with the token counts in InvokeModel's headers.
fn document(body: &Value, input: Option<u64>, output: Option<u64>) -> Reply {
    let mut reply = Reply::json(StatusCode::OK, Bytes::from(body.to_string())).with_header(
        "x-amzn-bedrock-invocation-latency",
        HeaderValue::from(LATENCY_MS),
    );
    if let Some(input) = input {
        reply = reply.with_header("x-amzn-bedrock-input-token-count", HeaderValue::from(input));
    }
    if let Some(output) = output {
        reply = reply.with_header(
            "x-amzn-bedrock-output-token-count",
            HeaderValue::from(output),
        );
    }
    reply
}

fn is_anthropic(model: &str) -> bool {
    Family::of(model).maker == Maker::Anthropic
}

fn count(model_output: &ModelOutput, name: &str) -> u64 {
    model_output
        .usage
        .get(name)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

/// Finds the user's text under the field names of other makers.
fn plain_as_converse(request: &Value) -> Value {
    if request.get("messages").is_some() {
        return anthropic::as_converse(request);
    }
    let prompt_text = ["inputText", "prompt", "inputPrompt"]
        .iter()
        .find_map(|name| request.get(name));
    json!({ "messages": [{ "role": "user", "content": [{ "text": prompt_text }] }] })
}
