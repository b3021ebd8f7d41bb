//! The HTTP server: connections, layers, routes, and the state of the application.

pub mod clients;
pub mod pages;

pub(crate) mod connection;
mod listener;
mod middleware;
mod router;

use std::fmt;
use std::sync::Arc;

pub use clients::paths::ClientPath;
pub use connection::descriptors::raise_descriptor_limit;
pub use listener::serve;
pub use router::router;

use crate::batches::Batches;
use crate::bedrock::Bedrock;
use crate::catalog::{Catalog, Tables};
use crate::config::{Config, ServerSettings};
use crate::fetch::Fetcher;
use crate::gateway::Gateway;
use crate::http::{Shutdown, ShutdownPhase};
use crate::identity::Callers;
use crate::passthrough::Passthrough;
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
    pub gateway: Arc<Gateway>,
    /// Bedrock's own API.
    pub passthrough: Passthrough,
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
        let gateway = Gateway::new(config, tables.clone(), bedrock.clone(), fetcher);
        let gateway = Arc::new(gateway);
        let catalog = Catalog::start(
            bedrock.clone(),
            gateway.base_models(),
            &config.models,
            &config.catalog,
            tables,
            gateway.directory(),
        );
        let closing = shutdown.clone();
        let closing = async move { closing.reached(ShutdownPhase::Closing).await };
        let bodies = BodyMemory::new(config.server.max_body_memory);
        Ok(Arc::new(Self {
            settings: config.server.clone(),
            callers: Callers::new(&config.keys),
            catalog,
            batches: Batches::start(config, &gateway, &bodies, &usage_readers, closing),
            bodies,
            passthrough: Passthrough::new(config, Arc::clone(&gateway)),
            gateway,
            bedrock,
            usage_readers,
            shutdown,
        }))
    }
}
