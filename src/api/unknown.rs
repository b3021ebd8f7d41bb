//! Routes that there are not.

use axum::body::Body;
use axum::response::Response;
use http::{Method, Uri};

use crate::fault::{Fault, FaultKind};
use crate::server::{discard, refuse};

/// No such route.
pub async fn route(method: Method, uri: Uri, body: Body) -> Response {
    discard(body).await;
    let path = uri.path();
    let message = format!(
        "there is no `{method} {path}` here; /v1/chat/completions and /v1/models are served"
    );
    let fault = Fault::new(FaultKind::NotFound, message).code("unknown_url");
    refuse(fault.into())
}

/// The route exists for another method.
pub async fn method(method: Method, uri: Uri, body: Body) -> Response {
    discard(body).await;
    let path = uri.path();
    let message = format!("`{path}` does not take `{method}`");
    let fault = Fault::new(FaultKind::MethodNotAllowed, message).code("method_not_allowed");
    refuse(fault.into())
}
