//! Accepts connections.

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::routes;
use crate::simulator::Simulation;

/// Serves until the task is aborted; the connections end with it.
pub(crate) async fn serve(listener: TcpListener, simulation: Arc<Simulation>) {
    let service = TowerToHyperService::new(routes::routes(simulation));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Failures to accept (no file descriptor left, client gone) concern one connection.
                let Ok((stream, _)) = accepted else { continue };
                // Events are to leave when they are written; where that fails, they leave later.
                let _ = stream.set_nodelay(true);
                let connection = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service.clone());
                // A connection that ends in an error is the client's to notice.
                connections.spawn(async move { connection.await.is_ok() });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
