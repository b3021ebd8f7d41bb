//! Batch jobs of the control plane: CreateModelInvocationJob and the operations on existing jobs.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::job_record::JobRecordError;
use crate::bedrock::client::{Bedrock, Service, ServiceRequest};
use crate::bedrock::errors::{ErrorResponse, UpstreamError};
use crate::bedrock::s3::ObjectLocation;
use crate::models::ModelId;

/// A new job: Converse requests to one model.
#[derive(Debug, Clone, Copy)]
pub struct JobOrder<'a> {
    /// Its name in the console: letters, digits and hyphens, at most 63 characters.
    pub name: &'a str,
    /// The idempotency token: a repeated request with the same token creates no second job.
    pub token: &'a str,
    /// The role that reads and writes the bucket.
    pub role_arn: &'a str,
    /// The model that processes the records.
    pub model: &'a ModelId,
    /// The input file; its name must end in `.jsonl`.
    pub input: &'a ObjectLocation,
    /// The output folder.
    pub output: &'a ObjectLocation,
    /// The time limit, in hours.
    pub timeout_hours: u32,
}

/// A job, as Bedrock reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Job {
    /// The progress of the job.
    pub status: JobStatus,
    /// The reason of a failure, in AWS's words.
    pub message: Option<String>,
    /// The number of records; `None` until they are counted.
    pub total_record_count: Option<u64>,
    /// The number of successful records.
    pub success_record_count: Option<u64>,
    /// The number of failed records.
    pub error_record_count: Option<u64>,
}

/// The status of a job (botocore, bedrock: `ModelInvocationJobStatus`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobStatus {
    /// Queued for validation.
    #[default]
    Submitted,
    /// The input is being validated.
    Validating,
    /// Queued for processing.
    Scheduled,
    /// The records are being processed.
    InProgress,
    /// The job is being stopped.
    Stopping,
    /// The job was stopped.
    Stopped,
    /// All records were processed.
    Completed,
    /// The time limit ended before all records were processed.
    PartiallyCompleted,
    /// The job failed.
    Failed,
    /// The time limit ended before the job started.
    Expired,
    /// A status that this version does not know.
    #[serde(other)]
    Unknown,
}

impl JobStatus {
    /// Whether processing has started.
    pub fn has_started(self) -> bool {
        !matches!(self, Self::Submitted | Self::Validating | Self::Scheduled)
    }

