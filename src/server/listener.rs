use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};

use super::connection::{self, Connection, ConnectionSlot, ConnectionSlots};
use super::cores::Cores;
use super::service::HttpService;
use crate::config::ServerSettings;
use crate::http::shutdown::{Shutdown, ShutdownPhase};
use crate::server::connection::descriptors::{Spares, max_connections};

/// How long the last bytes of cancelled streams may take.
const LAST_BYTES: Duration = Duration::from_secs(5);

/// How long to wait after the system has run out of file descriptors.
const AFTER_REFUSAL: Duration = Duration::from_millis(10);

/// Connections that are served above the maximum: health checks succeed, other requests are
/// refused.
const RESERVE: usize = 32;

/// The client's address, in the extensions of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientAddress(pub(super) IpAddr);

/// Serves `service` on `cores` until `shutdown` is complete.
pub async fn serve<S: HttpService>(
    listener: TcpListener,
    service: S,
    cores: &Cores,
    shutdown: Shutdown,
    settings: &ServerSettings,
) {
    let acceptor = Acceptor::new(service, cores, settings);
    let closing = shutdown.reached(ShutdownPhase::Closing);
    tokio::pin!(closing);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => acceptor.connect(stream, peer),
                Err(error) => acceptor.recover(&listener, &error).await,
            },
            () = &mut closing => break,
        }
    }
    drop(listener);
    let grace_period = acceptor.settings().grace_period;
    let connections = acceptor.connections;
    let active = connections.count();
    tracing::info!(active, "no longer accepting connections");
    let closed = connections.shutdown();
    tokio::pin!(closed);
    if within(grace_period, &mut closed).await {
        return;
    }
    tracing::warn!("the grace period is over; active requests are cancelled");
    shutdown.advance(ShutdownPhase::Ending);
    within(LAST_BYTES, &mut closed).await;
}

async fn within(limit: Duration, work: impl Future<Output = ()>) -> bool {
    tokio::time::timeout(limit, work).await.is_ok()
}

/// Accepts connections and serves them.
struct Acceptor<'a, S> {
    service: S,
    cores: &'a Cores,
    slots: ConnectionSlots,
    /// Slots for connections above the maximum.
    reserve: ConnectionSlots,
    spares: Spares,
    connections: GracefulShutdown,
    /// The settings at the start.
    settings: Arc<ServerSettings>,
}

impl<'a, S: HttpService> Acceptor<'a, S> {
    fn new(service: S, cores: &'a Cores, settings: &ServerSettings) -> Self {
        Self {
            service,
            cores,
            slots: ConnectionSlots::new(max_connections(settings.max_connections)),
            reserve: ConnectionSlots::new(RESERVE),
            spares: Spares::open(),
            connections: GracefulShutdown::new(),
            settings: Arc::new(settings.clone()),
        }
    }

    fn connect(&self, stream: TcpStream, peer: SocketAddr) {
        match self.slots.take() {
            Some(slot) => self.serve(stream, peer, slot, false),
            None => self.connect_in_reserve(stream, peer),
        }
    }

    /// Serves a connection above the maximum, or one for whose request no descriptor is left.
    fn connect_in_reserve(&self, stream: TcpStream, peer: SocketAddr) {
        // Requests on these connections are short; without a free slot the connection is closed.
        if let Some(slot) = self.reserve.take() {
            self.serve(stream, peer, slot, true);
        }
    }

    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: ConnectionSlot,
        is_over_capacity: bool,
    ) {
        // The reactor of the listener's runtime must not wake the tasks of another one.
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => return tracing::warn!(%error, "cannot serve a connection"),
        };
        let client = ClientAddress(peer.ip().to_canonical());
        let (service, watcher) = (self.service.clone(), self.connections.watcher());
        let (settings, spares) = (self.settings(), self.spares.clone());
        self.cores.spawn(move |core| async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => {
                    let connection = Connection {
                        stream,
                        client,
                        slot,
                        core,
                        is_over_capacity,
                    };
                    connection::serve(connection, service, watcher, &settings).await;
                }
                Err(error) => tracing::warn!(%error, "cannot serve a connection"),
            }
            // The closed connection has freed its descriptor.
            spares.refill();
        });
    }

    /// The settings of new connections.
    fn settings(&self) -> Arc<ServerSettings> {
        let current = self.service.settings();
        current.unwrap_or_else(|| Arc::clone(&self.settings))
    }

    /// Recovers from a failed accept.
    async fn recover(&self, listener: &TcpListener, error: &io::Error) {
        if !is_out_of_descriptors(error) {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(AFTER_REFUSAL).await;
            return;
        }
        // The system allocates a descriptor first, so this error also occurs without a pending
        // connection. Then no connection must be evicted, least of all the one accepted last.
        let client = match self.spares.give_up_one() {
            true => match tokio::time::timeout(AFTER_REFUSAL, listener.accept()).await {
                Ok(accepted) => accepted.ok(),
                Err(_) => return self.spares.refill(),
            },
            false => None,
        };
        // One for the client and one for the call to Bedrock.
        let has_room = self.slots.evict();
        if has_room {
            self.slots.evict();
            tracing::warn!(%error, "out of file descriptors; closing idle connections; raise `ulimit -n`");
        } else {
            tracing::error!(%error, "out of file descriptors and no connection is idle; raise `ulimit -n`");
        }
        match client {
            Some((stream, peer)) if !has_room => self.connect_in_reserve(stream, peer),
            Some((stream, peer)) => {
                // The evicted connections close meanwhile.
                tokio::time::sleep(AFTER_REFUSAL).await;
                self.connect(stream, peer);
            }
            None => {
                tokio::time::sleep(AFTER_REFUSAL).await;
                self.spares.refill();
            }
        }
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}
