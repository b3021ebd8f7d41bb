//! Video generation: StartAsyncInvoke, GetAsyncInvoke and ListAsyncInvokes.
//!
//! A job completes two minutes after its start by the simulator's clock, or on its third
//! GetAsyncInvoke. Its video and the manifest are then written to S3, to a folder named after the
//! invocation under the requested `s3Uri`. A prompt that contains `avalanche` fails.

mod input;
mod video;
mod video_jobs;

use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::catalog::REGION;
use crate::control_plane::parameter;
use crate::error::AwsError;
use crate::families::bare_id;
use crate::options::Options;
use crate::reply::Reply;
use crate::s3::Storage;
use crate::timestamp;
use crate::validate;
pub(crate) use video_jobs::VideoJobs;
use video_jobs::{Job, State};

/// Default page size; small, so that clients have to follow `nextToken`.
const PAGE: usize = 10;
const MAX_TOKEN_LENGTH: usize = 256;

/// Starts a job, or returns the existing job with the same `clientRequestToken`.
pub(crate) fn start(
    jobs: &VideoJobs,
    storage: &Storage,
    options: &Options,
    now: SystemTime,
    request: &Value,
) -> Result<Reply, AwsError> {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str);
    let model = text("/modelId").ok_or_else(|| absent("modelId"))?;
    let input = request
        .get("modelInput")
        .ok_or_else(|| absent("modelInput"))?;
    if request.get("outputDataConfig").is_none() {
        return Err(absent("outputDataConfig"));
    }
    let uri = text("/outputDataConfig/s3OutputDataConfig/s3Uri")
        .ok_or_else(|| absent("outputDataConfig.s3OutputDataConfig.s3Uri"))?;
    let bucket = bucket(uri)?;
    let token = text("/clientRequestToken").unwrap_or_default();
    if options.validate {
        check(options, model, input, token)?;
    }
    if !storage.has_bucket(bucket) {
        return Err(AwsError::validation(
            "Invalid Output Config/Credentials. Please ensure that the S3 bucket exists and that you have permission to write to it.",
        ));
    }
    let job = Job::new(model, token, request, uri, now);
    let arn = jobs.start(job)?;
    Ok(response(&json!({ "invocationArn": arn })))
}

/// Returns one job. Each call counts as a lookup and may complete the job.
pub(crate) fn get(
    jobs: &VideoJobs,
    storage: &Storage,
    now: SystemTime,
    arn: &str,
) -> Result<Reply, AwsError> {
    let job = jobs.look_up(arn, now);
    let job = job.ok_or_else(|| AwsError::validation("The provided invocation ARN is invalid."))?;
    video::deliver(jobs, storage, &job, now);
    Ok(response(&described(&job, now)))
}

/// A page of jobs, newest first by default.
pub(crate) fn list(
    jobs: &VideoJobs,
    storage: &Storage,
    now: SystemTime,
    query: &str,
) -> Result<Reply, AwsError> {
    let value = |name: &str| parameter(query, name);
    let number = |name: &str, default: usize| match value(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| out_of_range(name, &text)),
    };
    let size: usize = number("maxResults", PAGE)?;
    if !(1..=1000).contains(&size) {
        return Err(out_of_range("maxResults", &size.to_string()));
    }
    let from: usize = number("nextToken", 0)?;
    let mut listed = jobs.all();
    if value("sortOrder").as_deref() != Some("Ascending") {
        listed.reverse();
    }
    listed
        .iter()
        .for_each(|job| video::deliver(jobs, storage, job, now));
    let after = value("submitTimeAfter").and_then(|time| timestamp::parse_iso(&time));
    let before = value("submitTimeBefore").and_then(|time| timestamp::parse_iso(&time));
    let status = value("statusEquals");
    listed.retain(|job| {
        after.is_none_or(|after| job.submitted > after)
            && before.is_none_or(|before| job.submitted < before)
            && status
                .as_deref()
                .is_none_or(|status| job.state(now).as_str() == status)
    });
    let page: Vec<Value> = listed
        .iter()
        .skip(from)
        .take(size)
        .map(|job| described(job, now))
        .collect();
    let mut body = json!({ "asyncInvokeSummaries": page });
    if from + size < listed.len() {
        add(&mut body, "nextToken", (from + size).to_string());
    }
    Ok(response(&body))
}

fn check(options: &Options, model: &str, input: &Value, token: &str) -> Result<(), AwsError> {
    validate::model(model, options)?;
    let printable = token.chars().all(|c| ('!'..='~').contains(&c));
    if token.len() > MAX_TOKEN_LENGTH || !printable {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to {MAX_TOKEN_LENGTH} and match [!-~]*"
        )));
    }
    input::check(model, input)
}

fn described(job: &Job, now: SystemTime) -> Value {
    let state = job.state(now);
    let uri = format!("{}/{}", job.uri, job.id());
    let id = bare_id(&job.model);
    let mut body = json!({
        "invocationArn": job.arn,
        "modelArn": format!("arn:aws:bedrock:{REGION}::foundation-model/{id}"),
        "status": state.as_str(),
        "submitTime": timestamp::iso(job.submitted),
        "lastModifiedTime": timestamp::iso(job.ended(now).unwrap_or(job.submitted)),
        "outputDataConfig": { "s3OutputDataConfig": { "s3Uri": uri } },
    });
    if !job.token.is_empty() {
        add(&mut body, "clientRequestToken", job.token.as_str());
    }
    if let Some(ended) = job.ended(now) {
        add(&mut body, "endTime", timestamp::iso(ended));
    }
    if state == State::Failed {
        add(&mut body, "failureMessage", video::BLOCKED);
    }
    body
}

fn add(body: &mut Value, name: &str, text: impl Into<String>) {
    if let Value::Object(fields) = body {
        fields.insert(name.to_owned(), Value::String(text.into()));
    }
}

/// The bucket name in `s3://bucket/…`.
fn bucket(uri: &str) -> Result<&str, AwsError> {
    let bucket = uri
        .strip_prefix("s3://")
        .map(|rest| rest.split('/').next().unwrap_or_default())
        .filter(|bucket| (3..=63).contains(&bucket.len()));
    bucket.ok_or_else(|| {
        AwsError::validation(format!(
            "1 validation error detected: Value '{uri}' at 'outputDataConfig.s3OutputDataConfig.s3Uri' failed to satisfy constraint: Member must satisfy regular expression pattern: s3://[a-z0-9][\\.\\-a-z0-9]{{1,61}}[a-z0-9](/.*)?"
        ))
    })
}

fn absent(name: &str) -> AwsError {
    AwsError::validation(format!(
        "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
    ))
}

fn out_of_range(name: &str, value: &str) -> AwsError {
    AwsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have value less than or equal to 1000"
    ))
}

fn response(body: &Value) -> Reply {
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}
