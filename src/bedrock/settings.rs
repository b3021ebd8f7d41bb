use std::time::Duration;

/// The operator's settings for calls to Bedrock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BedrockSettings {
    /// Overrides the region of the SDK's chain.
    pub region: Option<String>,
    /// Overrides the profile of the SDK's chain.
    pub profile: Option<String>,
    /// Overrides the endpoint of `bedrock-mantle`.
    pub mantle_endpoint: Option<String>,
    /// The timeouts of calls.
    pub timeouts: Timeouts,
    /// The retry policy of calls.
    pub retry: RetrySettings,
    /// A simulated Bedrock instead of AWS; set only by the demo and tests.
    pub simulated: Option<SimulatedBedrock>,
}

/// The endpoint and the credentials of a simulated Bedrock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedBedrock {
    /// Its endpoint.
    pub url: String,
    /// The id of its access key.
    pub access_key_id: String,
    /// The secret of its access key.
    pub secret_access_key: String,
}

impl SimulatedBedrock {
    /// A simulator with the example credentials of AWS's documentation.
    pub fn at(url: String) -> Self {
        Self {
            url,
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        }
    }
}

/// The timeouts of calls to Bedrock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Connecting, TLS included.
    pub connect: Duration,
    /// Until the first event of a stream.
    pub first_event: Duration,
    /// Until the next complete event of a stream.
    pub stream_idle: Duration,
    /// A complete response.
    pub response: Duration,
    /// After a stream's last message, for the usage that follows it. Not configurable.
    pub stream_end: Duration,
}

/// The retry policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySettings {
    /// The maximum number of attempts, including the first.
    pub max_attempts: u32,
    /// The maximum delay before the second attempt; it doubles with each further attempt.
    pub base_delay: Duration,
    /// The upper limit of all delays.
    pub max_delay: Duration,
    /// How long after the arrival of the request an attempt may still start.
    pub deadline: Duration,
    /// Retries allowed per hundred calls, in addition to a few per second that are always allowed.
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
