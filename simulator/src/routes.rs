//! HTTP routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::batch_jobs::BatchJobs;
use crate::call;
use crate::clock::Clock;
use crate::exceptions;
use crate::options::JobEnd;
use crate::recording;
use crate::script::{Script, ScriptedResponse};
use crate::simulation::Simulation;
use crate::traffic::Traffic;

/// The control API under `/_simulator`, and `/healthz` for containers; all other paths are AWS's.
pub(crate) fn routes(simulation: Simulation) -> Router {
    Router::new()
        .route("/healthz", get(|| async { StatusCode::OK }))
        .route("/_simulator", delete(clear))
        .route("/_simulator/scripts", post(push_scripts))
        .route("/_simulator/requests", get(requests))
        .route("/_simulator/status", get(status))
        .route("/_simulator/clock", post(advance))
        .route("/_simulator/jobs", post(control_jobs))
        .fallback(call::response)
        .with_state(simulation)
}

async fn clear(State(simulation): State<Simulation>) -> StatusCode {
    simulation.clear();
    StatusCode::NO_CONTENT
}

/// Queues one script or a list; if one is invalid, none is queued.
async fn push_scripts(State(traffic): State<Arc<Traffic>>, body: Bytes) -> Response {
    match scripts_from(&body) {
        Ok(scripts) => {
            let queued = scripts.len();
            scripts
                .into_iter()
                .for_each(|script| traffic.scripts.push(script));
            document(StatusCode::CREATED, &json!({ "queued": queued }))
        }
        Err(error) => document(StatusCode::BAD_REQUEST, &json!({ "error": error })),
    }
}

fn scripts_from(body: &[u8]) -> Result<Vec<Script>, String> {
    let is_list = body.trim_ascii_start().starts_with(b"[");
    let scripts: Vec<Script> = if is_list {
        serde_json::from_slice(body)
    } else {
        serde_json::from_slice(body).map(|script| vec![script])
    }
    .map_err(|error| format!("invalid script: {error}"))?;
    for script in &scripts {
        exceptions::check(script)?;
        if let ScriptedResponse::Recording { file } = &script.response {
            recording::load(file)?;
        }
    }
    Ok(scripts)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

async fn advance(State(clock): State<Arc<Clock>>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(Advance { advance_seconds }) => {
            clock.advance(Duration::from_secs(advance_seconds));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => {
            let error = format!("invalid clock request: {error}");
            document(StatusCode::BAD_REQUEST, &json!({ "error": error }))
        }
    }
}

/// Controls batch jobs: the outcome of the next job, and whether jobs stay in progress.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobControl {
    #[serde(default)]
    end: Option<JobEnd>,
    #[serde(default)]
    hold: Option<bool>,
}

async fn control_jobs(State(batches): State<Arc<BatchJobs>>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(JobControl { end, hold }) => {
            end.into_iter().for_each(|end| batches.set_next_end(end));
            hold.into_iter().for_each(|hold| batches.hold(hold));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => {
            let error = format!("invalid jobs request: {error}");
            document(StatusCode::BAD_REQUEST, &json!({ "error": error }))
        }
    }
}

async fn requests(State(traffic): State<Arc<Traffic>>) -> Response {
    let requests: Vec<Value> = traffic
        .journal
        .entries()
        .iter()
        .map(crate::JournalEntry::to_json)
        .collect();
    document(StatusCode::OK, &Value::from(requests))
}

async fn status(State(traffic): State<Arc<Traffic>>) -> Response {
    let counts = traffic.calls.counts();
    let status = json!({
        "received": counts.received,
        "open_calls": counts.open,
        "abandoned": counts.abandoned,
        "scripts": traffic.scripts.len(),
    });
    document(StatusCode::OK, &status)
}

fn document(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}
