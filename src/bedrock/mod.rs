//! Bedrock itself: the only place that names an `aws_` crate.
//!
//! Converse, ConverseStream, CountTokens and the questions about models go over a transport of ours
//! on AWS's building blocks; ARCHITECTURE.md says why. Everything the client may hear of a failure
//! is decided where the failure is born, in `failure`.

mod attempt;
mod base_model;
mod client;
mod count_tokens;
mod credentials;
mod decoder;
mod endpoint;
mod failure;
mod identity;
mod listing;
mod refused;
mod scrub;
mod settings;
mod signing;
mod stream;
mod transport;

pub use attempt::{Call, RetryPolicy};
pub use base_model::BaseModel;
pub use client::{Bedrock, ConnectError};
pub use credentials::{CredentialKind, CredentialsUnavailable};
pub use decoder::EventDecoder;
pub use failure::{Advice, Failure};
pub use identity::{CallerIdentity, caller_identity};
pub use listing::{FoundationModel, InferenceProfile};
pub use settings::{BedrockSettings, RetrySettings, SimulatedBedrock, Timeouts};
pub use stream::EventStream;
