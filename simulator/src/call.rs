//! One AWS call, from request head to response.

use std::time::{Duration, SystemTime};

use axum::body::Body as RequestBody;
use axum::extract::{Request, State};
use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;

use crate::async_invoke;
use crate::auth;
use crate::batch_jobs;
use crate::control_plane;
use crate::error::AwsError;
use crate::exceptions;
use crate::faults::Faults;
use crate::invoke;
use crate::moderation;
use crate::openai;
use crate::operation::{CHAT_COMPLETIONS, Operation, Target};
use crate::options::{Guardrail, Options};
use crate::play::Body;
use crate::reply::Reply;
use crate::resources;
use crate::response;
use crate::runtime::Runtime;
use crate::s3;
use crate::script::{Script, ScriptedResponse};
use crate::scripted;
use crate::send;
use crate::simulation::Simulation;
use crate::sts;
use crate::validate;

/// Bedrock's limit on request bodies.
const MAX_BODY_SIZE: usize = 25_000_000;
/// Larger bodies are not read to the end: the connection is closed.
const MAX_READ_SIZE: usize = 2 * MAX_BODY_SIZE;

/// Handles every path outside `/_simulator`.
pub(crate) async fn response(
    State(simulation): State<Simulation>,
    request: Request,
) -> Response<RequestBody> {
    let call = simulation.traffic.calls.begin();
    let (head, body) = request.into_parts();
    let is_openai = head.uri.path() == CHAT_COMPLETIONS;
    let body = Limited::new(body, MAX_READ_SIZE)
        .collect()
        .await
        .map(|body| body.to_bytes());
    let (reply, faults) = match body {
        Ok(body) => decide(&simulation, &head, body),
        Err(_) => (Err(too_long()), Faults::default()),
    };
    let delay = faults.response_delay();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut reply = reply.unwrap_or_else(|error| error.reply());
    if is_openai {
        reply = openai::in_envelope(faults.applied_to_head(reply));
    }
    let response: Response<Body> = send::response(reply, &faults, call);
    response.map(RequestBody::new)
}

/// Returns the response and the faults to apply to it.
fn decide(simulation: &Simulation, head: &Parts, body: Bytes) -> (Result<Reply, AwsError>, Faults) {
    if s3::is_s3_request(&simulation.options, head) {
        let Simulation {
            storage,
            traffic,
            runtime,
            ..
        } = simulation;
        let (reply, faults) = s3::response(storage, traffic, runtime, head, body);
        return (Ok(reply), faults);
    }
    let mut target = Target::of(&head.method, head.uri.path());
    if let Some(target) = target
        .as_mut()
        .filter(|target| target.operation.is_openai())
    {
        openai::resolve_target(target, &body);
    }
    simulation.traffic.note(head, target.as_ref(), &body);
    let is_sts = target
        .as_ref()
        .is_some_and(|target| target.operation == Operation::GetCallerIdentity);
    if let Err(error) = auth::check(&simulation.options, head, &body, SystemTime::now()) {
        let reply = if is_sts {
            Ok(sts::refusal(&error))
        } else {
            Err(error)
        };
        return (reply, Faults::default());
    }
    let Some(target) = target else {
        return (Err(unknown_operation()), Faults::default());
    };
    if body.len() > MAX_BODY_SIZE {
        return (Err(too_long()), Faults::default());
    }
    if target.operation.is_openai()
        && simulation.options.validate
        && let Some(reply) = openai::refused(&body, auth::service(head))
    {
        return (Ok(reply), Faults::default());
    }
    if simulation.fixed.is_none()
        && !target.operation.is_openai()
        && let Err(error) = accept(&simulation.runtime, &target, &body)
    {
        return (Err(error), Faults::default());
    }
    let Some(script) = simulation.traffic.scripts.take(&target) else {
        let pace = Faults::new(Vec::new(), simulation.options.word_delay);
        return (unscripted(simulation, head, &target, &body), pace);
    };
    let Script {
        response, faults, ..
    } = script;
    if let Err(error) = exceptions::check_for_call(&faults, target.operation) {
        return (Err(error), Faults::default());
    }
    let is_generated = matches!(
        response,
        ScriptedResponse::Echo {}
            | ScriptedResponse::Text { .. }
            | ScriptedResponse::Converse { .. }
    );
    let pace = if is_generated {
        simulation.options.word_delay
    } else {
        Duration::ZERO
    };
    let reply = match response {
        ScriptedResponse::Echo {} => unscripted(simulation, head, &target, &body),
        response => scripted::response(&simulation.runtime, response, &target, &body),
    };
    (reply, Faults::new(faults, pace))
}