    /// Whether the status is final.
    pub fn is_over(self) -> bool {
        match self {
            Self::Stopped
            | Self::Completed
            | Self::PartiallyCompleted
            | Self::Failed
            | Self::Expired => true,
            Self::Submitted
            | Self::Validating
            | Self::Scheduled
            | Self::InProgress
            | Self::Stopping
            | Self::Unknown => false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody<'a> {
    job_name: &'a str,
    client_request_token: &'a str,
    role_arn: &'a str,
    model_id: &'a str,
    model_invocation_type: &'static str,
    input_data_config: InputConfig,
    output_data_config: JobOutputConfig,
    timeout_duration_in_hours: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InputConfig {
    s3_input_data_config: S3Input,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct S3Input {
    s3_uri: String,
    s3_input_format: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobOutputConfig {
    s3_output_data_config: S3Output,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct S3Output {
    s3_uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateJobResponse {
    job_arn: String,
}

impl Bedrock {
    /// Creates a job, and returns its ARN.
    pub async fn create_job(&self, order: &JobOrder<'_>) -> Result<String, UpstreamError> {
        let JobOrder {
            name,
            token,
            role_arn,
            model,
            input,
            output,
            timeout_hours,
        } = *order;
        let body = serde_json::to_vec(&CreateBody {
            job_name: name,
            client_request_token: token,
            role_arn,
            model_id: model.as_str(),
            model_invocation_type: "Converse",
            input_data_config: InputConfig {
                s3_input_data_config: S3Input {
                    s3_uri: input.to_string(),
                    s3_input_format: "JSONL",
                },
            },
            output_data_config: JobOutputConfig {
                s3_output_data_config: S3Output {
                    s3_uri: output.to_string(),
                },
            },
            timeout_duration_in_hours: timeout_hours,
        });
        let body: Bytes = body
            .map_err(|error| UpstreamError::internal(error.to_string()))?
            .into();
        let path = "/model-invocation-job";
        let response = self.send_job_request(Method::POST, path, body).await?;
        let CreateJobResponse { job_arn } = read(&response)?;
        Ok(job_arn)
    }

    /// The current state of a job.
    pub async fn job(&self, arn: &str) -> Result<Job, UpstreamError> {
        let path = path_of(arn);
        let response = self
            .send_job_request(Method::GET, &path, Bytes::new())
            .await?;
        read(&response)
    }

    /// Stops a job. Succeeds if the job has already ended.
    pub async fn stop_job(&self, arn: &str) -> Result<(), UpstreamError> {
        let path = format!("{}/stop", path_of(arn));
        let stopped = self
            .send_job_request(Method::POST, &path, Bytes::new())
            .await;
        match stopped {
            Err(error) if error.code == "ConflictException" => Ok(()),
            stopped => stopped.map(drop),
        }
    }

    async fn send_job_request(
        &self,
        method: Method,
        path_and_query: &str,
        body: Bytes,
    ) -> Result<Bytes, UpstreamError> {
        let request = ServiceRequest {
            service: Service::Control,
            method,
            path_and_query,
            body,
        };
        self.with_backoff(None, || self.send(&request)).await
    }
}

/// The error of a record without a response.
pub fn record_error(error: &JobRecordError) -> UpstreamError {
    let JobRecordError {
        error_code,
        error_message,
    } = error;
    let code = error_code
        .as_ref()
        .map(|code| code.as_str())
        .unwrap_or_default();
    let status: u16 = code.trim_matches('"').parse().unwrap_or(500);
    let name = code.trim_matches('"');
    let exception = name.ends_with("Exception").then_some(name);
    let body = serde_json::json!({ "message": error_message });
    UpstreamError::from_response(&ErrorResponse {
        status,
        error_type: exception,
        wait: None,
        body: body.to_string().as_bytes(),
    })
}

fn path_of(arn: &str) -> String {
    let arn = utf8_percent_encode(arn, NON_ALPHANUMERIC);
    format!("/model-invocation-job/{arn}")
}

fn read<'a, T: Deserialize<'a>>(response: &'a [u8]) -> Result<T, UpstreamError> {
    serde_json::from_slice(response).map_err(|error| UpstreamError::bad_response(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;
    use crate::error::ErrorKind;

    #[test]
    fn an_unknown_job_status_counts_as_in_progress() {
        for (text, over, started) in [
            ("Scheduled", false, false),
            ("InProgress", false, true),
            ("PartiallyCompleted", true, true),
            ("Pondering", false, true),
        ] {
            let job: Job = read(format!(r#"{{"status":"{text}"}}"#).as_bytes()).expect(text);
            let status = job.status;
            assert_eq!(
                (status.is_over(), status.has_started()),
                (over, started),
                "{text}"
            );
        }
    }

    #[test]
    fn a_record_error_is_classified_like_a_call_error() {
        for (code, kind) in [
            (Some("400"), ErrorKind::InvalidRequest),
            (Some("429"), ErrorKind::RateLimited),
            (Some("\"ThrottlingException\""), ErrorKind::RateLimited),
            (None, ErrorKind::Internal),
        ] {
            let error = JobRecordError {
                error_code: code.and_then(|code| JsonText::parse(code.to_owned()).ok()),
                error_message: Some("bad request".to_owned()),
            };
            assert_eq!(record_error(&error).api_error.kind, kind, "{code:?}");
        }
    }
}
