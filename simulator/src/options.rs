//! How a simulator is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

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
    pub fixed_answer: Option<FixedAnswer>,
    /// How many received requests are kept; 0 keeps none.
    pub journal: usize,
    /// Model ids (without geographic prefix) that have reached the end of their life.
    pub retired_models: Vec<String>,
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
            fixed_answer: None,
            journal: 1000,
            retired_models: vec!["anthropic.claude-instant-v1".to_owned()],
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

/// How ListFoundationModels and ListInferenceProfiles answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ControlPlane {
    /// With the catalogue.
    #[default]
    Open,
    /// With `AccessDeniedException`, as for a caller without those permissions.
    Forbidden,
}

/// An answer prepared once, given to every Converse and ConverseStream call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedAnswer {
    /// Length of the answered text.
    pub bytes: usize,
    /// Number of text deltas in a stream; they share the text evenly.
    pub deltas: usize,
}

impl Default for FixedAnswer {
    fn default() -> Self {
        Self {
            bytes: 400,
            deltas: 20,
        }
    }
}
