//! Outcrop: an OpenAI-compatible gateway for Amazon Bedrock.
//!
//! The map, in the order in which a request meets it:
//!
//! - [`server`]: routes, layers, bodies in, streams out; [`api`]: one thin handler an endpoint
//! - [`identity`]: who is calling
//! - [`pipeline`]: the life of a request, the page to read first
//! - [`models`]: what a name means, and what the family takes; [`catalog`]: which models there are;
//!   [`base_models`]: what the account's own are based on
//! - [`openai`]: OpenAI's dialect; [`converse`]: Bedrock's, the hub, and its rules
//! - [`fetch`]: the files that a request points to
//! - [`reasoning_memory`]: what models thought before they called tools
//! - [`limits`]: whether it may go now
//! - [`bedrock`]: transport, credentials, retries, failures
//! - [`record`]: the log line that is written on every path
//!
//! [`config`] and [`commands`] are how an operator meets it; [`fault`] and [`adjustments`] are what
//! a client is told when something does not go as asked.

pub mod adjustments;
pub mod api;
pub mod base_models;
pub mod bedrock;
pub mod catalog;
pub mod commands;
pub mod config;
pub mod converse;
pub mod fault;
pub mod fetch;
pub mod identity;
pub mod limits;
pub mod models;
pub mod openai;
pub mod pipeline;
pub mod reasoning_memory;
pub mod record;
pub mod server;
pub mod telemetry;
