//! One connection of a client, from its first byte to its last.

mod half_close;
mod intake;
mod io;
mod request_body;
mod service;
mod slots;
mod state;
mod timer;

use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

pub(super) use request_body::TooSlow;
pub(super) use service::{OverCapacity, Probe};
pub(super) use slots::{ConnectionSlot, ConnectionSlots};

use super::listener::ClientAddress;
use crate::config::ServerSettings;
use io::{ClientIo, ConnectionTimeouts};
use request_body::MinRate;
use service::Responder;

/// The longest head of a request. It bounds what is gathered of a response before it is written,
/// too, and so what a client costs that does not read.
const MAX_HEAD: usize = 64 << 10;

/// A connection that has a place.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) client: ClientAddress,
    pub(super) slot: ConnectionSlot,
    /// Whether it is one too many, so that requests are refused on it.
    pub(super) is_over_capacity: bool,
}

/// Serves `router` on a connection until one of the two is done with it.
pub(super) async fn serve(
    connection: Connection,
    router: Router,
    watcher: Watcher,
    settings: &ServerSettings,
) {
    let Connection {
        stream,
        client,
        slot,
        is_over_capacity,
    } = connection;
    set_options(&stream, settings);
    let io = ClientIo::new(
        stream,
        Arc::clone(slot.state()),
        ConnectionTimeouts::from(settings),
    );
    let responder = Responder {
        router,
        client,
        state: Arc::clone(slot.state()),
        min_rate: MinRate::from(settings),
        is_over_capacity,
    };
    let service = service_fn(move |request| responder.clone().respond(request));
    let connection = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        // A read may bring more than that at once.
        .max_header_size(MAX_HEAD)
        // `ClientIo` knows how long a head takes; hyper counts the time before its first byte, too.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(io), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn set_options(stream: &TcpStream, settings: &ServerSettings) {
    // Small writes go out at once: without this a delta may wait 40 ms for the one before it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    // What the system has taken but the client does not acknowledge, or does not read, is no
    // progress either; the system alone knows of it.
    #[cfg(target_os = "linux")]
    {
        let timeout = u32::try_from(settings.write_timeout.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, timeout) {
            tracing::debug!(%error, "TCP_USER_TIMEOUT could not be set");
        }
    }
}
