//! The routes for operators, and what surrounds them.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::FutureExt;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue};
use tower::Service;

use super::access::Access;
use super::audit::{Actor, AuditLog};
use super::error::AdminError;
use super::tokens::{AdminTokens, Permission};
use super::{AdminState, AuditedAdministration, api};
use crate::identity::administration::Administration;
use crate::server::{HttpService, Peer, check_entry};
use crate::telemetry::MetricsFormat;

/// The routes with what surrounds them. Clones share it.
#[derive(Debug, Clone)]
pub struct AdminRouter(Arc<Surroundings>);

#[derive(Debug)]
struct Surroundings {
    access: Arc<Access>,
    routes: Router,
}

/// What handlers receive.
#[derive(Debug, Clone)]
pub(super) struct Operator {
    access: Arc<Access>,
    state: Arc<AdminState>,
    tokens: AdminTokens,
    audit: AuditLog,
}

impl Operator {
    /// The actor with the token of a request, which must have `permission`.
    pub(super) async fn authorize(
        &self,
        headers: &HeaderMap,
        permission: Permission,
    ) -> Result<Actor, AdminError> {
        let actor = self.access.authorize(headers, permission, &self.tokens);
        actor.await
    }

    /// What the gateway provides.
    pub(super) fn state(&self) -> &AdminState {
        &self.state
    }

    /// The tokens of operators.
    pub(super) fn tokens(&self) -> &AdminTokens {
        &self.tokens
    }

    /// The audit log.
    pub(super) fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// The teams and keys of the configuration in use and of the store.
    pub(super) fn administration(&self) -> Administration {
        let app = self.state.router.app();
        Administration::new(&app.config, Arc::clone(&app.store))
    }

    /// Changes of teams and keys by `actor`.
    pub(super) fn changes_by(&self, actor: Actor) -> AuditedAdministration {
        let app = self.state.router.app();
        AuditedAdministration::new(&app.config, &app.store, actor)
    }
}

impl AdminRouter {
    pub(super) fn new(access: Access, state: Arc<AdminState>) -> Self {
        let access = Arc::new(access);
        // All configurations of a process have the same store.
        let app = state.router.app();
        let operator = Operator {
            access: Arc::clone(&access),
            tokens: AdminTokens::new(Arc::clone(&app.store)),
            audit: AuditLog::new(Arc::clone(&app.store)),
            state,
        };
        let routes = Router::new()
            .route("/healthz", get(alive))
            .route("/metrics", get(metrics))
            .merge(api::routes())
            .fallback(unknown_route)
            .method_not_allowed_fallback(unknown_method)
            .with_state(operator);
        Self(Arc::new(Surroundings { access, routes }))
    }

    async fn respond(&self, request: Request, peer: Peer) -> Result<Response, AdminError> {
        let Self(surroundings) = self;
        check_entry(&request, peer).map_err(|error| {
            let code = error.code.map_or("", |code| code.as_str());
            AdminError::new(error.kind.status(), code, error.message.to_string())
        })?;
        surroundings.access.check_browser(&request)?;
        let handled: Result<Response, Infallible> = surroundings.routes.clone().call(request).await;
        let Ok(response) = handled;
        Ok(response)
    }
}

impl HttpService for AdminRouter {
    async fn serve(&self, request: Request, peer: Peer) -> Response {
        let responded = AssertUnwindSafe(self.respond(request, peer)).catch_unwind();
        let mut response = match responded.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => error.into_response(),
            Err(_) => {
                tracing::error!("internal error: the handler of an operator's request panicked");
                AdminError::internal().into_response()
            }
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// `GET /healthz`
async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /metrics`
async fn metrics(
    State(operator): State<Operator>,
    headers: HeaderMap,
) -> Result<Response, AdminError> {
    let checked = operator.access.check_metrics(&headers, &operator.tokens);
    checked.await?;
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let format = MetricsFormat::accepted(accept.unwrap_or_default());
    let mut response = operator.state.metrics.text(format).into_response();
    let content_type = HeaderValue::from_static(format.content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    Ok(response)
}

async fn unknown_route() -> AdminError {
    AdminError::new(
        404,
        "unknown_url",
        "there is no such route on this listener; clients' routes are on `[server] listen`",
    )
}

async fn unknown_method() -> AdminError {
    AdminError::new(
        405,
        "method_not_allowed",
        "the route does not support this method",
    )
}
