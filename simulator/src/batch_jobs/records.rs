//! Progress of a job: validation of its input files and processing of its records.

use bytes::Bytes;
use serde_json::{Value, json};

use super::request::{Kind, S3Location};
use super::store::{Counts, Job, JobStatus, Jobs};
use crate::error::AwsError;
use crate::invoke;
use crate::operation::{Operation, Target};
use crate::options::JobEnd;
use crate::reply::ReplyBody;
use crate::resources;
use crate::response;
use crate::runtime::Runtime;
use crate::s3::Storage;
use crate::validate;

/// Returns the job after its next step.
pub(super) fn step(jobs: &Jobs, storage: &Storage, runtime: &Runtime, mut job: Job) -> Job {
    if job.status.is_over() {
        return job;
    }
    let now = runtime.clock.time_of_day();
    job.status = match job.status {
        JobStatus::Stopping => JobStatus::Stopped,
        JobStatus::Submitted => JobStatus::Validating,
        JobStatus::Validating => match count(storage, runtime.options.minimum_records, &job) {
            Ok(total) => {
                job.counts.total = total;
                JobStatus::Scheduled
            }
            Err(message) => {
                job.message = Some(message);
                JobStatus::Failed
            }
        },
        JobStatus::Scheduled if now >= job.expires() => JobStatus::Expired,
        JobStatus::Scheduled => JobStatus::InProgress,
        JobStatus::InProgress if jobs.are_held() => JobStatus::InProgress,
        _ => {
            let outcome = jobs.take_next_end();
            end(storage, runtime, &mut job, outcome)
        }
    };
    job.modified = now;
    if job.status.is_over() {
        job.ended = Some(now);
    }
    job
}

fn end(storage: &Storage, runtime: &Runtime, job: &mut Job, outcome: JobEnd) -> JobStatus {
    match outcome {
        JobEnd::Completed => {
            process_records(storage, runtime, job, usize::MAX);
            JobStatus::Completed
        }
        JobEnd::PartiallyCompleted => {
            let half = job.counts.total as usize / 2;
            process_records(storage, runtime, job, half);
            job.message = Some("Some records could not be processed in time.".to_owned());
            JobStatus::PartiallyCompleted
        }
        JobEnd::Failed => {
            job.message = Some("Internal error occurred. Please retry later.".to_owned());
            JobStatus::Failed
        }
        JobEnd::Expired => JobStatus::Expired,
    }
}

/// Counts the records; the error is the job's failure message.
fn count(storage: &Storage, minimum: u64, job: &Job) -> Result<u64, String> {
    let files = inputs(storage, &job.request.input);
    if files.is_empty() {
        let S3Location { bucket, key } = &job.request.input;
        return Err(format!(
            "Unable to locate files for S3 URI s3://{bucket}/{key}"
        ));
    }
    let mut records = 0;
    for (name, content) in files {
        for (number, line) in lines(&content).enumerate() {
            let record: Value = serde_json::from_slice(line).unwrap_or_default();
            let has_model_input = record.get("modelInput").is_some_and(Value::is_object);
            if !has_model_input {
                return Err(format!(
                    "Malformed record in {name}, line {}: each line has to be a JSON object with modelInput.",
                    number + 1
                ));
            }
            records += 1;
        }
    }
    if records < minimum {
        return Err(format!(
            "Your Batch inference job {} contains less records ({records}) than the required minimum of: {minimum}",
            job.arn
        ));
    }
    Ok(records)
}

/// Processes up to `max_records` records and writes the output.
fn process_records(storage: &Storage, runtime: &Runtime, job: &mut Job, max_records: usize) {
    let mut counts = Counts {
        total: job.counts.total,
        ..Counts::default()
    };
    let mut remaining = max_records;
    let (mut input_tokens, mut output_tokens) = (0, 0);
    for (name, content) in inputs(storage, &job.request.input) {
        let mut output: Vec<Value> = Vec::new();
        for (number, line) in lines(&content).enumerate() {
            if remaining == 0 {
                break;
            }
            remaining -= 1;
            let record: Value = serde_json::from_slice(line).unwrap_or_default();
            let result = result(runtime, job, &record, number);
            match result.get("modelOutput") {
                Some(record_result) => {
                    counts.succeeded += 1;
                    let tokens = |name: &str| {
                        record_result
                            .pointer(&format!("/usage/{name}"))
                            .and_then(Value::as_u64)
                    };
                    input_tokens += tokens("inputTokens").unwrap_or_default();
                    output_tokens += tokens("outputTokens").unwrap_or_default();
                }
                None => counts.failed += 1,
            }
            output.push(result);
        }
        // Bedrock does not guarantee an order; reversing catches clients that assume one.
        output.reverse();
        let text: String = output.iter().map(|result| format!("{result}\n")).collect();
        write(storage, job, &format!("{name}.out"), text);
    }
    job.counts = counts;
    let manifest = json!({
        "totalRecordCount": counts.total,
        "processedRecordCount": counts.succeeded + counts.failed,
        "successRecordCount": counts.succeeded,
        "errorRecordCount": counts.failed,
        "inputTokenCount": input_tokens,
        "outputTokenCount": output_tokens,
    });
    write(storage, job, "manifest.json.out", manifest.to_string());
}

fn result(runtime: &Runtime, job: &Job, record: &Value, number: usize) -> Value {
    let id = record.get("recordId").and_then(Value::as_str);
    let id = id.map_or_else(|| format!("{number:011}"), str::to_owned);
    let input = record.get("modelInput").cloned().unwrap_or_default();
    match record_output(runtime, job, &input) {
        Ok(output) => json!({ "modelInput": input, "modelOutput": output, "recordId": id }),
        Err(error) => json!({
            "modelInput": input,
            "recordId": id,
            "error": { "errorCode": error.status.as_u16(), "errorMessage": error.message },
        }),
    }
}

fn record_output(runtime: &Runtime, job: &Job, input: &Value) -> Result<Value, AwsError> {
    let base = resources::base(&job.request.model);
    let reply = match job.request.kind {
        Kind::Converse => {
            validate::conversation(base, input, false, runtime)?;
            let target = Target {
                operation: Operation::Converse,
                model: Some(job.request.model.clone()),
                resource: None,
            };
            response::echo(runtime, &target, input)
        }
        Kind::InvokeModel => invoke::echo(base, input, false),
    };
    match reply.body {
        ReplyBody::Complete(body) => Ok(serde_json::from_slice(&body).unwrap_or_default()),
        _ => Ok(Value::Null),
    }
}

/// The job's input files with their names.
fn inputs(storage: &Storage, input: &S3Location) -> Vec<(String, Bytes)> {
    let S3Location { bucket, key } = input;
    let keys = match key.ends_with(".jsonl") {
        true => vec![key.clone()],
        false => storage.keys(bucket, key),
    };
    let files = keys.into_iter().filter(|key| key.ends_with(".jsonl"));
    files
        .filter_map(|key| {
            let name = key.rsplit('/').next().unwrap_or_default().to_owned();
            Some((name, storage.content(bucket, &key)?))
        })
        .collect()
}

fn lines(content: &Bytes) -> impl Iterator<Item = &[u8]> {
    let lines = content.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().is_empty())
}

fn write(storage: &Storage, job: &Job, name: &str, text: String) {
    let S3Location { bucket, key } = &job.request.output;
    let folder = key.trim_end_matches('/');
    let key = format!("{folder}/{}/{name}", job.id());
    let key = key.trim_start_matches('/');
    storage.put(bucket, key, "application/octet-stream", text.into());
}
