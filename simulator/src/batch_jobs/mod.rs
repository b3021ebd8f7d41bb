//! Batch inference jobs: CreateModelInvocationJob and the other operations on jobs. Input and
//! output files are S3 objects.
//!
//! A job only advances when GetModelInvocationJob is called: each call moves it one status further
//! (submitted, validating, scheduled, in progress, ended).

mod records;
mod request;
mod store;

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::catalog::{ACCOUNT, REGION};
use crate::control_plane::parameter;
use crate::error::AwsError;
use crate::operation::{Operation, Target};
use crate::options::JobEnd;
use crate::reply::Reply;
use crate::runtime::Runtime;
use crate::s3::Storage;
use crate::timestamp;
use store::{Job, JobStatus, Jobs};

/// Default page size; small, so that clients have to follow `nextToken`.
const PAGE: usize = 10;

/// Whether this module implements the operation.
pub(crate) fn serves(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::CreateModelInvocationJob
            | Operation::GetModelInvocationJob
            | Operation::ListModelInvocationJobs
            | Operation::StopModelInvocationJob
    )
}

/// The account's batch jobs, with the storage of their files and the models that they call.
#[derive(Debug)]
pub(crate) struct BatchJobs {
    jobs: Jobs,
    storage: Arc<Storage>,
    runtime: Arc<Runtime>,
}

impl BatchJobs {
    pub(crate) fn new(storage: Arc<Storage>, runtime: Arc<Runtime>) -> Self {
        Self {
            jobs: Jobs::default(),
            storage,
            runtime,
        }
    }

    /// Queues the outcome of the next job that ends.
    pub(crate) fn set_next_end(&self, end: JobEnd) {
        self.jobs.set_next_end(end);
    }

    /// Keeps jobs in progress, or releases them.
    pub(crate) fn hold(&self, hold: bool) {
        self.jobs.hold(hold);
    }

    pub(crate) fn clear(&self) {
        self.jobs.clear();
    }
}

pub(crate) fn response(
    batches: &BatchJobs,
    target: &Target,
    query: &str,
    body: &[u8],
) -> Result<Reply, AwsError> {
    let resource = target.resource.as_deref().unwrap_or_default();
    match target.operation {
        Operation::CreateModelInvocationJob => create(batches, body),
        Operation::ListModelInvocationJobs => list(&batches.jobs, query),
        Operation::StopModelInvocationJob => stop(&batches.jobs, resource),
        _ => get(batches, resource),
    }
}

fn create(batches: &BatchJobs, body: &[u8]) -> Result<Reply, AwsError> {
    let BatchJobs { jobs, runtime, .. } = batches;
    let body: Value = serde_json::from_slice(body).map_err(|_| {
        AwsError::new(
            StatusCode::BAD_REQUEST,
            "SerializationException",
            "The request body is not valid JSON.",
        )
    })?;
    let request = request::read(&runtime.options, &body)?;
    if let Some(token) = &request.token
        && let Some(job) = jobs.of_token(token)
    {
        return Ok(document(&json!({ "jobArn": job.arn })));
    }
    let arn = format!(
        "arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/{}",
        store::job_id()
    );
    let now = runtime.clock.time_of_day();
    jobs.add(Job::new(arn.clone(), request, now));
    Ok(document(&json!({ "jobArn": arn })))
}

fn get(batches: &BatchJobs, resource: &str) -> Result<Reply, AwsError> {
    let BatchJobs {
        jobs,
        storage,
        runtime,
    } = batches;
    let job = jobs.find(resource).ok_or_else(no_such_job)?;
    let description = described(&job);
    let next = records::step(jobs, storage, runtime, job);
    jobs.put(next);
    Ok(document(&description))
}

fn list(jobs: &Jobs, query: &str) -> Result<Reply, AwsError> {
    let status = parameter(query, "statusEquals");
    let name = parameter(query, "nameContains").unwrap_or_default();
    let number = |name: &str, default_value: usize| match parameter(query, name) {
        None => Ok(default_value),
        Some(text) => text
            .parse()
            .map_err(|_| AwsError::validation(format!("Invalid value for {name}."))),
    };
    let (start, size) = (
        number("nextToken", 0)?,
        number("maxResults", PAGE)?.clamp(1, 1000),
    );
    let mut jobs = jobs.all();
    if parameter(query, "sortOrder").as_deref() != Some("Ascending") {
        jobs.reverse();
    }
    jobs.retain(|job| {
        job.request.name.contains(&name)
            && status
                .as_deref()
                .is_none_or(|status| status == job.status.as_str())
    });
    let page: Vec<Value> = jobs.iter().skip(start).take(size).map(described).collect();
    let next = start.saturating_add(page.len());
    let more = (next < jobs.len()).then(|| next.to_string());
    Ok(document(
        &json!({ "invocationJobSummaries": page, "nextToken": more }),
    ))
}

fn stop(jobs: &Jobs, resource: &str) -> Result<Reply, AwsError> {
    let mut job = jobs.find(resource).ok_or_else(no_such_job)?;
    if job.status.is_over() {
        return Err(AwsError::new(
            StatusCode::BAD_REQUEST,
            "ConflictException",
            format!(
                "The job is in {} status and cannot be stopped.",
                job.status.as_str()
            ),
        ));
    }
    job.status = JobStatus::Stopping;
    jobs.put(job);
    Ok(document(&json!({})))
}

fn described(job: &Job) -> Value {
    let mut description = json!({
        "jobArn": job.arn,
        "jobName": job.request.name,
        "modelId": job.request.model,
        "clientRequestToken": job.request.token,
        "roleArn": job.request.role,
        "status": job.status.as_str(),
        "message": job.message,
        "submitTime": timestamp::iso(job.submitted),
        "lastModifiedTime": timestamp::iso(job.modified),
        "endTime": job.ended.map(timestamp::iso),
        "inputDataConfig": job.request.input_config,
        "outputDataConfig": job.request.output_config,
        "timeoutDurationInHours": job.request.timeout_hours,
        "jobExpirationTime": timestamp::iso(job.expires()),
        "modelInvocationType": job.request.kind.as_str(),
        "totalRecordCount": job.counts.total,
        "processedRecordCount": job.counts.succeeded + job.counts.failed,
        "successRecordCount": job.counts.succeeded,
        "errorRecordCount": job.counts.failed,
    });
    if let Some(fields) = description.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    description
}

fn no_such_job() -> AwsError {
    AwsError::new(
        StatusCode::NOT_FOUND,
        "ResourceNotFoundException",
        "Could not find the specified model invocation job.",
    )
}

fn document(body: &Value) -> Reply {
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}
