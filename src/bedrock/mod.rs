//! The Bedrock client: the only module that uses `aws_` crates.
//!
//! Converse, ConverseStream, CountTokens and the control plane use the gateway's own transport on
//! AWS's building blocks; ARCHITECTURE.md gives the reasons. Each group uses the ones above it:
//!
//! - `settings`: what the operator configures
//! - `errors`: what a failed call means, for the client and for a retry
//! - `destination`: endpoints and URLs, with what signatures need of them
//! - `auth`: credentials and signatures
//! - `transport`: connections, requests, responses, event streams
//! - `retry`: attempts, delays, and the retry budget
//! - `client`: one region and one set of credentials, which everything below uses
//! - `s3`, `upstream`, `control`: the operations of S3, of `bedrock-runtime`, of the control plane
//! - `diagnosis`: what the operator has to know when none of this works

mod auth;
mod client;
mod control;
mod destination;
mod diagnosis;
mod errors;
mod retry;
mod s3;
mod settings;
mod transport;
mod upstream;

pub use auth::credentials::{CredentialKind, CredentialsUnavailable};
pub use client::{Bedrock, ConnectError, ModelCall};
pub use control::async_invoke::{AsyncInvoke, AsyncInvokeOrder, AsyncInvokePage, AsyncInvokeState};
pub use control::base_model::BaseModel;
pub use control::batch_jobs::{Job, JobOrder, JobStatus, record_error};
pub use control::job_record::{JobRecord, JobRecordError, JobResult, line_of, record_id};
pub use control::listing::{FoundationModel, LifeCycle, ListedKind, ListedModel, Time};
pub use destination::{encoded_segment, path_segment};
pub use diagnosis::reach::Unreachable;
pub use diagnosis::sts::{
    CallerIdentity, CredentialsTrouble, IdentityError, SDK_LOG, caller_identity,
};
pub use diagnosis::trouble::{Cause, Trouble};
pub use errors::scrub::scrub;
pub use errors::{FailedModel, RetryAdvice, UpstreamError};
pub use s3::upload::S3Upload;
pub use s3::{ObjectLocation, S3, S3Object};
pub use settings::{BedrockSettings, RetrySettings, SimulatedBedrock, Timeouts};
pub use transport::decoder::{Decode, EventDecoder, ModelDecoder};
pub use transport::frames::{Frame, FrameCutter, exception_frame};
pub use transport::sse::ChatCompletionDecoder;
pub use transport::stream::{EventStream, FrameStream};
pub use upstream::chat::EventSource;
pub use upstream::invoke::InvokeResponse;
pub use upstream::passthrough::{Pace, PassthroughCall, PassthroughResponse};
