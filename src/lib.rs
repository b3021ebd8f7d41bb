//! Outcrop: an OpenAI-compatible gateway for Amazon Bedrock.
//!
//! The map, in the order in which a request meets it:
//!
//! - [`server`]: routes, layers, bodies in, streams out; [`api`]: one thin handler an endpoint
//! - [`identity`]: who is calling
//! - [`pipeline`]: the life of a request, the page to read first
//! - [`models`]: what a name means, and what the family takes; [`catalog`]: which models there are;
//!   [`base_models`]: what the account's own are based on
//! - [`openai`]: OpenAI's dialect; [`converse`]: Bedrock's, the hub, and its rules;
//!   [`providers`]: the bodies of models that Converse is not for
//! - [`guardrails`]: what they are asked beside a conversation
//! - [`json_body`]: JSON as typed values, or a refusal; [`json_error`]: its words
//! - [`fetch`]: the files that a request points to
//! - [`reasoning_memory`]: what models thought before they called tools
//! - [`store`]: what outlives the process
//! - [`limits`]: whether it may go now; [`body_memory`]: whether there is room for its body;
//!   [`workers`]: where long work is done
//! - [`bedrock`]: transport, credentials, retries, failures
//! - [`record`]: the log line that is written on every path
//!
//! [`config`] and [`commands`] are how an operator meets it; [`error`] and [`adjustments`] are what
//! a client is told when something does not go as asked, and [`bounded`] at what length.

pub mod adjustments;
pub mod api;
pub mod base_models;
pub mod bedrock;
pub mod body_memory;
pub mod bounded;
pub mod catalog;
pub mod commands;
pub mod config;
pub mod converse;
pub mod error;
pub mod fetch;
pub mod guardrails;
pub mod identity;
pub mod json_body;
pub mod json_error;
pub mod limits;
pub mod models;
pub mod openai;
pub mod pipeline;
pub mod providers;
pub mod reasoning_memory;
pub mod record;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod workers;
