//! The HTTP server: routes, layers, request bodies, response streams and shutdown.

mod body;
mod connection;
mod content;
mod event_stream;
mod extract;
mod listener;
mod middleware;
mod respond;
mod router;
mod shutdown;
mod sse;

use std::fmt;
use std::sync::Arc;

pub use crate::http::body::content_type::require_json_or_bytes;
pub use crate::http::body::multipart::{FormLimits, MultipartForm, OpenPart};
pub use crate::http::clients::deployment::deployment;
pub use crate::http::clients::paths::ClientPath;
pub use crate::http::connection::descriptors::raise_descriptor_limit;
pub use body::{HeldBody, decompressed, read_as_sent};
pub use extract::{FormRequest, flag, header_options, key, query};
pub use listener::serve;
pub use respond::ReplyBody;
pub use router::router;
pub use shutdown::{Shutdown, ShutdownPhase, restarting};

use crate::batches::Batches;
use crate::bedrock::Bedrock;
use crate::catalog::Catalog;
use crate::catalog::Tables;
use crate::config::{Config, ServerSettings};
use crate::fetch::Fetcher;
use crate::gateway::Pipeline;
use crate::identity::Callers;
use crate::resources::body_memory::BodyMemory;
use crate::usage::UsageReaders;

/// The state that all handlers share.
#[derive(Debug)]
pub struct App {
    /// The settings of `[server]`.
    pub settings: ServerSettings,
    /// The memory budget of bodies.
    pub bodies: BodyMemory,
    /// Callers and their keys.
    pub callers: Callers,
    /// The list of models.
    pub catalog: Catalog,
    /// The steps of a request: translation, limits, the call to Bedrock.
    pub pipeline: Arc<Pipeline>,
    /// Files and batches; `None` if they are disabled.
    pub batches: Option<Batches>,
    /// The client of Bedrock, for the readiness check.
    pub bedrock: Bedrock,
    /// The readers of what requests used and cost.
    pub usage_readers: UsageReaders,
    /// The phase of the shutdown.
    pub shutdown: Shutdown,
}

/// Why the gateway cannot start.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl App {
    /// Builds the application of a configuration and starts loading Bedrock's models.
    pub fn new(
        config: &Config,
        bedrock: Bedrock,
        usage_readers: UsageReaders,
        shutdown: Shutdown,
    ) -> Result<Arc<Self>, StartError> {
        let tables = Tables::load(&config.catalog.files).map_err(StartError)?;
        let fetcher = Fetcher::new(&config.fetch)
            .map_err(|error| StartError(format!("the system's certificates: {error}")))?;
        let pipeline = Pipeline::new(config, tables.clone(), bedrock.clone(), fetcher);
        let pipeline = Arc::new(pipeline);
        let catalog = Catalog::start(
            bedrock.clone(),
            pipeline.base_models(),
            &config.models,
            &config.catalog,
            tables,
            pipeline.directory(),
        );
        let closing = shutdown.clone();
        let closing = async move { closing.reached(ShutdownPhase::Closing).await };
        let bodies = BodyMemory::new(config.server.max_body_memory);
        Ok(Arc::new(Self {
            settings: config.server.clone(),
            callers: Callers::new(&config.keys),
            catalog,
            batches: Batches::start(config, &pipeline, &bodies, &usage_readers, closing),
            bodies,
            pipeline,
            bedrock,
            usage_readers,
            shutdown,
        }))
    }
}

pub mod pages;

pub mod clients;
