//! The store of video jobs and their progress.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use parking_lot::Mutex;
use serde_json::Value;

use crate::catalog::{ACCOUNT, REGION};
use crate::error::AwsError;
use crate::ids;

/// A prompt with this word is blocked.
const BLOCKED_WORD: &str = "avalanche";
/// How long a job takes by the simulator's clock.
const TIME: Duration = Duration::from_secs(120);
/// The lookup that completes a job early.
const LOOKUPS: u32 = 3;
/// The oldest jobs are dropped beyond this number.
const MAX_JOBS: usize = 1000;

/// A video job in any status.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) arn: String,
    pub(super) model: String,
    pub(super) token: String,
    pub(super) request: Value,
    /// S3 URI under which the job's folder is created, without a trailing slash.
    pub(super) uri: String,
    pub(super) submitted: SystemTime,
    lookups: u32,
    /// When a lookup completed the job before its time.
    completed_early_at: Option<SystemTime>,
    /// Whether the video has been written to S3.
    pub(super) delivered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    InProgress,
    Completed,
    Failed,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }
}

impl Job {
    pub(super) fn new(
        model: &str,
        token: &str,
        request: &Value,
        uri: &str,
        submitted: SystemTime,
    ) -> Self {
        Self {
            arn: new_arn(),
            model: model.to_owned(),
            token: token.to_owned(),
            request: request.clone(),
            uri: uri.trim_end_matches('/').to_owned(),
            submitted,
            lookups: 0,
            completed_early_at: None,
            delivered: false,
        }
    }

    /// The last part of the ARN; also the folder name.
    pub(super) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn ended(&self, now: SystemTime) -> Option<SystemTime> {
        let by_clock = self.submitted + TIME;
        self.completed_early_at
            .or((by_clock <= now).then_some(by_clock))
    }

    pub(super) fn state(&self, now: SystemTime) -> State {
        match self.ended(now) {
            None => State::InProgress,
            Some(_) if is_blocked(&self.request) => State::Failed,
            Some(_) => State::Completed,
        }
    }
}

/// All jobs, oldest first.
#[derive(Debug, Default)]
pub(crate) struct VideoJobs(Mutex<VecDeque<Job>>);

impl VideoJobs {
    /// Adds a job and returns its ARN, or the ARN of the job with the same token.
    pub(super) fn start(&self, job: Job) -> Result<String, AwsError> {
        let mut jobs = self.0.lock();
        let same = jobs
            .iter()
            .find(|existing| !job.token.is_empty() && existing.token == job.token);
        if let Some(existing) = same {
            return match existing.request == job.request {
                true => Ok(existing.arn.clone()),
                false => Err(AwsError::new(
                    StatusCode::BAD_REQUEST,
                    "ConflictException",
                    "The client request token was used before with other parameters.",
                )),
            };
        }
        if jobs.len() == MAX_JOBS {
            jobs.pop_front();
        }
        let arn = job.arn.clone();
        jobs.push_back(job);
        Ok(arn)
    }

    /// The job with this ARN; counts as a lookup.
    pub(super) fn look_up(&self, arn: &str, now: SystemTime) -> Option<Job> {
        let mut jobs = self.0.lock();
        let job = jobs.iter_mut().find(|job| job.arn == arn)?;
        job.lookups = job.lookups.saturating_add(1);
        if job.lookups >= LOOKUPS && job.ended(now).is_none() {
            job.completed_early_at = Some(now);
        }
        Some(job.clone())
    }

    pub(super) fn all(&self) -> Vec<Job> {
        self.0.lock().iter().cloned().collect()
    }

    /// Marks the video as written; `false` if it already was.
    pub(super) fn deliver(&self, arn: &str) -> bool {
        let mut jobs = self.0.lock();
        let job = jobs.iter_mut().find(|job| job.arn == arn && !job.delivered);
        job.is_some_and(|job| {
            job.delivered = true;
            true
        })
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

/// Whether the content filters block the request.
fn is_blocked(request: &Value) -> bool {
    let input = request.get("modelInput").map(Value::to_string);
    input.is_some_and(|input| input.to_lowercase().contains(BLOCKED_WORD))
}

/// The ARN of a new job; its id is twelve lowercase letters and digits.
fn new_arn() -> String {
    let name: String = ids::characters(12)
        .to_ascii_lowercase()
        .replace(['-', '_'], "0");
    format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:async-invoke/{name}")
}
