use std::time::Duration;

/// What the operator says of the way to Bedrock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BedrockSettings {
    /// Instead of what the SDK's chain finds.
    pub region: Option<String>,
    /// Instead of what the SDK's chain finds.
    pub profile: Option<String>,
    /// The address of `bedrock-mantle`, instead of the region's.
    pub mantle_endpoint: Option<String>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// When to ask again.
    pub retry: RetrySettings,
    /// A simulated Bedrock instead of AWS; not in the configuration, only in demo and tests.
    pub simulated: Option<SimulatedBedrock>,
}

/// Where a simulated Bedrock is, and what it takes for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedBedrock {
    /// Its address.
    pub url: String,
    /// The id of its access key.
    pub access_key_id: String,
    /// The access key.
    pub secret_access_key: String,
}

impl SimulatedBedrock {
    /// A simulator with the credentials of AWS's documentation, which are nobody's.
    pub fn at(url: String) -> Self {
        Self {
            url,
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the first event of a stream.
    pub first_event: Duration,
    /// For the next whole event of a stream.
    pub stream_idle: Duration,
    /// For a whole answer.
    pub response: Duration,
    /// For what follows a stream's last message, its usage above all. Not in the configuration.
    pub stream_end: Duration,
}

/// When to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySettings {
    /// How often Bedrock is asked at the most, the first time included.
    pub max_attempts: u32,
    /// The longest wait before the second attempt; it doubles from there.
    pub base_delay: Duration,
    /// The longest wait before any attempt.
    pub max_delay: Duration,
    /// How long after the request came in the last attempt may begin.
    pub deadline: Duration,
    /// Retries allowed for every hundred calls, beside a few a second that are always allowed.
    pub budget_percent: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            first_event: Duration::from_secs(60),
            stream_idle: Duration::from_secs(120),
            response: Duration::from_secs(600),
            stream_end: Duration::from_secs(5),
        }
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            base_delay: Duration::from_millis(200),
            max_delay: Duration::from_secs(5),
            deadline: Duration::from_secs(20),
            budget_percent: 20,
        }
    }
}
