//! Bedrock itself: the only place that names an `aws_` crate.
//!
//! Converse, ConverseStream and the two listings go over a transport of ours on AWS's building
//! blocks; ARCHITECTURE.md says why. Everything the client may hear of a failure is decided where
//! the failure is born, in `failure`.

mod attempt;
mod client;
mod credentials;
mod endpoint;
mod failure;
mod identity;
mod listing;
mod scrub;
mod settings;
mod signing;
mod stream;
mod transport;

pub use attempt::{Call, RetryPolicy};
pub use client::{Bedrock, ConnectError};
pub use credentials::{CredentialKind, CredentialsUnavailable};
pub use failure::{Advice, Failure};
pub use identity::{CallerIdentity, caller_identity};
pub use listing::{FoundationModel, InferenceProfile};
pub use settings::{BedrockSettings, RetrySettings, SimulatedBedrock, Timeouts};
pub use stream::EventStream;
