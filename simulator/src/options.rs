//! How a simulator is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

/// What [`Simulator::start`](crate::Simulator::start) needs to know. The default suits tests: a
/// free port of the loopback interface, known credentials, no delays.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The keys whose signatures are accepted.
    pub credentials: Vec<Credentials>,
    /// The API key accepted as `authorization: Bearer …`; `None` refuses all.
    pub bearer_token: Option<String>,
    /// Accepts every request, signed or not.
    pub any_credentials: bool,
    /// Whether requests that Bedrock would refuse are refused. Scripts answer only what passes.
    pub validate: bool,
    /// How the control plane answers.
    pub control_plane: ControlPlane,
    /// The pause before every event of a made-up stream.
    pub word_delay: Duration,
    /// Replaces the echo by one answer that costs next to nothing, for load tests.
    pub fixed_response: Option<FixedResponseSize>,
    /// How many received requests are kept; 0 keeps none.
    pub journal: usize,
    /// Model ids (without geographic prefix) that have reached the end of their life.
    pub retired_models: Vec<String>,
    /// Model ids that no policy of the caller's allows.
    pub denied_models: Vec<String>,
    /// Takes every id of a known provider's, also one that Bedrock has no model of; for recorded
    /// requests of test benches.
    pub any_model: bool,
    /// The guardrails that exist; the demo alone by default.
    pub guardrails: Vec<Guardrail>,
    /// Replaces the context window of every model, in tokens of four bytes.
    pub context_window: Option<u64>,
    /// Replaces the shortest prompt that every caching model caches, in tokens of four bytes.
    pub cache_minimum: Option<u64>,
    /// Whether signatures of reasoning pass that no simulator issued; for recorded requests.
    pub foreign_signatures: bool,
    /// The fewest records of a batch job, the account's quota.
    pub minimum_records: u64,
    /// The buckets that exist in the S3 corner.
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

/// A guardrail that blocks texts which contain certain words, in upper or lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Small letters and digits, as AWS assigns them.
    pub id: String,
    /// The versions that exist beside `DRAFT`.
    pub versions: Vec<String>,
    /// Block what the user says.
    pub input_words: Vec<String>,
    /// Block what the model says.
    pub output_words: Vec<String>,
    /// Said in place of an answer to a blocked input.
    pub blocked_input: String,
    /// Said in place of a blocked answer.
    pub blocked_output: String,
}

impl Guardrail {
    /// The one every simulator has by default: `avalanche` blocks an input, `quicksand` an answer.
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

/// A pair of AWS keys the simulator knows. The default is the pair of AWS's own documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Names the pair in signatures.
    pub access_key_id: String,
    /// Signs.
    pub secret_access_key: String,
    /// Required in `x-amz-security-token` where set, as for temporary credentials.
    pub session_token: Option<String>,
    /// Whether the pair is known but has run out; it is refused with `ExpiredTokenException`.
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

/// How the control plane answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ControlPlane {
    /// With the catalogue.
    #[default]
    Open,
    /// With `AccessDeniedException`, as for a caller without those permissions.
    Forbidden,
    /// The same, save to the lists of foundation models and of profiles.
    ListsOfModelsOnly,
}

/// How a batch job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// All records are tried.
    #[default]
    Completed,
    /// The first half of them is.
    PartiallyCompleted,
    /// None of them is.
    Failed,
    /// It does not begin in time.
    Expired,
}

/// An answer prepared once, given to every Converse and ConverseStream call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedResponseSize {
    /// Length of the answered text.
    pub bytes: usize,
    /// Number of text deltas in a stream; they share the text evenly.
    pub deltas: usize,
}

impl Default for FixedResponseSize {
    fn default() -> Self {
        Self {
            bytes: 400,
            deltas: 20,
        }
    }
}
