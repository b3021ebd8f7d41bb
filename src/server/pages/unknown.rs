//! Unknown routes and methods.

use axum::extract::Request;
use http::Method;

use super::hints::hint;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::server::ClientPath;
use crate::server::pages::absent::{Absent, absent};

/// The response to an unknown path.
pub async fn route(request: Request) -> ApiError {
    not_found(&UnknownRoute::of(&request))
}

/// The response to an unknown method of a known path.
pub async fn method(request: Request) -> ApiError {
    let route = UnknownRoute::of(&request);
    let UnknownRoute { method, path, hint } = &route;
    let absent = absent(method.as_str(), path);
    // Some OpenAI paths match another route: `/videos/edits` looks like a video id.
    if absent.is_some_and(|absent| absent.method.is_none()) {
        return not_found(&route);
    }
    let message = match (absent, hint) {
        (Some(absent), _) => not_served(&route, absent),
        (None, Some(hint)) => format!("`{path}` does not support `{method}`; {hint}"),
        (None, None) => format!("`{path}` does not support `{method}`"),
    };
    ApiError::new(ErrorKind::MethodNotAllowed, message).code(ErrorCode::MethodNotAllowed)
}

/// A request that no route handles.
struct UnknownRoute {
    method: Method,
    /// The original path.
    path: String,
    /// The correction of the client's settings.
    hint: Option<String>,
}

impl UnknownRoute {
    fn of(request: &Request) -> Self {
        let rewritten = request.extensions().get::<ClientPath>();
        let path = match rewritten {
            Some(ClientPath(path)) => path.clone(),
            None => request.uri().path().to_owned(),
        };
        Self {
            method: request.method().clone(),
            hint: hint(&path, request.headers()),
            path,
        }
    }
}

fn not_found(route: &UnknownRoute) -> ApiError {
    let UnknownRoute { method, path, hint } = route;
    let message = match (absent(method.as_str(), path), hint) {
        (_, Some(hint)) => format!("unknown URL `{method} {path}`; {hint}"),
        (Some(absent), None) => not_served(route, absent),
        (None, None) => format!("unknown URL `{method} {path}`; see `GET /v1` for the endpoints"),
    };
    ApiError::new(ErrorKind::NotFound, message)
        .code(ErrorCode::UnknownUrl)
        .should_retry(false)
}

fn not_served(route: &UnknownRoute, absent: &Absent) -> String {
    let UnknownRoute { method, path, .. } = route;
    format!("`{method} {path}` is not served: {absent}")
}
