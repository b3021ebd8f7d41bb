//! One AWS call from its head to its answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body as RequestBody;
use axum::extract::{Request, State};
use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;

use crate::answer;
use crate::auth;
use crate::control_plane;
use crate::error::AwsError;
use crate::faults::Faults;
use crate::invoke;
use crate::journal::Received;
use crate::operation::{Operation, Target};
use crate::play::Body;
use crate::reply::Reply;
use crate::resources;
use crate::script::{Answer, Script};
use crate::simulator::Simulation;
use crate::sts;
use crate::validate;

/// The longest body Bedrock takes.
const LONGEST_BODY: usize = 25_000_000;
/// The longest body read before it is refused; beyond it the connection is closed.
const LONGEST_READ: usize = 2 * LONGEST_BODY;

/// Answers every path that is not the simulator's own.
pub(crate) async fn answer(
    State(simulation): State<Arc<Simulation>>,
    request: Request,
) -> Response<RequestBody> {
    let call = simulation.calls.begin();
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LONGEST_READ)
        .collect()
        .await
        .map(|body| body.to_bytes());
    let (reply, faults) = match body {
        Ok(body) => decide(&simulation, &head, body),
        Err(_) => (Err(too_long()), Faults::default()),
    };
    let delay = faults.before_head();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let reply = reply.unwrap_or_else(|error| error.reply());
    let response: Response<Body> = reply.into_response(&faults, call);
    response.map(RequestBody::new)
}

/// The answer, and what is to happen to it on its way.
fn decide(simulation: &Simulation, head: &Parts, body: Bytes) -> (Result<Reply, AwsError>, Faults) {
    let target = Target::of(&head.method, head.uri.path());
    note(simulation, head, target.as_ref(), &body);
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
    if body.len() > LONGEST_BODY {
        return (Err(too_long()), Faults::default());
    }
    if simulation.fixed.is_none()
        && let Err(error) = accept(simulation, &target, &body)
    {
        return (Err(error), Faults::default());
    }
    let Some(script) = simulation.scripts.take(&target) else {
        return (
            unscripted(simulation, head, &target, &body),
            pace(simulation),
        );
    };
    let Script { answer, faults, .. } = script;
    let made_up = matches!(
        answer,
        Answer::Echo {} | Answer::Text { .. } | Answer::Converse { .. }
    );
    let pace = if made_up {
        simulation.options.word_delay
    } else {
        Duration::ZERO
    };
    let reply = match answer {
        Answer::Echo {} => unscripted(simulation, head, &target, &body),
        answer => answer::scripted(simulation, answer, &target, &body),
    };
    (reply, Faults::new(faults, pace))
}

fn pace(simulation: &Simulation) -> Faults {
    Faults::new(Vec::new(), simulation.options.word_delay)
}

/// Refuses what Bedrock refuses.
fn accept(simulation: &Simulation, target: &Target, body: &[u8]) -> Result<(), AwsError> {
    let Some(model) = target.model.as_deref() else {
        return Ok(());
    };
    if !simulation.options.validate {
        return Ok(());
    }
    validate::model(model, &simulation.options.retired_models)?;
    if target.operation != Operation::CountTokens {
        validate::served(model)?;
    }
    match target.operation {
        Operation::Converse | Operation::ConverseStream => {
            let streaming = target.operation.streams();
            validate::conversation(
                resources::base(model),
                &parsed(body)?,
                streaming,
                simulation,
            )
        }
        Operation::CountTokens => validate::countable(model, &parsed(body)?, simulation),
        _ => parsed(body).map(|_| ()),
    }
}

/// The answer where no script has another.
fn unscripted(
    simulation: &Simulation,
    head: &Parts,
    target: &Target,
    body: &[u8],
) -> Result<Reply, AwsError> {
    let model = resources::base(target.model.as_deref().unwrap_or_default());
    let query = head.uri.query().unwrap_or_default();
    match (target.operation, &simulation.fixed) {
        (Operation::Converse, Some(fixed)) => Ok(fixed.whole()),
        (Operation::ConverseStream, Some(fixed)) => Ok(fixed.events()),
        (Operation::Converse | Operation::ConverseStream, None) => {
            Ok(answer::echo(simulation, target, &parsed(body)?))
        }
        (Operation::InvokeModel | Operation::InvokeModelWithResponseStream, _) => Ok(invoke::echo(
            model,
            &parsed(body)?,
            target.operation.streams(),
        )),
        (Operation::CountTokens, _) => Ok(answer::token_count(&parsed(body)?)),
        (Operation::ListFoundationModels, _) => {
            control_plane::foundation_models(simulation.options.control_plane, query)
        }
        (Operation::ListInferenceProfiles, _) => {
            control_plane::inference_profiles(simulation.options.control_plane, query)
        }
        (Operation::GetCallerIdentity, _) => Ok(sts::answer(body)),
        (operation, _) => control_plane::lookup(
            simulation.options.control_plane,
            operation,
            target.resource.as_deref().unwrap_or_default(),
        ),
    }
}

fn note(simulation: &Simulation, head: &Parts, target: Option<&Target>, body: &Bytes) {
    simulation.journal.note(|| Received {
        method: head.method.to_string(),
        path: head
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        operation: target.map(|target| target.operation),
        model: target.and_then(|target| target.model.clone()),
        headers: head.headers.clone(),
        body: body.clone(),
    });
    simulation.calls.received();
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
        format!("Request body must have length less than or equal to {LONGEST_BODY} bytes."),
    )
}

fn unknown_operation() -> AwsError {
    AwsError::of_credentials(
        StatusCode::NOT_FOUND,
        "UnknownOperationException",
        "The requested operation is not recognized by the service.",
    )
}
