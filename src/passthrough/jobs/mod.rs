//! Asynchronous jobs as their caller sees them: only the caller's own, and without the operator's
//! account id.
//!
//! The output folder of a job identifies its caller. The account id in a job's ARN is replaced by
//! zeros in responses, and restored in requests. Every instance can do that: the account id is read
//! from any job that Bedrock lists.

mod start;

use std::fmt;

use bytes::Bytes;
use http::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bedrock::{Bedrock, UpstreamError, encoded_segment, scrub};
use crate::config::S3Settings;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::trace::without_account;
use crate::error::{ApiError, ErrorKind};
use crate::gateway::client_error;
use crate::identity::Caller;
use crate::passthrough::operation::Operation;
use crate::passthrough::rules::{json, member};
use crate::usage::Ledger;
use start::text;

/// Encodes a caller's name as a folder name: readable in policies, and unique to the caller.
const FOLDER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The folder of a caller's jobs, `s3://bucket/prefix/jobs/caller/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobFolder(String);

impl JobFolder {
    /// The folder of `caller` in the operator's bucket.
    pub(super) fn new(s3: &S3Settings, caller: &Caller) -> Self {
        let bucket = s3.bucket.as_deref().unwrap_or_default();
        let name = utf8_percent_encode(caller.id(), FOLDER);
        Self(match s3.prefix.as_str() {
            "" => format!("s3://{bucket}/jobs/{name}/"),
            prefix => format!("s3://{bucket}/{prefix}/jobs/{name}/"),
        })
    }

    /// Whether `uri` is the folder or is below it.
    pub(super) fn holds(&self, uri: &str) -> bool {
        let rest = format!("{uri}/");
        // S3 does not resolve `..`, but a program that treats its keys as paths may.
        let steps = || uri.split('/').skip(3);
        rest.starts_with(&self.0) && !steps().any(|step| matches!(step, "." | ".."))
    }

    fn is_of_job(&self, job: &Fields) -> Result<bool, ApiError> {
        let output = member(job, "outputDataConfig")?;
        let location = member(&output, "s3OutputDataConfig")?;
        let uri = location.get("s3Uri").and_then(text).unwrap_or_default();
        Ok(self.holds(&uri))
    }

    /// The response of a job operation, restricted to the jobs of this folder.
    pub(super) fn own_jobs(
        &self,
        operation: Operation,
        response: Response<Bytes>,
    ) -> Result<Response<Bytes>, ApiError> {
        const JOBS: &str = "asyncInvokeSummaries";
        let (head, body) = response.into_parts();
        let mut fields: Fields = serde_json::from_slice(&body).map_err(|_| ApiError::internal())?;
        match operation {
            Operation::ListAsyncInvokes => {
                let jobs = fields.get(JOBS).map(JsonText::as_str).unwrap_or("[]");
                let jobs: Vec<Fields> =
                    serde_json::from_str(jobs).map_err(|_| ApiError::internal())?;
                let mut own = Vec::new();
                for mut job in jobs {
                    if self.is_of_job(&job)? {
                        without_operator(&mut job)?;
                        own.push(job);
                    }
                }
                fields.set(JOBS, json(&own)?);
            }
            Operation::GetAsyncInvoke => {
                if !self.is_of_job(&fields)? {
                    return Err(no_job());
                }
                without_operator(&mut fields)?;
            }
            // A started job is always the caller's own.
            _ => without_operator(&mut fields)?,
        }
        let body = serde_json::to_vec(&fields).map_err(|_| ApiError::internal())?;
        Ok(Response::from_parts(head, body.into()))
    }
}

impl fmt::Display for JobFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The path of a job, with the account id restored in its ARN.
pub(super) async fn path_of_job(
    bedrock: &Bedrock,
    arn: &str,
    ledger: &Ledger,
) -> Result<String, ApiError> {
    let id = arn.rsplit('/').next().unwrap_or_default();
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let found = match is_id {
        true => bedrock.arn_of_async_invoke(id).await,
        false => Ok(None),
    };
    let arn = found.map_err(|error: UpstreamError| client_error(error, ledger))?;
    let arn = arn.ok_or_else(no_job)?;
    Ok(format!("/async-invoke/{}", encoded_segment(&arn)))
}

/// Removes from a job what identifies the operator.
fn without_operator(job: &mut Fields) -> Result<(), ApiError> {
    for key in ["invocationArn", "modelArn"] {
        if let Some(arn) = job.get(key).and_then(text) {
            job.set(key, json(&without_account(&arn))?);
        }
    }
    if let Some(message) = job.get("failureMessage").and_then(text) {
        job.set("failureMessage", json(&scrub(&message))?);
    }
    Ok(())
}

/// Bedrock's error for an unknown ARN. It also hides that another caller's job exists.
fn no_job() -> ApiError {
    let message = "The provided invocation ARN is invalid.";
    ApiError::new(ErrorKind::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(bucket: &str, prefix: &str, caller: &Caller) -> JobFolder {
        let s3 = S3Settings {
            bucket: Some(bucket.to_owned()),
            prefix: prefix.to_owned(),
            ..S3Settings::default()
        };
        JobFolder::new(&s3, caller)
    }

    #[test]
    fn a_job_writes_below_its_callers_folder_and_nowhere_else() {
        let caller = Caller::named("team-a");
        let own = folder("ours", "outcrop", &caller);
        assert_eq!(own.to_string(), "s3://ours/outcrop/jobs/team-a/");
        for (uri, expected) in [
            ("s3://ours/outcrop/jobs/team-a", true),
            ("s3://ours/outcrop/jobs/team-a/", true),
            ("s3://ours/outcrop/jobs/team-a/videos/1", true),
            ("s3://ours/outcrop/jobs/team-a-and-b", false),
            ("s3://ours/outcrop/jobs/team-a/../team-b", false),
            ("s3://ours/outcrop/jobs/team-b", false),
            ("s3://ours/outcrop/jobs", false),
            ("s3://ours/outcrop/videos/a", false),
            ("s3://ours", false),
            ("s3://theirs/outcrop/jobs/team-a", false),
            ("", false),
        ] {
            assert_eq!(own.holds(uri), expected, "{uri}");
        }
        let own = folder("ours", "", &caller);
        assert_eq!(own.to_string(), "s3://ours/jobs/team-a/");
    }

    #[test]
    fn no_two_callers_have_one_folder() {
        let folder = |name: &str| folder("ours", "p", &Caller::named(name)).to_string();
        assert_eq!(folder("a/b"), "s3://ours/p/jobs/a%2Fb/");
        assert_eq!(folder(".."), "s3://ours/p/jobs/%2E%2E/");
        assert_ne!(folder("a%2Fb"), folder("a/b"));
    }
}
