//! Checks before routing.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::Request;
use http::Version;
use http::header::HOST;

use crate::error::{ApiError, ErrorCode, ErrorKind};

/// Where a request comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peer {
    /// The address of the client, or of a proxy.
    pub address: Option<IpAddr>,
    /// Whether the connection is above the maximum, so that its requests are refused.
    pub is_over_capacity: bool,
}

/// Refuses a request that no route may handle.
pub(crate) fn check(request: &Request, peer: Peer) -> Result<(), ApiError> {
    if peer.is_over_capacity {
        let message = "the gateway is at its connection limit; try again in a moment";
        let error = ApiError::new(ErrorKind::Unavailable, message)
            .code(ErrorCode::ServiceUnavailable)
            .retry_after(Duration::from_secs(1));
        return Err(error);
    }
    let hosts = request.headers().get_all(HOST).iter().count();
    let problem = match (request.version(), hosts) {
        (_, 1) | (Version::HTTP_10, 0) => return Ok(()),
        (_, 0) => "the request has no `Host` header",
        _ => "the request has more than one `Host` header",
    };
    let message = format!("{problem}; HTTP/1.1 requires exactly one");
    Err(ApiError::new(ErrorKind::InvalidRequest, message).code(ErrorCode::InvalidHostHeader))
}
