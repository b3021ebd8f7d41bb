//! The jobs, in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::order::Order;
use crate::ids;
use crate::options::JobEnd;

/// Jobs that are kept; the oldest make room.
const MOST_JOBS: usize = 1000;

/// How far a job is.
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

/// How many records are where; nothing before they were counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) total: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) arn: String,
    pub(super) order: Order,
    pub(super) status: JobStatus,
    pub(super) message: Option<String>,
    pub(super) submitted: SystemTime,
    pub(super) modified: SystemTime,
    pub(super) ended: Option<SystemTime>,
    pub(super) counts: Counts,
}

/// Every job, and the ends that were ordered for those to come.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    jobs: VecDeque<Job>,
    ends: VecDeque<JobEnd>,
    /// Whether jobs that are in progress stay so.
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
    pub(super) fn new(arn: String, order: Order, now: SystemTime) -> Self {
        Self {
            arn,
            order,
            status: JobStatus::Submitted,
            message: None,
            submitted: now,
            modified: now,
            ended: None,
            counts: Counts::default(),
        }
    }

    pub(super) fn expires(&self) -> SystemTime {
        self.submitted + Duration::from_secs(self.order.timeout_hours * 3600)
    }

    /// Its id, which its output stands under.
    pub(super) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }
}

impl Jobs {
    pub(super) fn add(&self, job: Job) {
        let mut held = self.lock();
        if held.jobs.len() >= MOST_JOBS {
            held.jobs.pop_front();
        }
        held.jobs.push_back(job);
    }

    /// The job of this ARN or id.
    pub(super) fn find(&self, name: &str) -> Option<Job> {
        let held = self.lock();
        let is_it = |job: &&Job| job.arn == name || job.id() == name;
        held.jobs.iter().find(is_it).cloned()
    }

    pub(super) fn of_token(&self, token: &str) -> Option<Job> {
        let held = self.lock();
        let is_it = |job: &&Job| job.order.token.as_deref() == Some(token);
        held.jobs.iter().find(is_it).cloned()
    }

    pub(super) fn put(&self, job: Job) {
        let mut held = self.lock();
        if let Some(kept) = held.jobs.iter_mut().find(|kept| kept.arn == job.arn) {
            *kept = job;
        }
    }

    pub(super) fn all(&self) -> Vec<Job> {
        self.lock().jobs.iter().cloned().collect()
    }

    /// The end that was ordered first.
    pub(super) fn take_end(&self) -> JobEnd {
        self.lock().ends.pop_front().unwrap_or_default()
    }

    /// Orders how the next job ends that has not begun.
    pub(crate) fn order_end(&self, end: JobEnd) {
        let mut held = self.lock();
        if held.ends.len() < MOST_JOBS {
            held.ends.push_back(end);
        }
    }

    /// Holds jobs in progress, or lets them go on.
    pub(crate) fn hold(&self, hold: bool) {
        self.lock().are_held = hold;
    }

    pub(super) fn are_held(&self) -> bool {
        self.lock().are_held
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Held::default();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Twelve small letters and digits.
pub(super) fn job_id() -> String {
    let letters = ids::characters(64).to_lowercase();
    letters
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect()
}
