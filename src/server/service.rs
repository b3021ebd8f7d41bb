use axum::extract::Request;
use axum::response::Response;

use super::Peer;

/// What a listener serves. Clones share it.
pub trait HttpService: Clone + Send + Sync + 'static {
    /// Serves a request from `peer`.
    fn serve(&self, request: Request, peer: Peer) -> impl Future<Output = Response> + Send;
}
