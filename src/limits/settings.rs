//! The settings of limits and budgets, as the configuration has them.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::tz::TimeZone;
use url::Url;

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

/// Budgets: `[budgets]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSettings {
    /// The time zone of days, weeks and months.
    pub time_zone: TimeZone,
    /// What happens to requests without a price if a hard budget applies.
    pub unpriced: UnpricedModels,
    /// Whether responses have a header with what is left of a budget.
    pub remaining_header: bool,
    /// The URL that thresholds are sent to, and the key that signs them.
    pub webhook: Option<(Url, WebhookKey)>,
}

/// What happens to requests without a price if a hard budget applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnpricedModels {
    /// They are refused, since the budget could not count them.
    Refuse,
    /// They are not counted.
    Allow,
}

/// The key of a webhook's signatures, as Standard Webhooks writes it: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookKey(Vec<u8>);

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            unpriced: UnpricedModels::Refuse,
            remaining_header: false,
            webhook: None,
        }
    }
}

impl WebhookKey {
    /// Parses `whsec_` and the base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix("whsec_")?;
        let key = BASE64_STANDARD.decode(encoded).ok()?;
        (24..=64).contains(&key.len()).then_some(Self(key))
    }

    /// The bytes of the key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookKey(..)")
    }
}
