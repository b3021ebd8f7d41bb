//! Progress of a job: validation of its input files and processing of its records.

use bytes::Bytes;
use serde_json::{Value, json};

use super::request::{Kind, S3Location};
use super::store::{Counts, Job, JobStatus};
use crate::error::AwsError;
use crate::invoke;
use crate::operation::{Operation, Target};
use crate::options::JobEnd;
use crate::reply::ReplyBody;
use crate::resources;
use crate::response;
use crate::simulator::Simulation;
use crate::validate;

/// Returns the job after its next step.
pub(super) fn step(simulation: &Simulation, mut job: Job) -> Job {
    if job.status.is_over() {
        return job;
    }
    let now = simulation.clock.time_of_day();
    job.status = match job.status {
        JobStatus::Stopping => JobStatus::Stopped,
        JobStatus::Submitted => JobStatus::Validating,
        JobStatus::Validating => match count(simulation, &job) {
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
        JobStatus::InProgress if simulation.jobs.are_held() => JobStatus::InProgress,
        _ => end(simulation, &mut job),
    };
    job.modified = now;
    if job.status.is_over() {
        job.ended = Some(now);
    }
    job
}

fn end(simulation: &Simulation, job: &mut Job) -> JobStatus {
    match simulation.jobs.take_next_end() {
        JobEnd::Completed => {
            process_records(simulation, job, usize::MAX);
            JobStatus::Completed
        }
        JobEnd::PartiallyCompleted => {
            let half = job.counts.total as usize / 2;
            process_records(simulation, job, half);
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
fn count(simulation: &Simulation, job: &Job) -> Result<u64, String> {
    let files = inputs(simulation, &job.request.input);
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
    let minimum = simulation.options.minimum_records;
    if records < minimum {
        return Err(format!(
            "Your Batch inference job {} contains less records ({records}) than the required minimum of: {minimum}",
            job.arn
        ));
    }
    Ok(records)
}

/// Processes up to `max_records` records and writes the output.
fn process_records(simulation: &Simulation, job: &mut Job, max_records: usize) {
    let mut counts = Counts {
        total: job.counts.total,
        ..Counts::default()
    };
    let mut remaining = max_records;
    let (mut input_tokens, mut output_tokens) = (0, 0);
    for (name, content) in inputs(simulation, &job.request.input) {
        let mut output: Vec<Value> = Vec::new();
        for (number, line) in lines(&content).enumerate() {
            if remaining == 0 {
                break;
            }
            remaining -= 1;
            let record: Value = serde_json::from_slice(line).unwrap_or_default();
            let result = result(simulation, job, &record, number);
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
        write(simulation, job, &format!("{name}.out"), text);
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
    write(simulation, job, "manifest.json.out", manifest.to_string());
}

fn result(simulation: &Simulation, job: &Job, record: &Value, number: usize) -> Value {
    let id = record.get("recordId").and_then(Value::as_str);
    let id = id.map_or_else(|| format!("{number:011}"), str::to_owned);
    let input = record.get("modelInput").cloned().unwrap_or_default();
    match record_output(simulation, job, &input) {
        Ok(output) => json!({ "modelInput": input, "modelOutput": output, "recordId": id }),
        Err(error) => json!({
            "modelInput": input,
            "recordId": id,
            "error": { "errorCode": error.status.as_u16(), "errorMessage": error.message },
        }),
    }
}

fn record_output(simulation: &Simulation, job: &Job, input: &Value) -> Result<Value, AwsError> {
    let base = resources::base(&job.request.model);
    let reply = match job.request.kind {
        Kind::Converse => {
            validate::conversation(base, input, false, simulation)?;
            let target = Target {
                operation: Operation::Converse,
                model: Some(job.request.model.clone()),
                resource: None,
            };
            response::echo(simulation, &target, input)
        }
        Kind::InvokeModel => invoke::echo(base, input, false),
    };
    match reply.body {
        ReplyBody::Complete(body) => Ok(serde_json::from_slice(&body).unwrap_or_default()),
        _ => Ok(Value::Null),
    }
}

/// The job's input files with their names.
fn inputs(simulation: &Simulation, input: &S3Location) -> Vec<(String, Bytes)> {
    let S3Location { bucket, key } = input;
    let keys = match key.ends_with(".jsonl") {
        true => vec![key.clone()],
        false => simulation.objects.keys(bucket, key),
    };
    let files = keys.into_iter().filter(|key| key.ends_with(".jsonl"));
    files
        .filter_map(|key| {
            let name = key.rsplit('/').next().unwrap_or_default().to_owned();
            Some((name, simulation.objects.get(bucket, &key)?.content))
        })
        .collect()
}

fn lines(content: &Bytes) -> impl Iterator<Item = &[u8]> {
    let lines = content.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().is_empty())
}

fn write(simulation: &Simulation, job: &Job, name: &str, text: String) {
    let S3Location { bucket, key } = &job.request.output;
    let folder = key.trim_end_matches('/');
    let key = format!("{folder}/{}/{name}", job.id());
    let key = key.trim_start_matches('/');
    simulation.put_object(bucket, key, "application/octet-stream", text.into());
}
