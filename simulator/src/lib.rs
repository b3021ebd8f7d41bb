//! Amazon Bedrock over its real wire protocol, for experiments and tests without an AWS account.
//!
//! [`Simulator::start`] opens one port that serves Bedrock's data plane (Converse, ConverseStream,
//! InvokeModel, InvokeModelWithResponseStream, CountTokens), the lists and lookups of its control
//! plane, and STS's GetCallerIdentity. Requests are authenticated and validated as by Bedrock, with
//! Bedrock's error messages. Accepted requests get an echo of the user's text as response; a
//! [`Script`] replaces the response and injects any [`Fault`].
//!
//! The path of a call:
//!
//! 1. `routes` accepts the request and `call` passes it through the steps below, each with the
//!    parts of the `simulation` that it needs;
//! 2. `traffic` records it in the `journal` and counts it until the last byte of its response;
//! 3. `auth` checks its credentials;
//! 4. `validate` applies Bedrock's rules (data in `families`, `catalog` and `resources`);
//! 5. `scripted` returns a queued response, else `response` and `invoke` generate one with the
//!    `runtime`: `guardrails` and `cache` are applied, `signatures` signs reasoning, and `binding`
//!    ties it to its position;
//! 6. `send` applies `faults` to the reply, `play` sends the body step by step.

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
mod runtime;
mod s3;
mod script;
mod scripted;
mod scripts;
mod send;
mod server;
mod signatures;
mod simulation;
mod simulator;
mod stamp;
mod sts;
mod ticks;
mod timestamp;
mod traffic;
mod usage;
mod validate;

pub use journal::JournalEntry;
pub use operation::Operation;
pub use options::{ControlPlane, Credentials, FixedResponseSize, Guardrail, JobEnd, Options};
pub use script::{Event, Fault, Script, ScriptedResponse};
pub use simulator::Simulator;
