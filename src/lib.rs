//! Outcrop: an OpenAI-compatible gateway for Amazon Bedrock.
//!
//! The modules, in the order in which a request passes them:
//!
//! - [`server`]: connections, layers, routes; [`http`]: what handlers receive and return;
//!   [`wire`]: what the JSON of all endpoints shares
//! - [`dialects`]: the chat dialects: requests into Bedrock's form, and responses out of it;
//!   [`endpoints`]: everything that is not chat
//! - [`batches`] and [`passthrough`]: jobs; Bedrock's own API
//! - [`gateway`]: the steps of a model request; the page to read first
//! - [`identity`]: callers; [`allowances`]: what they may use; [`limits`]: rates, concurrency
//!   and budgets; [`resources`]: memory and threads; [`usage`]: what a request used and cost
//! - [`catalog`]: what is known about models at run time; [`models`]: model ids, capabilities,
//!   prices
//! - [`converse`]: Bedrock's Converse API, and the rules for its models
//! - [`fetch`]: downloads of URLs in requests; [`store`]: the database of teams, keys, files and batches
//! - [`bedrock`]: transport, credentials, retries, upstream errors; [`sigv4`]: signatures
//! - [`telemetry`]: the log and the metrics; [`alerts`]: thresholds of budgets
//!
//! [`admin`], [`config`] and [`commands`] are for operators. [`error`] and [`reply`] are what clients get.

pub mod admin;
pub mod alerts;
pub mod allowances;
pub mod batches;
pub mod bedrock;
pub mod catalog;
pub mod commands;
pub mod config;
pub mod converse;
pub mod dialects;
pub mod endpoints;
pub mod error;
pub mod fetch;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod limits;
pub mod models;
pub mod passthrough;
pub mod reply;
pub mod resources;
pub mod server;
pub mod sigv4;
pub mod store;
pub mod telemetry;
pub mod usage;
pub mod wire;
