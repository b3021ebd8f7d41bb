//! The listener for operators, apart from that of clients: a port of its own, routes of its own, and
//! tokens that are no API keys.

mod access;
mod api;
mod audit;
mod changes;
mod client;
mod error;
mod merge_patch;
mod router;
mod tokens;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::{AdminSettings, ServerSettings};
use crate::http::{Shutdown, ShutdownPhase};
use crate::server::{Cores, ReloadHandle, Router, serve};
use crate::telemetry::Metrics;
use access::Access;

pub use api::CreatedKeyBody;
pub use audit::{Actor, AuditLog, Change};
pub use changes::{AuditedAdministration, AuditedChange};
pub use client::{AdminClient, ClientError, UsageDownload};
pub use router::AdminRouter;
pub use tokens::{AdminTokens, CreatedToken, Scope, TokenError, TokenView};

/// Connections of operators and of scrapers.
const MAX_CONNECTIONS: usize = 64;

/// The maximum size of a request body.
const MAX_BODY: usize = 1 << 20;

/// How long active requests may take at the end.
const GRACE_PERIOD: Duration = Duration::from_secs(2);

/// What the routes for operators need.
#[derive(Debug)]
pub struct AdminState {
    /// The metrics.
    pub metrics: Metrics,
    /// The phase of the clients' listener.
    pub shutdown: Shutdown,
    /// The clients' router, which has the application in use, with its store.
    pub router: Router,
    /// Reloads the configuration; `None` if it has no file.
    pub reload: Option<ReloadHandle>,
}

/// The bound address of `[admin] listen`.
#[derive(Debug)]
pub struct AdminListener {
    listener: TcpListener,
    access: Access,
    settings: ServerSettings,
}

/// The listener for operators while it serves.
#[derive(Debug)]
pub struct AdminServer {
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

impl AdminListener {
    /// Binds the address; `None` if there is none.
    pub async fn bind(settings: &AdminSettings) -> io::Result<Option<Self>> {
        let Some(listen) = settings.listen else {
            return Ok(None);
        };
        let listener = TcpListener::bind(listen).await?;
        Ok(Some(Self {
            listener,
            access: Access::new(settings, listen),
            settings: ServerSettings {
                listen,
                max_body: MAX_BODY,
                max_connections: MAX_CONNECTIONS,
                grace_period: GRACE_PERIOD,
                ..ServerSettings::default()
            },
        }))
    }

    /// The address, with the port that the system has chosen for port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until [`AdminServer::stop`], on the current runtime: not on the cores of the clients'
    /// listener, whose load is one of the metrics.
    pub fn start(self, state: AdminState) -> AdminServer {
        let Self {
            listener,
            access,
            settings,
        } = self;
        let shutdown = Shutdown::default();
        let routes = AdminRouter::new(access, Arc::new(state));
        let closing = shutdown.clone();
        let serving = tokio::spawn(async move {
            let cores = Cores::current();
            serve(listener, routes, &cores, closing, &settings).await;
        });
        AdminServer { shutdown, serving }
    }
}

impl AdminServer {
    /// Completes active requests, and stops. Called once the clients' listener has stopped, so that
    /// its last requests can be scraped.
    pub async fn stop(self) {
        self.shutdown.advance(ShutdownPhase::Closing);
        // A panic has been reported.
        let _ = self.serving.await;
    }
}
