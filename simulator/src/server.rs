//! The TCP listener.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::routes;
use crate::simulation::Simulation;

/// Serves until the task is aborted, which also closes all connections.
pub(crate) async fn serve(listener: TcpListener, simulation: Simulation) {
    let service = TowerToHyperService::new(routes::routes(simulation));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept error (no file descriptor left, client gone) affects only one
                // connection.
                let Ok((stream, _)) = accepted else { continue };
                // Send events without delay; if this fails, they are only slower.
                let _ = stream.set_nodelay(true);
                let connection = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service.clone());
                // Connection errors are visible to the client.
                connections.spawn(async move { connection.await.is_ok() });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
