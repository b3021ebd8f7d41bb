//! Routes that there are not.

use axum::extract::Request;
use axum::response::Response;
use http::Method;

use super::hints::hint;
use crate::error::{ApiError, ErrorKind};
use crate::openai::absent::{Absent, absent};
use crate::server::{ClientPath, discard, refuse};

/// No such route.
pub async fn route(request: Request) -> Response {
    let route = UnknownRoute::of(&request);
    discard(request.into_body()).await;
    refuse(not_found(&route).into())
}

/// The route exists for another method.
pub async fn method(request: Request) -> Response {
    let route = UnknownRoute::of(&request);
    discard(request.into_body()).await;
    let UnknownRoute { method, path, hint } = &route;
    let absent = absent(method.as_str(), path);
    // A path of OpenAI's can look like a thing of another route: `/videos/edits`, a film.
    if absent.is_some_and(|absent| absent.method.is_none()) {
        return refuse(not_found(&route).into());
    }
    let message = match (absent, hint) {
        (Some(absent), _) => not_served(&route, absent),
        (None, Some(hint)) => format!("`{path}` does not take `{method}`; {hint}"),
        (None, None) => format!("`{path}` does not take `{method}`"),
    };
    let error = ApiError::new(ErrorKind::MethodNotAllowed, message).code("method_not_allowed");
    refuse(error.into())
}

/// What was asked for that is not there.
struct UnknownRoute {
    method: Method,
    /// As the client wrote it.
    path: String,
    /// What to change in the client's settings.
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
        (_, Some(hint)) => format!("there is no `{method} {path}` here; {hint}"),
        (Some(absent), None) => not_served(route, absent),
        (None, None) => format!(
            "there is no `{method} {path}` here; /v1/chat/completions and /v1/models are served"
        ),
    };
    ApiError::new(ErrorKind::NotFound, message)
        .code("unknown_url")
        .should_retry(false)
}

fn not_served(route: &UnknownRoute, absent: &Absent) -> String {
    let UnknownRoute { method, path, .. } = route;
    format!("`{method} {path}` is not served: {absent}")
}
