//! Amazon Bedrock over its real wire protocol, for trying things out and for tests, without an AWS
//! account.
//!
//! [`Simulator::start`] opens one port that serves Bedrock's data plane (Converse, ConverseStream,
//! InvokeModel, InvokeModelWithResponseStream, CountTokens), lists and look-ups of its control
//! plane and STS's GetCallerIdentity. Requests are authenticated and refused as Bedrock does it, in
//! Bedrock's words. What passes is answered by an echo; a [`Script`] replaces the echo by any
//! answer, and disturbs it by any [`Fault`].
//!
//! How a call travels:
//!
//! 1. `routes` takes it from the socket, `call` leads it through everything below;
//! 2. `journal` notes it, `calls` counts it until its last byte has left;
//! 3. `auth` checks who signed it;
//! 4. `validate` refuses what Bedrock refuses (`families`, `catalog` and `resources` are its data);
//! 5. `scripts` may have an answer queued, else `response` and `invoke` make one up; `guardrails` and
//!    `cache` have their say, `signatures` seals what was thought, and `binding` says to what;
//! 6. `reply` gives it its head, `play` its body, step by step, with `faults` applied.

mod async_invoke;
mod auth;
mod batch_jobs;
mod binding;
mod cache;
mod call;
mod calls;
mod catalog;
mod clock;
mod control_plane;
mod conversation;
mod error;
mod exceptions;
mod families;
mod faults;
mod fixed;
mod frames;
mod guardrails;
mod ids;
mod invoke;
mod journal;
mod moderation;
mod openai;
mod operation;
mod options;
mod play;
mod reasoning;
mod recording;
mod reply;
mod resources;
mod response;
mod routes;
mod s3;
mod script;
mod scripts;
mod server;
mod signatures;
mod simulator;
mod sts;
mod timestamp;
mod validate;

pub use journal::JournalEntry;
pub use operation::Operation;
pub use options::{ControlPlane, Credentials, FixedResponseSize, Guardrail, JobEnd, Options};
pub use script::{Event, Fault, Script, ScriptedResponse};
pub use simulator::Simulator;
