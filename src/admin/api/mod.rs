//! The admin API: `/admin/v1`, for tools of operators. Its OpenAPI document is generated from the
//! handlers and the types.

mod audit;
mod gateway;
mod request;
mod tokens;

use axum::Router;
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde::Serialize;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

use super::audit::{Change, unix_now};
use super::error::AdminError;
use super::router::Operator;
use crate::http::reply::json_response;

/// The routes below `/admin/v1`.
pub(super) fn routes() -> Router<Operator> {
    let at = |path: &str| format!("/admin/v1{path}");
    Router::new()
        .route(&at("/openapi.json"), get(openapi))
        .route(&at("/tokens"), get(tokens::list).post(tokens::create))
        .route(&at("/tokens/{id}"), delete(tokens::revoke))
        .route(&at("/audit"), get(audit::list))
        .route(&at("/configuration"), get(gateway::configuration))
        .route(&at("/reload"), post(gateway::reload))
        .route(&at("/drain"), post(gateway::drain))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Outcrop admin API",
        description = "Administration of a gateway, on the listener of `[admin]`. Requests need a \
                       token as `Authorization: Bearer TOKEN`: `OUTCROP_ADMIN_TOKEN`, or one that \
                       `outcrop admin tokens create` or this API has created. Tokens have a scope: \
                       `read` reads, `all` may do everything.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        tokens::list,
        tokens::create,
        tokens::revoke,
        audit::list,
        gateway::configuration,
        gateway::reload,
        gateway::drain,
    ),
    components(schemas(ErrorResponse)),
    security(("admin_token" = [])),
    modifiers(&AdminToken),
)]
struct Document;

struct AdminToken;

impl Modify for AdminToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("admin_token", SecurityScheme::Http(bearer));
    }
}

/// An error.
#[derive(ToSchema)]
#[allow(dead_code)] // Only its schema is used.
struct ErrorResponse {
    /// What is wrong.
    error: ErrorSchema,
}

/// What is wrong.
#[derive(ToSchema)]
#[allow(dead_code)] // Only its schema is used.
struct ErrorSchema {
    /// A code for programs.
    code: String,
    /// A sentence for people.
    message: String,
    /// The field or parameter that is wrong.
    param: Option<String>,
}

/// `GET /admin/v1/openapi.json`, which has no secret and needs no token.
async fn openapi() -> Result<Response, AdminError> {
    respond(200, &Document::openapi())
}

/// A response with JSON.
fn respond(status: u16, body: &impl Serialize) -> Result<Response, AdminError> {
    let json = serde_json::to_vec(body).map_err(|error| {
        tracing::error!(%error, "internal error: a response for operators cannot be written");
        AdminError::internal()
    })?;
    Ok(json_response(status, json.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_describes_each_operation_with_its_errors() {
        let document = serde_json::to_value(Document::openapi()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        for (path, operations) in paths {
            assert!(path.starts_with("/admin/v1/"), "{path}");
            for (method, operation) in operations.as_object().expect("operations") {
                let responses = &operation["responses"];
                for status in ["401", "403", "503"] {
                    let response = &responses[status];
                    assert!(response.is_object(), "{method} {path} has no {status}");
                }
                assert!(operation["summary"].is_string(), "{method} {path}");
            }
        }
        assert!(document["components"]["securitySchemes"]["admin_token"].is_object());
    }
}
