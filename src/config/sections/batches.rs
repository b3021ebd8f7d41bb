use std::time::Duration;

use crate::config::reader::Section;

/// Files and batches: `[batches]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSettings {
    /// Whether `/v1/files` and `/v1/batches` are served.
    pub enabled: bool,
    /// The role of Bedrock's batch inference jobs; without one, every request is a single call.
    pub role_arn: Option<String>,
    /// The minimum number of requests to one model for a batch inference job; fewer are sent as
    /// single calls.
    pub minimum_records: usize,
    /// The maximum number of requests in a batch.
    pub max_requests: usize,
    /// The maximum size of a file, in bytes.
    pub max_file_size: usize,
    /// The timeout of a batch inference job, in hours.
    pub timeout_hours: u32,
    /// The interval at which the status of jobs is read.
    pub poll_interval: Duration,
    /// The maximum number of concurrent single calls of all batches.
    pub max_concurrent_requests: usize,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            role_arn: None,
            minimum_records: 100,
            max_requests: 50_000,
            max_file_size: 64 << 20,
            timeout_hours: 24,
            poll_interval: Duration::from_secs(30),
            max_concurrent_requests: 8,
        }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> BatchSettings {
    let mut settings = BatchSettings::default();
    section.flag("enabled", &mut settings.enabled);
    section.text("role_arn", &mut settings.role_arn, role);
    section.integer("minimum_records", &mut settings.minimum_records, 1..=50_000);
    section.integer("max_requests", &mut settings.max_requests, 1..=50_000);
    section.bytes("max_file_size", &mut settings.max_file_size);
    // The range of CreateModelInvocationJob.
    section.integer("timeout_hours", &mut settings.timeout_hours, 24..=168);
    section.duration("poll_interval", &mut settings.poll_interval);
    section.integer(
        "max_concurrent_requests",
        &mut settings.max_concurrent_requests,
        1..=1024,
    );
    if settings.poll_interval.is_zero() {
        section.mistake("poll_interval", "`0s`", "write a duration such as \"30s\"");
    }
    settings
}

fn role(text: &str) -> Result<Option<String>, String> {
    let is_role = text.starts_with("arn:aws") && text.contains(":iam::") && text.contains(":role/");
    match text {
        "" => Ok(None),
        text if is_role => Ok(Some(text.to_owned())),
        _ => {
            Err("write the ARN of a role, as in \"arn:aws:iam::111122223333:role/name\"".to_owned())
        }
    }
}