/// Rejects requests that Bedrock rejects.
fn accept(runtime: &Runtime, target: &Target, body: &[u8]) -> Result<(), AwsError> {
    if !runtime.options.validate {
        return Ok(());
    }
    let Some(model) = target.model.as_deref() else {
        return match target.operation {
            Operation::InvokeGuardrailChecks => validate::moderation::checks(&parsed(body)?),
            Operation::ApplyGuardrail => guardrail(&runtime.options, target, body).map(|_| ()),
            _ => Ok(()),
        };
    };
    validate::permitted(model, &runtime.options)?;
    validate::model(model, &runtime.options)?;
    if target.operation != Operation::CountTokens {
        validate::served(model)?;
    }
    match target.operation {
        Operation::Converse | Operation::ConverseStream => {
            let streaming = target.operation.streams();
            invoke::converses(resources::base(model))?;
            validate::conversation(resources::base(model), &parsed(body)?, streaming, runtime)
        }
        Operation::CountTokens => validate::countable(model, &parsed(body)?, runtime),
        operation => invoke::check(resources::base(model), &parsed(body)?, operation.streams()),
    }
}

/// The guardrail and version that an ApplyGuardrail call names, and the parsed request.
fn guardrail<'a>(
    options: &'a Options,
    target: &'a Target,
    body: &[u8],
) -> Result<(&'a Guardrail, &'a str, Value), AwsError> {
    let named = target.resource.as_deref().unwrap_or_default();
    let (id, version) = named.rsplit_once("/version/").unwrap_or_default();
    let request = parsed(body)?;
    let guardrail = validate::moderation::applied(id, version, &request, &options.guardrails)?;
    Ok((guardrail, version, request))
}

/// The response if no script matches.
fn unscripted(
    simulation: &Simulation,
    head: &Parts,
    target: &Target,
    body: &[u8],
) -> Result<Reply, AwsError> {
    let Simulation {
        options,
        clock,
        runtime,
        storage,
        videos,
        batches,
        fixed,
        ..
    } = simulation;
    let model = resources::base(target.model.as_deref().unwrap_or_default());
    let resource = target.resource.as_deref().unwrap_or_default();
    let query = head.uri.query().unwrap_or_default();
    match (target.operation, fixed) {
        (Operation::Converse, Some(fixed)) => Ok(fixed.non_streaming()),
        (Operation::ConverseStream, Some(fixed)) => Ok(fixed.events()),
        (Operation::Converse | Operation::ConverseStream, None) => {
            Ok(response::echo(runtime, target, &parsed(body)?))
        }
        (Operation::InvokeModel | Operation::InvokeModelWithResponseStream, _) => Ok(invoke::echo(
            model,
            &parsed(body)?,
            target.operation.streams(),
        )),
        (Operation::ChatCompletions | Operation::ChatCompletionsStream, _) => {
            Ok(openai::echo(runtime, target, body))
        }
        (Operation::CountTokens, _) => Ok(response::token_count(&parsed(body)?)),
        (Operation::InvokeGuardrailChecks, _) => Ok(moderation::checks(&parsed(body)?)),
        (Operation::ApplyGuardrail, _) => {
            let (guardrail, version, request) = guardrail(options, target, body)?;
            Ok(moderation::applied(guardrail, version, &request))
        }
        (Operation::ListFoundationModels, _) => {
            control_plane::foundation_models(options.control_plane, query)
        }
        (
            operation @ (Operation::ListInferenceProfiles
            | Operation::ListCustomModelDeployments
            | Operation::ListImportedModels
            | Operation::ListProvisionedModelThroughputs
            | Operation::ListPromptRouters
            | Operation::ListMarketplaceModelEndpoints),
            _,
        ) => control_plane::list(options.control_plane, operation, query),
        (Operation::GetCallerIdentity, _) => Ok(sts::response(body)),
        (Operation::StartAsyncInvoke, _) => async_invoke::start(
            videos,
            storage,
            options,
            clock.time_of_day(),
            &parsed(body)?,
        ),
        (Operation::GetAsyncInvoke, _) => {
            async_invoke::get(videos, storage, clock.time_of_day(), resource)
        }
        (Operation::ListAsyncInvokes, _) => {
            async_invoke::list(videos, storage, clock.time_of_day(), query)
        }
        (operation, _) if batch_jobs::serves(operation) => {
            batch_jobs::response(batches, target, query, body)
        }
        (operation, _) => control_plane::lookup(options.control_plane, operation, resource),
    }
}

fn parsed(body: &[u8]) -> Result<Value, AwsError> {
    serde_json::from_slice(body).map_err(|error| {
        AwsError::new(
            StatusCode::BAD_REQUEST,
            "SerializationException",
            format!("The request body is not valid JSON: {error}"),
        )
    })
}

fn too_long() -> AwsError {
    AwsError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "ValidationException",
        format!("Request body must have length less than or equal to {MAX_BODY_SIZE} bytes."),
    )
}

fn unknown_operation() -> AwsError {
    AwsError::of_credentials(
        StatusCode::NOT_FOUND,
        "UnknownOperationException",
        "The requested operation is not recognized by the service.",
    )
}
