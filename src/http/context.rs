use std::sync::Arc;

use crate::config::ServerSettings;
use crate::http::Shutdown;
use crate::identity::Callers;
use crate::resources::body_memory::BodyMemory;
use crate::resources::workers::Workers;

/// What extractors and responses need of the application. The router's state provides it.
#[derive(Debug)]
pub struct HttpContext {
    /// The settings of `[server]`.
    pub settings: Arc<ServerSettings>,
    /// The memory budget of bodies.
    pub bodies: BodyMemory,
    /// The threads for CPU-bound work.
    pub workers: Workers,
    /// Callers and their keys.
    pub callers: Arc<Callers>,
    /// The phase of the shutdown.
    pub shutdown: Shutdown,
}
