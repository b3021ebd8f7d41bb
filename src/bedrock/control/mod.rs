//! What lists and starts: models, profiles, and jobs that write to S3.

pub(super) mod async_invoke;
pub(super) mod base_model;
pub(super) mod batch_jobs;
pub(super) mod job_record;
pub(super) mod listing;
