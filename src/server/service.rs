use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use super::Peer;
use crate::config::ServerSettings;

/// What a listener serves. Clones share it.
pub trait HttpService: Clone + Send + Sync + 'static {
    /// Serves a request from `peer`.
    fn serve(&self, request: Request, peer: Peer) -> impl Future<Output = Response> + Send;

    /// The current settings of connections, if they can change.
    fn settings(&self) -> Option<Arc<ServerSettings>> {
        None
    }
}
