//! StartAsyncInvoke, GetAsyncInvoke and ListAsyncInvokes: models that write their output to S3.

use aws_smithy_types::date_time::{DateTime, Format};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::bedrock::client::{Bedrock, Service, ServiceRequest};
use crate::bedrock::destination::encoded_segment;
use crate::bedrock::errors::UpstreamError;
use crate::bedrock::errors::scrub::scrub;
use crate::bedrock::s3::ObjectLocation;
use crate::converse::JsonText;
use crate::models::ModelId;

/// The parameters of a new job.
#[derive(Debug, Clone)]
pub struct AsyncInvokeOrder {
    /// The request in the model's own format.
    pub input: JsonText,
    /// The folder in which Bedrock creates the job's folder.
    pub output: ObjectLocation,
    /// The idempotency token: a repeated request with the same token starts no second job. Bedrock
    /// returns it with the job. Up to 256 printable characters.
    pub token: String,
}

/// A job, as Bedrock reports it.
#[derive(Debug, Clone)]
pub struct AsyncInvoke {
    /// The last segment of its ARN: twelve lowercase letters and digits.
    pub id: String,
    /// The model id.
    pub model: String,
    /// The progress of the job.
    pub state: AsyncInvokeState,
    /// The start time, in Unix seconds.
    pub submitted: u64,
    /// The end time, in Unix seconds; `None` while the job is in progress.
    pub ended: Option<u64>,
    /// The job's own folder.
    pub output: ObjectLocation,
    /// The idempotency token of its start.
    pub token: Option<String>,
}

/// The status of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsyncInvokeState {
    /// The job is running.
    InProgress,
    /// The output is in the job's folder.
    Completed,
    /// The job failed; the reason, without the operator's identifiers.
    Failed(String),
}

/// The page and the order of a list of jobs.
#[derive(Debug, Clone, Default)]
pub struct AsyncInvokePage {
    /// The token of the page; `None` for the first page.
    pub next: Option<String>,
    /// Whether the list starts with the oldest job.
    pub oldest_first: bool,
}

