use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::shutdown::{Phase, Shutdown};
use crate::config::ServerSettings;

/// How long a connection may take over the head of its next request, idle time included. Longer
/// than load balancers keep idle connections, so that they are the ones to close them.
const LONGEST_IDLE: Duration = Duration::from_secs(900);

/// How long the last bytes of streams that are being ended may take.
const LAST_BYTES: Duration = Duration::from_secs(5);

/// How long to leave the system alone when it has no more file descriptors.
const AFTER_REFUSAL: Duration = Duration::from_millis(500);

/// The address of the other end of a request's connection, among the request's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientAddress(pub(super) IpAddr);

/// Serves `router` until `shutdown` is set going and has run its course.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
    settings: &ServerSettings,
) {
    let connections = GracefulShutdown::new();
    let closing = shutdown.reached(Phase::Closing);
    tokio::pin!(closing);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let client = ClientAddress(peer.ip().to_canonical());
                    connect(stream, client, router.clone(), &connections);
                }
                Err(error) => {
                    tracing::error!(%error, "a connection could not be accepted");
                    tokio::time::sleep(AFTER_REFUSAL).await;
                }
            },
            () = &mut closing => break,
        }
    }
    drop(listener);
    let under_way = connections.count();
    tracing::info!(under_way, "no new connections are taken");
    let closed = connections.shutdown();
    tokio::pin!(closed);
    if within(settings.grace_period, &mut closed).await {
        return;
    }
    tracing::warn!("the grace period is over; what is under way is ended");
    shutdown.advance(Phase::Ending);
    within(LAST_BYTES, &mut closed).await;
}

async fn within(limit: Duration, work: impl Future<Output = ()>) -> bool {
    tokio::time::timeout(limit, work).await.is_ok()
}

fn connect(
    stream: TcpStream,
    client: ClientAddress,
    router: Router,
    connections: &GracefulShutdown,
) {
    // Small writes go out at once: without this a delta may wait 40 ms for the one before it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(client);
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(LONGEST_IDLE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
