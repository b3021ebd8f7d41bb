//! Options of the simulator.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

/// Configuration of [`Simulator::start`](crate::Simulator::start). The default suits tests: a free
/// port of the loopback interface, known credentials, no delays.
#[derive(Debug, Clone)]
pub struct Options {
    /// Listen address; port 0 selects a free port.
    pub listen: SocketAddr,
    /// The keys whose signatures are accepted.
    pub credentials: Vec<Credentials>,
    /// The API key accepted as `authorization: Bearer …`; `None` rejects all.
    pub bearer_token: Option<String>,
    /// Accepts every request, signed or not.
    pub any_credentials: bool,
    /// Whether requests that Bedrock would reject are rejected. Scripts only apply to accepted
    /// requests.
    pub validate: bool,
    /// How the control plane responds.
    pub control_plane: ControlPlane,
    /// Delay before every event of a generated stream.
    pub word_delay: Duration,
    /// Replaces the echo by one prepared response, for load tests.
    pub fixed_response: Option<FixedResponseSize>,
    /// Number of received requests to keep; 0 keeps none.
    pub journal: usize,
    /// Model ids (without geographic prefix) that have reached their end of life.
    pub retired_models: Vec<String>,
    /// Model ids that the caller's IAM policy does not allow.
    pub denied_models: Vec<String>,
    /// Accepts every model id of a known provider, even if Bedrock has no such model; for recorded
    /// requests of test benches.
    pub any_model: bool,
    /// The guardrails that exist; only the demo guardrail by default.
    pub guardrails: Vec<Guardrail>,
    /// Replaces the context window of every model, in tokens of four bytes.
    pub context_window: Option<u64>,
    /// Replaces the minimum prompt size of every model that caches, in tokens of four bytes.
    pub cache_minimum: Option<u64>,
    /// Whether reasoning signatures from outside the simulator are accepted; for recorded requests.
    pub foreign_signatures: bool,
    /// Minimum number of records in a batch job (an account quota).
    pub minimum_records: u64,
    /// The S3 buckets that exist.
    pub buckets: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            credentials: vec![Credentials::default()],
            bearer_token: Some("bedrock-api-key-EXAMPLE".to_owned()),
            any_credentials: false,
            validate: true,
            control_plane: ControlPlane::default(),
            word_delay: Duration::ZERO,
            fixed_response: None,
            journal: 1000,
            retired_models: vec!["anthropic.claude-instant-v1".to_owned()],
            denied_models: Vec::new(),
            any_model: false,
            guardrails: vec![Guardrail::demo()],
            context_window: None,
            cache_minimum: None,
            foreign_signatures: false,
            minimum_records: 100,
            buckets: vec!["outcrop-example".to_owned()],
        }
    }
}

/// A guardrail that blocks texts with certain words, ignoring case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Lowercase letters and digits, as assigned by AWS.
    pub id: String,
    /// The versions that exist besides `DRAFT`.
    pub versions: Vec<String>,
    /// Words that block an input.
    pub input_words: Vec<String>,
    /// Words that block a response.
    pub output_words: Vec<String>,
    /// Message that replaces the response to a blocked input.
    pub blocked_input: String,
    /// Message that replaces a blocked response.
    pub blocked_output: String,
}

impl Guardrail {
    /// The default guardrail: `avalanche` blocks an input, `quicksand` a response.
    pub fn demo() -> Self {
        Self {
            id: "demoguardrail".to_owned(),
            versions: vec!["1".to_owned()],
            input_words: vec!["avalanche".to_owned()],
            output_words: vec!["quicksand".to_owned()],
            blocked_input: "Sorry, I cannot talk about that.".to_owned(),
            blocked_output: "Sorry, I had better not say that.".to_owned(),
        }
    }
}

/// A pair of AWS access keys that the simulator accepts. The default is the pair of AWS's
/// documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Identifies the pair in signatures.
    pub access_key_id: String,
    /// Signing key; never sent.
    pub secret_access_key: String,
    /// Required in `x-amz-security-token` if set, as for temporary credentials.
    pub session_token: Option<String>,
    /// Whether the pair has expired; requests are then rejected with `ExpiredTokenException`.
    pub expired: bool,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
            expired: false,
        }
    }
}

/// How the control plane responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ControlPlane {
    /// With the simulated models and resources.
    #[default]
    Open,
    /// With `AccessDeniedException`, as for a caller without permissions.
    Forbidden,
    /// With `AccessDeniedException`, except to lists of foundation models and inference profiles.
    ListsOfModelsOnly,
}

/// Outcome of a batch job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// All records are processed.
    #[default]
    Completed,
    /// The first half of the records is processed.
    PartiallyCompleted,
    /// No record is processed.
    Failed,
    /// The job does not start in time.
    Expired,
}

/// Size of the prepared response that every Converse and ConverseStream call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedResponseSize {
    /// Length of the text.
    pub bytes: usize,
    /// Number of text deltas in a stream; the text is split evenly.
    pub deltas: usize,
    /// Interval between the deltas of a stream, which begins in another part of it for each stream.
    /// Each text is then the time at which it is sent: microseconds since 1970, as
    /// `[1764000000123456]`. `None` sends all deltas at once.
    pub delta_interval: Option<Duration>,
}

impl Default for FixedResponseSize {
    fn default() -> Self {
        Self {
            bytes: 400,
            deltas: 20,
            delta_interval: None,
        }
    }
}
