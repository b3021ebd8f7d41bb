//! The in-memory store of batch jobs.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::request::JobRequest;
use crate::ids;
use crate::options::JobEnd;

/// The oldest jobs are dropped beyond this number.
const MAX_JOBS: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobStatus {
    Submitted,
    Validating,
    Scheduled,
    InProgress,
    Stopping,
    Stopped,
    Completed,
    PartiallyCompleted,
    Failed,
    Expired,
}

/// Record counts by outcome; all zero before validation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) total: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) arn: String,
    pub(super) request: JobRequest,
    pub(super) status: JobStatus,
    pub(super) message: Option<String>,
    pub(super) submitted: SystemTime,
    pub(super) modified: SystemTime,
    pub(super) ended: Option<SystemTime>,
    pub(super) counts: Counts,
}

/// All jobs, and the outcomes that tests have queued for future jobs.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    ends: VecDeque<JobEnd>,
    /// Whether jobs stay in progress.
    are_held: bool,
}

impl JobStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::Validating => "Validating",
            Self::Scheduled => "Scheduled",
            Self::InProgress => "InProgress",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Completed => "Completed",
            Self::PartiallyCompleted => "PartiallyCompleted",
            Self::Failed => "Failed",
            Self::Expired => "Expired",
        }
    }

    pub(super) fn is_over(self) -> bool {
        matches!(
            self,
            Self::Stopped
                | Self::Completed
                | Self::PartiallyCompleted
                | Self::Failed
                | Self::Expired
        )
    }
}

impl Job {
    pub(super) fn new(arn: String, request: JobRequest, now: SystemTime) -> Self {
        Self {
            arn,
            request,
            status: JobStatus::Submitted,
            message: None,
            submitted: now,
            modified: now,
            ended: None,
            counts: Counts::default(),
        }
    }

    pub(super) fn expires(&self) -> SystemTime {
        self.submitted + Duration::from_secs(self.request.timeout_hours * 3600)
    }

    /// The job id; also the output folder.
    pub(super) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }
}

impl Jobs {
    pub(super) fn add(&self, job: Job) {
        let mut state = self.0.lock();
        if state.jobs.len() >= MAX_JOBS {
            state.jobs.pop_front();
        }
        state.jobs.push_back(job);
    }

    /// Finds a job by ARN or id.
    pub(super) fn find(&self, name: &str) -> Option<Job> {
        let state = self.0.lock();
        let is_it = |job: &&Job| job.arn == name || job.id() == name;
        state.jobs.iter().find(is_it).cloned()
    }

    pub(super) fn of_token(&self, token: &str) -> Option<Job> {
        let state = self.0.lock();
        let is_it = |job: &&Job| job.request.token.as_deref() == Some(token);
        state.jobs.iter().find(is_it).cloned()
    }

    pub(super) fn put(&self, job: Job) {
        let mut state = self.0.lock();
        if let Some(existing) = state
            .jobs
            .iter_mut()
            .find(|existing| existing.arn == job.arn)
        {
            *existing = job;
        }
    }

    pub(super) fn all(&self) -> Vec<Job> {
        self.0.lock().jobs.iter().cloned().collect()
    }

    /// Removes and returns the first queued outcome.
    pub(super) fn take_next_end(&self) -> JobEnd {
        self.0.lock().ends.pop_front().unwrap_or_default()
    }

    /// Queues the outcome of the next job that has not started.
    pub(super) fn set_next_end(&self, end: JobEnd) {
        let mut state = self.0.lock();
        if state.ends.len() < MAX_JOBS {
            state.ends.push_back(end);
        }
    }

    /// Keeps jobs in progress, or releases them.
    pub(super) fn hold(&self, hold: bool) {
        self.0.lock().are_held = hold;
    }

    pub(super) fn are_held(&self) -> bool {
        self.0.lock().are_held
    }

    pub(super) fn clear(&self) {
        *self.0.lock() = State::default();
    }
}

/// Twelve lowercase letters and digits.
pub(super) fn job_id() -> String {
    let letters = ids::characters(64).to_lowercase();
    letters
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect()
}
