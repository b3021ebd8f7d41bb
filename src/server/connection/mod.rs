//! A client's connection, from its first byte to its last.

pub(crate) mod descriptors;
pub(crate) mod entry;

mod half_close;
mod intake;
mod io;
mod request_body;
mod service;
mod slots;
mod state;

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

pub(super) use slots::{ConnectionSlot, ConnectionSlots};

use super::cores::Core;
use super::listener::ClientAddress;
use super::service::HttpService;
use crate::config::ServerSettings;
use io::{ClientIo, ConnectionTimeouts};
use request_body::MinRate;
use service::Responder;

/// The maximum size of a request head. It also bounds the buffered part of a response, and so the
/// memory for a client that does not read.
const MAX_HEAD: usize = 32 << 10;

/// An accepted connection with its slot.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) client: ClientAddress,
    pub(super) slot: ConnectionSlot,
    /// The core that serves it.
    pub(super) core: Core,
    /// Whether it is above the maximum, so that its requests are refused.
    pub(super) is_over_capacity: bool,
}

/// Serves `service` on a connection until either side closes it.
pub(super) async fn serve<S: HttpService>(
    connection: Connection,
    service: S,
    watcher: Watcher,
    settings: &ServerSettings,
) {
    let Connection {
        stream,
        client,
        slot,
        core,
        is_over_capacity,
    } = connection;
    set_options(&stream, settings);
    let io = ClientIo::new(
        stream,
        Arc::clone(slot.state()),
        ConnectionTimeouts::from(settings),
    );
    let responder = Responder {
        service,
        core,
        client,
        state: Arc::clone(slot.state()),
        min_rate: MinRate::from(settings),
        is_over_capacity,
    };
    let service = service_fn(move |request| responder.clone().respond(request));
    let connection = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        // One read may return more than the buffer limit.
        .max_header_size(MAX_HEAD)
        // `ClientIo` has this timeout; hyper's would include the time before the first byte.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(io), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn set_options(stream: &TcpStream, settings: &ServerSettings) {
    // Send small writes immediately: otherwise a delta may wait 40 ms for the previous one.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    // Bytes that the system has accepted but the client does not acknowledge or read are no
    // progress either; only the system can detect this.
    #[cfg(target_os = "linux")]
    {
        let timeout = u32::try_from(settings.write_timeout.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, timeout) {
            tracing::debug!(%error, "cannot set TCP_USER_TIMEOUT");
        }
    }
}
