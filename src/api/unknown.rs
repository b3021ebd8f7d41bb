//! Routes that there are not.

use axum::body::Body;
use axum::response::Response;
use http::{Method, Uri};

use crate::fault::{Fault, FaultKind};
use crate::openai::absent::{Absent, absent};
use crate::server::{discard, refuse};

/// No such route.
pub async fn route(method: Method, uri: Uri, body: Body) -> Response {
    discard(body).await;
    refuse(not_found(&method, uri.path()).into())
}

/// The route exists for another method.
pub async fn method(method: Method, uri: Uri, body: Body) -> Response {
    discard(body).await;
    let path = uri.path();
    let absent = absent(method.as_str(), path);
    // A path of OpenAI's can look like a thing of another route: `/videos/edits`, a film.
    if absent.is_some_and(|absent| absent.method.is_none()) {
        return refuse(not_found(&method, path).into());
    }
    let message = match absent {
        Some(absent) => not_served(&method, path, absent),
        None => format!("`{path}` does not take `{method}`"),
    };
    let fault = Fault::new(FaultKind::MethodNotAllowed, message).code("method_not_allowed");
    refuse(fault.into())
}

fn not_found(method: &Method, path: &str) -> Fault {
    let message = match absent(method.as_str(), path) {
        Some(absent) => not_served(method, path, absent),
        None => format!(
            "there is no `{method} {path}` here; /v1/chat/completions and /v1/models are served"
        ),
    };
    Fault::new(FaultKind::NotFound, message)
        .code("unknown_url")
        .should_retry(false)
}

fn not_served(method: &Method, path: &str, absent: &Absent) -> String {
    format!("`{method} {path}` is not served: {absent}")
}
