//! The Bedrock client: the only module that uses `aws_` crates.
//!
//! Converse, ConverseStream, CountTokens and the control plane use the gateway's own transport on
//! AWS's building blocks; ARCHITECTURE.md gives the reasons. `upstream_error` decides what a client
//! may learn about a failure.

mod async_invoke;
mod attempt;
mod base_model;
mod batch_jobs;
mod chat_completions;
mod client;
mod connect;
mod count_tokens;
mod credentials;
mod decoder;
mod endpoint;
mod envelope;
mod exhausted;
mod frames;
mod guardrails;
mod identity;
mod invoke;
mod listing;
mod passthrough;
mod reach;
mod refused;
mod s3;
mod s3_upload;
mod scrub;
mod settings;
mod signing;
mod sse;
mod stream;
mod transport;
mod trouble;
mod upstream_error;

pub use async_invoke::{AsyncInvoke, AsyncInvokeOrder, AsyncInvokePage, AsyncInvokeState};
pub use attempt::RetryPolicy;
pub use base_model::BaseModel;
pub use batch_jobs::{Job, JobOrder, JobStatus, record_error};
pub use client::{Bedrock, ConnectError, ModelCall, encoded_segment, path_segment};
pub use credentials::{CredentialKind, CredentialsUnavailable};
pub use decoder::{Decode, EventDecoder};
pub use frames::{Frame, FrameCutter, exception_frame};
pub use identity::{CallerIdentity, CredentialsTrouble, IdentityError, SDK_LOG, caller_identity};
pub use invoke::InvokeResponse;
pub use listing::{FoundationModel, LifeCycle, ListedKind, ListedModel, Time};
pub use passthrough::{Pace, PassthroughCall, PassthroughResponse};
pub use reach::Unreachable;
pub use s3::{ObjectLocation, S3, S3Object};
pub use s3_upload::S3Upload;
pub use scrub::scrub;
pub use settings::{BedrockSettings, RetrySettings, SimulatedBedrock, Timeouts};
pub use sse::{ChunkDecoder, ChunkEvent};
pub use stream::{EventStream, FrameStream};
pub use trouble::{Cause, Trouble};
pub use upstream_error::{FailedModel, RetryAdvice, UpstreamError};
