//! Responses defined by scripts.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::conversation::Conversation;
use crate::error::AwsError;
use crate::families::Family;
use crate::frames;
use crate::invoke;
use crate::openai;
use crate::operation::Target;
use crate::recording;
use crate::reply::{Reply, ReplyBody};
use crate::resources;
use crate::response::output::{ModelOutput, Part};
use crate::response::settled;
use crate::runtime::Runtime;
use crate::script::{Event, ScriptedResponse};
use crate::usage;

/// The response that a script defines. If the script does not fit the call, the response is an
/// error that explains why, for the script's author.
///
/// Text responses pass through guardrails and the prompt cache like the echo; all other responses
/// are sent unchanged.
pub(crate) fn response(
    runtime: &Runtime,
    response: ScriptedResponse,
    target: &Target,
    request: &[u8],
) -> Result<Reply, AwsError> {
    match response {
        ScriptedResponse::Echo {} => Err(misfit("`echo` is handled elsewhere")),
        ScriptedResponse::Text {
            text,
            deltas,
            stop_reason,
            usage,
        } => {
            let request_json: Value = serde_json::from_slice(request).unwrap_or_default();
            let request = match target.operation.is_openai() {
                true => openai::as_converse(&request_json),
                false => request_json.clone(),
            };
            let model = target.model.as_deref().unwrap_or_default();
            let charged = usage.is_none();
            let model_output = settled(runtime, model, &request, charged, |_| {
                text_output(text, deltas, stop_reason, usage, &request)
            });
            if target.operation.is_openai() {
                return Ok(openai::reply(target, &model_output, &request_json));
            }
            reply_for(target, &model_output)
        }
        ScriptedResponse::Converse { body, headers } => {
            let request_json: Value = serde_json::from_slice(request).unwrap_or_default();
            let model = resources::base(target.model.as_deref().unwrap_or_default());
            let binds = Family::of(model).binds_thinking;
            let conversation = Conversation::of(&request_json);
            runtime.seals.remember_response(&body, &conversation, binds);
            let reply = if target.operation.streams() {
                reply_for(target, &ModelOutput::from_converse(&body))?
            } else {
                Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
            };
            with_headers(reply, &headers)
        }
        ScriptedResponse::Events { events } => {
            let payloads = events.iter().map(|event| &event.payload);
            payloads.for_each(|payload| runtime.seals.remember(payload));
            if target.operation.streams() {
                Ok(Reply::events(events.iter().map(frame).collect()))
            } else {
                Err(misfit("`events` requires a streaming operation"))
            }
        }
        ScriptedResponse::Raw {
            status,
            headers,
            body,
        } => raw(status, &headers, body),
        ScriptedResponse::Recording { file } => {
            let recorded = recording::load(&file).map_err(|error| misfit(&error))?;
            self::response(runtime, recorded, target, b"")
        }
        ScriptedResponse::Error {
            status,
            code,
            message,
            retry_after,
        } => {
            let reply = AwsError::new(status_code(status)?, &code, message).reply();
            Ok(match retry_after {
                None => reply,
                Some(seconds) => reply.with_header("retry-after", HeaderValue::from(seconds)),
            })
        }
    }
}

fn text_output(
    text: String,
    deltas: Option<Vec<String>>,
    stop_reason: Option<String>,
    usage: Option<Value>,
    request: &Value,
) -> ModelOutput {
    let part = deltas.map_or_else(|| Part::words(&text), Part::Text);
    let model_output = ModelOutput {
        parts: vec![part],
        stop_reason: stop_reason.unwrap_or_else(|| "end_turn".to_owned()),
        ..ModelOutput::default()
    };
    let (input, output) = (
        usage::of_request(request),
        usage::of_text(&model_output.text()),
    );
    let estimate =
        || json!({ "inputTokens": input, "outputTokens": output, "totalTokens": input + output });
    ModelOutput {
        usage: usage.unwrap_or_else(estimate),
        ..model_output
    }
}

fn reply_for(target: &Target, model_output: &ModelOutput) -> Result<Reply, AwsError> {
    use crate::Operation::{Converse, ConverseStream, InvokeModel, InvokeModelWithResponseStream};
    let model = resources::base(target.model.as_deref().unwrap_or_default());
    match target.operation {
        Converse => Ok(model_output.non_streaming(&Family::of(model))),
        ConverseStream => Ok(model_output.events(&Family::of(model))),
        InvokeModel => Ok(invoke::non_streaming(model, model_output)),
        InvokeModelWithResponseStream => Ok(invoke::events(model, model_output)),
        _ => Err(misfit("`text` requires an operation that invokes a model")),
    }
}

fn frame(event: &Event) -> Bytes {
    let payload = event.payload.to_string();
    if event.name.ends_with("Exception") {
        frames::exception(&event.name, payload.as_bytes())
    } else {
        frames::event(&event.name, payload.as_bytes())
    }
}

/// The given bytes. Frames of an event stream stay separate so that faults can count them.
fn raw(status: u16, headers: &BTreeMap<String, String>, body: Bytes) -> Result<Reply, AwsError> {
    let is_stream = headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type") && value.contains("eventstream")
    });
    let frames = if is_stream {
        frames::split(body.clone())
    } else {
        None
    };
    let reply = Reply {
        status: status_code(status)?,
        headers: HeaderMap::new(),
        body: frames.map_or(ReplyBody::Complete(body), ReplyBody::Events),
    };
    with_headers(reply, headers)
}

fn with_headers(mut reply: Reply, headers: &BTreeMap<String, String>) -> Result<Reply, AwsError> {
    for (name, value) in headers {
        let wrong = |_| misfit(&format!("`{name}: {value}` is not a header"));
        let name = HeaderName::try_from(name).map_err(|_| wrong(()))?;
        reply
            .headers
            .insert(name, HeaderValue::try_from(value).map_err(|_| wrong(()))?);
    }
    Ok(reply)
}

fn status_code(status: u16) -> Result<StatusCode, AwsError> {
    StatusCode::from_u16(status).map_err(|_| misfit(&format!("`{status}` is not an HTTP status")))
}

fn misfit(reason: &str) -> AwsError {
    AwsError::script_misfit(reason)
}
