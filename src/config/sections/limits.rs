use std::time::Duration;

use crate::config::reader::Section;

/// Limits of rate and concurrency: `[limits.target]` and `[limits.key]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For each model.
    pub target: LimitSettings,
    /// For each caller.
    pub key: LimitSettings,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests per thousand seconds; `None` without a rate.
    millirequests_per_second: Option<u64>,
    /// Requests that may arrive at once before the rate applies; 0 for the requests of one second.
    pub burst: u32,
    /// How long a request over the rate or the concurrency waits.
    pub max_wait: Duration,
    /// The maximum number of requests that wait.
    pub max_queued_requests: u32,
    /// The maximum number of concurrent requests.
    pub max_concurrent_requests: u32,
}

/// The upper limit of `max_concurrent_requests`.
const MAX_CONCURRENT_REQUESTS: u32 = 1_000_000;

/// A call takes seconds. After this wait, a client is better served by a refusal with
/// `retry-after`.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(10);

/// Waiting requests are held in memory.
const DEFAULT_MAX_QUEUED_REQUESTS: u32 = 100;

impl LimitSettings {
    /// A limit of concurrent requests, without a rate.
    pub fn calls(max_concurrent_requests: u32) -> Self {
        Self {
            millirequests_per_second: None,
            burst: 0,
            max_wait: DEFAULT_MAX_WAIT,
            max_queued_requests: DEFAULT_MAX_QUEUED_REQUESTS,
            max_concurrent_requests,
        }
    }

    /// The same limit with a rate.
    #[must_use]
    pub fn at_rate(mut self, requests_per_second: f64) -> Self {
        let millirequests = (requests_per_second * 1000.0).round() as u64;
        self.millirequests_per_second = Some(millirequests.max(1));
        self
    }

    /// The rate; `None` for no limit.
    pub fn requests_per_second(&self) -> Option<f64> {
        self.millirequests_per_second
            .map(|millirequests| millirequests as f64 / 1000.0)
    }

    /// The configured burst, or the requests of one second.
    pub fn burst(&self) -> u32 {
        match (self.burst, self.requests_per_second()) {
            (0, Some(rate)) => (rate.ceil() as u32).max(1),
            (burst, _) => burst.max(1),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            target: LimitSettings::calls(2048),
            // Below the limit of a model, so that one caller cannot take all of it.
            key: LimitSettings::calls(512),
        }
    }
}

pub(crate) fn read(section: &mut Section<'_>, default: LimitSettings) -> LimitSettings {
    let mut settings = default;
    let mut rate = settings.requests_per_second();
    section.rate("requests_per_second", &mut rate);
    settings.millirequests_per_second = None;
    if let Some(rate) = rate {
        settings = settings.at_rate(rate);
    }
    section.integer("burst", &mut settings.burst, 0..=1_000_000);
    section.duration("max_wait", &mut settings.max_wait);
    let queued = &mut settings.max_queued_requests;
    section.integer("max_queued_requests", queued, 0..=100_000);
    section.integer(
        "max_concurrent_requests",
        &mut settings.max_concurrent_requests,
        1..=i128::from(MAX_CONCURRENT_REQUESTS),
    );
    settings
}
