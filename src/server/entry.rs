//! Checks before routing.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::Version;
use http::header::HOST;

use super::connection::OverCapacity;
use super::event_stream::refuse_as_aws;
use super::respond::error_response;
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// Paths of Bedrock's own API, whose clients expect errors in AWS's format.
const OF_BEDROCK: &[&str] = &[
    "/model/",
    "/guardrail/",
    "/guardrail-checks/",
    "/async-invoke",
];

/// The error of a request that no route may handle.
pub(super) fn refusal(request: &Request) -> Option<ApiError> {
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

/// The error response in the format of the API that `path` belongs to.
pub(super) fn error_response_for(path: &str, error: ApiError) -> Response {
    match OF_BEDROCK.iter().any(|prefix| path.starts_with(prefix)) {
        true => refuse_as_aws(&error),
        false => error_response(&error),
    }
}
