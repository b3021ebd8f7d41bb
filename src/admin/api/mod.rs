//! The admin API: `/admin/v1`, for tools of operators. Its OpenAPI document is generated from the
//! handlers and the types.

mod audit;
mod bodies;
mod errors;
mod gateway;
mod json;
mod keys;
mod limits;
mod request;
mod teams;
mod tokens;
mod usage;

pub use bodies::CreatedKeyBody;
pub(super) use bodies::{KeySettingsBody, NewKeyBody, NewTeam, Page, RotationBody};
pub(super) use limits::BudgetList;

use axum::Router;
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::HeaderValue;
use http::header::ETAG;
use serde::Serialize;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::audit::{Change, unix_now};
use super::error::AdminError;
use super::merge_patch::merge;
use super::router::Operator;
use crate::http::reply::json_response;
use errors::ErrorResponse;

/// The default and the maximum number of teams and keys in a page.
const PAGE: u32 = 100;
const MAX_PAGE: u32 = 1000;

/// The routes below `/admin/v1`.
pub(super) fn routes() -> Router<Operator> {
    let at = |path: &str| format!("/admin/v1{path}");
    Router::new()
        .route(&at("/openapi.json"), get(openapi))
        .route(&at("/tokens"), get(tokens::list).post(tokens::create))
        .route(&at("/tokens/{id}"), delete(tokens::revoke))
        .route(&at("/teams"), get(teams::list).post(teams::create))
        .route(
            &at("/teams/{name}"),
            get(teams::show).patch(teams::change).delete(teams::delete),
        )
        .route(&at("/teams/{name}/limits"), get(limits::of_team))
        .route(&at("/keys"), get(keys::list).post(keys::create))
        .route(&at("/keys/{id}"), get(keys::show).patch(keys::change))
        .route(&at("/keys/{id}/limits"), get(limits::of_key))
        .route(&at("/keys/{id}/rotate"), post(keys::rotate))
        .route(&at("/keys/{id}/revoke"), post(keys::revoke))
        .route(&at("/budgets"), get(limits::budgets))
        .route(&at("/usage"), get(usage::show))
        .route(&at("/usage/export"), get(usage::export))
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
                       `read` reads everything but tokens, `keys` manages teams and keys and reads \
                       usage, `all` may do everything.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        tokens::list,
        tokens::create,
        tokens::revoke,
        teams::list,
        teams::create,
        teams::show,
        teams::change,
        teams::delete,
        limits::of_team,
        limits::of_key,
        keys::list,
        keys::create,
        keys::show,
        keys::change,
        keys::rotate,
        keys::revoke,
        limits::budgets,
        usage::show,
        usage::export,
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

/// `GET /admin/v1/openapi.json`, which has no secret and needs no token.
async fn openapi() -> Result<Response, AdminError> {
    respond(200, &Document::openapi())
}

/// A response with JSON.
fn respond(status: u16, body: &impl Serialize) -> Result<Response, AdminError> {
    let json = serde_json::to_vec(body).map_err(internal)?;
    Ok(json_response(status, json.into()))
}

/// A response with JSON, and the entity tag of what it shows.
fn respond_with_tag(body: &impl Serialize, tag: &str) -> Result<Response, AdminError> {
    let mut response = respond(200, body)?;
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// What is written for operators is not JSON.
fn internal(error: serde_json::Error) -> AdminError {
    tracing::error!(%error, "internal error: JSON for operators cannot be written");
    AdminError::internal()
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
