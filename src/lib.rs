//! Outcrop: an OpenAI-compatible gateway for Amazon Bedrock.
//!
//! The modules, in the order in which a request passes them:
//!
//! - [`server`]: HTTP server, routes, layers, bodies, streams; [`api`]: the handlers of the
//!   endpoints
//! - [`identity`]: authentication of callers
//! - [`pipeline`]: the steps of a request; the page to read first
//! - [`models`]: model ids, capabilities and prices; [`catalog`]: what is known about models at run
//!   time, and their list
//! - [`openai`]: OpenAI's API; [`converse`]: Bedrock's Converse API, and the rules for its models;
//!   [`providers`]: request bodies of models that Converse does not serve
//! - [`guardrails`]: checks of content outside of conversations
//! - [`dialects`]: what all dialects read in the same way
//! - [`fetch`]: downloads of URLs in requests
//! - [`reasoning_memory`]: signed reasoning between tool calls
//! - [`store`]: the database of files and batches
//! - [`limits`]: rates and concurrency; [`body_memory`]: the memory budget; [`workers`]: CPU-bound
//!   work
//! - [`bedrock`]: transport, credentials, retries, upstream errors
//! - [`usage`]: what a request used and cost
//!
//! [`config`] and [`commands`] are for operators. [`error`] and [`reply`] are what clients get.

pub mod api;
pub mod bedrock;
pub mod body_memory;
pub mod catalog;
pub mod commands;
pub mod config;
pub mod converse;
pub mod dialects;
pub mod error;
pub mod fetch;
pub mod guardrails;
pub mod identity;
pub mod limits;
pub mod models;
pub mod openai;
pub mod pipeline;
pub mod providers;
pub mod reasoning_memory;
pub mod reply;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod usage;
pub mod workers;
