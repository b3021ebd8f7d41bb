//! Checks before routing.

use std::time::Duration;

use axum::extract::Request;
use http::Version;
use http::header::HOST;

use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::server::connection::OverCapacity;

/// The error of a request that no route may handle.
pub(crate) fn refusal(request: &Request) -> Option<ApiError> {
    if request.extensions().get::<OverCapacity>().is_some() {
        let message = "the gateway is at its connection limit; try again in a moment";
        let error = ApiError::new(ErrorKind::Unavailable, message)
            .code(ErrorCode::ServiceUnavailable)
            .retry_after(Duration::from_secs(1));
        return Some(error);
    }
    let hosts = request.headers().get_all(HOST).iter().count();
    let problem = match (request.version(), hosts) {
        (_, 1) | (Version::HTTP_10, 0) => return None,
        (_, 0) => "the request has no `Host` header",
        _ => "the request has more than one `Host` header",
    };
    let message = format!("{problem}; HTTP/1.1 requires exactly one");
    Some(ApiError::new(ErrorKind::InvalidRequest, message).code(ErrorCode::InvalidHostHeader))
}
