//! Amazon Bedrock over its real wire protocol, for trying things out and for tests, without an AWS
//! account.
//!
//! [`Simulator::start`] opens one port that serves Bedrock's data plane (Converse, ConverseStream,
//! InvokeModel, InvokeModelWithResponseStream, CountTokens), the lists of its control plane and
//! STS's GetCallerIdentity. Requests are authenticated and refused as Bedrock does it, in
//! Bedrock's words. What passes is answered by an echo; a [`Script`] replaces the echo by any
//! answer, and disturbs it by any [`Fault`].
//!
//! How a call travels:
//!
//! 1. `routes` takes it from the socket, `call` leads it through everything below;
//! 2. `journal` notes it, `calls` counts it until its last byte has left;
//! 3. `auth` checks who signed it;
//! 4. `validate` refuses what Bedrock refuses (`families` and `catalog` are its data);
//! 5. `scripts` may have an answer queued, else `answer` and `invoke` make one up;
//! 6. `reply` gives it its head, `play` its body, step by step, with `faults` applied.

mod answer;
mod auth;
mod call;
mod calls;
mod catalog;
mod control_plane;
mod conversation;
mod error;
mod families;
mod faults;
mod fixed;
mod frames;
mod ids;
mod invoke;
mod journal;
mod operation;
mod options;
mod play;
mod recording;
mod reply;
mod routes;
mod script;
mod scripts;
mod server;
mod simulator;
mod sts;
mod validate;

pub use journal::Received;
pub use operation::Operation;
pub use options::{ControlPlane, Credentials, FixedAnswer, Options};
pub use script::{Answer, Event, Fault, Script};
pub use simulator::Simulator;