/// The page size; Bedrock's maximum.
const PAGE: usize = 1000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartRequest<'a> {
    client_request_token: &'a str,
    model_id: &'a str,
    model_input: &'a JsonText,
    output_data_config: OutputDataConfig,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputDataConfig {
    s3_output_data_config: S3OutputDataConfig,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3OutputDataConfig {
    s3_uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartInvocationResponse {
    invocation_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvocationSummary {
    invocation_arn: String,
    model_arn: String,
    client_request_token: Option<String>,
    status: Option<String>,
    failure_message: Option<String>,
    submit_time: String,
    end_time: Option<String>,
    output_data_config: OutputDataConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvocationList {
    next_token: Option<String>,
    #[serde(default)]
    async_invoke_summaries: Vec<InvocationSummary>,
}

impl Bedrock {
    /// Starts a job of `model`, with retries, and returns its id.
    pub async fn start_async_invoke(
        &self,
        model: &ModelId,
        order: &AsyncInvokeOrder,
    ) -> Result<String, UpstreamError> {
        let request = StartRequest {
            client_request_token: &order.token,
            model_id: model.as_str(),
            model_input: &order.input,
            output_data_config: OutputDataConfig {
                s3_output_data_config: S3OutputDataConfig {
                    s3_uri: order.output.to_string(),
                },
            },
        };
        let body = serde_json::to_vec(&request);
        let body = Bytes::from(body.map_err(|error| UpstreamError::internal(error.to_string()))?);
        let request = ServiceRequest {
            service: Service::Runtime,
            method: Method::POST,
            path_and_query: "/async-invoke",
            body,
        };
        let target = Some(model.as_str());
        let started = self.with_backoff(target, || self.send(&request)).await?;
        let started: StartInvocationResponse = read(&started)?;
        let (prefix, id) = split(&started.invocation_arn)?;
        self.job_arn_prefix().get_or_init(|| prefix.to_owned());
        Ok(id.to_owned())
    }

    /// The job with this id; `None` if Bedrock does not know it.
    pub async fn get_async_invoke(&self, id: &str) -> Result<Option<AsyncInvoke>, UpstreamError> {
        let Some(arn) = self.arn_of_async_invoke(id).await? else {
            return Ok(None);
        };
        let path = format!("/async-invoke/{}", encoded_segment(&arn));
        let request = ServiceRequest::get(Service::Runtime, &path);
        match self.with_backoff(None, || self.send(&request)).await {
            Ok(body) => read::<InvocationSummary>(&body)?.job().map(Some),
            // Bedrock has no more specific error for an unknown job (botocore, GetAsyncInvoke).
            Err(error)
                if matches!(
                    error.code.as_str(),
                    "ValidationException" | "ResourceNotFoundException"
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The ARN of the job with this id; `None` if the account has no jobs.
    pub async fn arn_of_async_invoke(&self, id: &str) -> Result<Option<String>, UpstreamError> {
        let prefix = self.look_up_job_arn_prefix().await?;
        Ok(prefix.map(|prefix| format!("{prefix}/{id}")))
    }

    /// A page of the account's jobs, and the token of the next page.
    pub async fn list_async_invokes(
        &self,
        page: &AsyncInvokePage,
    ) -> Result<(Vec<AsyncInvoke>, Option<String>), UpstreamError> {
        let order = match page.oldest_first {
            true => "Ascending",
            false => "Descending",
        };
        let mut path =
            format!("/async-invoke?maxResults={PAGE}&sortBy=SubmissionTime&sortOrder={order}");
        if let Some(next) = &page.next {
            path += &format!("&nextToken={}", encoded_segment(next));
        }
        let request = ServiceRequest::get(Service::Runtime, &path);
        let listed: InvocationList = read(&self.with_backoff(None, || self.send(&request)).await?)?;
        if let Some(job) = listed.async_invoke_summaries.first() {
            let (prefix, _) = split(&job.invocation_arn)?;
            self.job_arn_prefix().get_or_init(|| prefix.to_owned());
        }
        let jobs = listed.async_invoke_summaries.into_iter();
        let jobs = jobs.map(InvocationSummary::job).collect::<Result<_, _>>()?;
        Ok((jobs, listed.next_token.filter(|next| !next.is_empty())))
    }

    /// The prefix of the jobs' ARNs, read from any job; `None` if there are no jobs. This needs no
    /// other service to learn the account id, and does not reveal it to clients.
    async fn look_up_job_arn_prefix(&self) -> Result<Option<String>, UpstreamError> {
        if self.job_arn_prefix().get().is_none() {
            self.list_async_invokes(&AsyncInvokePage::default()).await?;
        }
        Ok(self.job_arn_prefix().get().cloned())
    }
}

impl InvocationSummary {
    fn job(self) -> Result<AsyncInvoke, UpstreamError> {
        let (_, id) = split(&self.invocation_arn)?;
        let uri = &self.output_data_config.s3_output_data_config.s3_uri;
        let output = ObjectLocation::parse(&format!("{}/", uri.trim_end_matches('/')));
        let output = output.ok_or_else(|| UpstreamError::bad_response("a job without a folder"))?;
        let state = match self.status.as_deref() {
            Some("Completed") => AsyncInvokeState::Completed,
            Some("Failed") => AsyncInvokeState::Failed(reason(self.failure_message)),
            _ => AsyncInvokeState::InProgress,
        };
        Ok(AsyncInvoke {
            output: own_folder(output, id),
            id: id.to_owned(),
            model: last(&self.model_arn).to_owned(),
            state,
            submitted: seconds(&self.submit_time).unwrap_or_default(),
            ended: self.end_time.as_deref().and_then(seconds),
            token: self.client_request_token,
        })
    }
}

/// The job's folder, which some locations already include.
fn own_folder(output: ObjectLocation, id: &str) -> ObjectLocation {
    let key = output.key.trim_end_matches('/');
    match last(key) == id {
        true => ObjectLocation {
            key: key.to_owned(),
            bucket: output.bucket,
        },
        false => output.join(id),
    }
}

fn reason(message: Option<String>) -> String {
    match message {
        Some(message) if !message.is_empty() && !message.contains("s3://") => scrub(&message),
        _ => "the model could not generate the output".to_owned(),
    }
}

/// Splits an ARN at its last slash.
fn split(arn: &str) -> Result<(&str, &str), UpstreamError> {
    arn.rsplit_once('/')
        .ok_or_else(|| UpstreamError::bad_response("a job without an ARN"))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn seconds(time: &str) -> Option<u64> {
    let time = DateTime::from_str(time, Format::DateTimeWithOffset).ok()?;
    time.secs().try_into().ok()
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, UpstreamError> {
    serde_json::from_slice(body).map_err(|error| UpstreamError::bad_response(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_folder_is_appended_only_once() {
        for uri in [
            "s3://videos/all/abc",
            "s3://videos/all/abc/",
            "s3://videos/all",
        ] {
            let output = ObjectLocation::parse(&format!("{uri}/")).expect("a location");
            let own = own_folder(output, "abc");
            assert_eq!(own.to_string(), "s3://videos/all/abc", "{uri}");
        }
    }

    #[test]
    fn timestamps_with_fractions_and_offsets_are_parsed() {
        for time in [
            "2025-01-01T00:00:00Z",
            "2025-01-01T00:00:00.123456Z",
            "2025-01-01T01:00:00+01:00",
        ] {
            assert_eq!(seconds(time), Some(1_735_689_600), "{time}");
        }
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn failure_messages_do_not_reveal_operator_resources() {
        let about_bucket = reason(Some("no access to s3://videos/all".to_owned()));
        assert_eq!(about_bucket, "the model could not generate the output");
        let blocked = "blocked by our content filters";
        assert_eq!(reason(Some(blocked.to_owned())), blocked);
    }
}
