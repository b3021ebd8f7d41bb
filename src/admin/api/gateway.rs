use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::errors::{AnyError, ErrorResponse};
use super::request::{MayDoAll, MayReadGateway};
use super::{AdminError, Change, Operator, respond};
use crate::http::ShutdownPhase;
use crate::server::ReloadHandle;

/// The configuration of a gateway.
#[derive(Serialize, ToSchema)]
struct ConfigurationView<'a> {
    /// Defaults, file and environment together, by section. Secrets are `***`.
    #[schema(value_type = Object)]
    configuration: &'a Value,
    /// The state of reloads; `null` if there is no file to reload.
    reload: Option<ReloadView>,
}

/// Which configuration is in use.
#[derive(Serialize, ToSchema)]
struct ReloadView {
    /// The number of the configuration: 1 at the start, one more after each reload.
    generation: u64,
    /// All mistakes of the last attempt to reload it; `null` if it succeeded.
    error: Option<String>,
    /// The changed settings that apply after a restart only.
    pending_restart: Vec<&'static str>,
}

/// The state of a gateway.
#[derive(Serialize, ToSchema)]
struct DrainState {
    /// `draining`, or `closing` once the process ends.
    phase: &'static str,
}

/// Show the configuration
///
/// The effective one: defaults, then the file, then the environment. Secrets are `***`.
#[utoipa::path(
    get,
    path = "/admin/v1/configuration",
    tag = "gateway",
    responses(
        (status = 200, description = "the configuration", body = ConfigurationView<'static>),
        AnyError,
    ),
)]
pub(super) async fn configuration(
    State(operator): State<Operator>,
    _: MayReadGateway,
) -> Result<Response, AdminError> {
    let app = operator.state().router.app();
    let configuration = &app.config.effective;
    let reload = operator.state().reload.as_ref().map(ReloadView::of);
    let view = ConfigurationView {
        configuration,
        reload,
    };
    respond(200, &view)
}

/// Reload the configuration
///
/// As on SIGHUP: all or nothing, while requests are served. Needs the scope `all`.
#[utoipa::path(
    post,
    path = "/admin/v1/reload",
    tag = "gateway",
    responses(
        (status = 200, description = "the configuration is reloaded", body = ReloadView),
        (status = 409, description = "the configuration has mistakes, or no file; the previous one stays in use", body = ErrorResponse),
        AnyError,
    ),
)]
pub(super) async fn reload(
    State(operator): State<Operator>,
    MayDoAll(actor): MayDoAll,
) -> Result<Response, AdminError> {
    let Some(reload) = &operator.state().reload else {
        let message = "the gateway has no configuration file";
        return Err(AdminError::new(409, "not_reloadable", message));
    };
    let before = ReloadView::of(reload);
    if let Err(mistakes) = reload.reload().await {
        return Err(AdminError::new(
            409,
            "invalid_configuration",
            mistakes.to_string(),
        ));
    }
    let after = ReloadView::of(reload);
    let change = Change {
        action: "gateway.reload",
        subject: "gateway",
        before: Some(&before),
        after: Some(&after),
    };
    operator.audit().record(&actor, change).await?;
    respond(200, &after)
}

impl ReloadView {
    fn of(reload: &ReloadHandle) -> Self {
        let state = reload.status().state();
        Self {
            generation: state.generation,
            error: state.error.as_deref().map(str::to_owned),
            pending_restart: state.pending_restart.clone(),
        }
    }
}

/// Drain the gateway
///
/// `/readyz` fails from now on, so that load balancers send no new requests; those that arrive are
/// still served. The process does not end: stop it once nothing is in flight. Needs the scope `all`.
#[utoipa::path(
    post,
    path = "/admin/v1/drain",
    tag = "gateway",
    responses(
        (status = 202, description = "the gateway drains", body = DrainState),
        AnyError,
    ),
)]
pub(super) async fn drain(
    State(operator): State<Operator>,
    MayDoAll(actor): MayDoAll,
) -> Result<Response, AdminError> {
    let shutdown = &operator.state().shutdown;
    let was_serving = shutdown.phase() == ShutdownPhase::Serving;
    shutdown.advance(ShutdownPhase::Draining);
    if was_serving {
        let change = Change {
            action: "gateway.drain",
            subject: "gateway",
            before: None::<&()>,
            after: None::<&()>,
        };
        operator.audit().record(&actor, change).await?;
    }
    let phase = match shutdown.phase() {
        ShutdownPhase::Serving | ShutdownPhase::Draining => "draining",
        ShutdownPhase::Closing | ShutdownPhase::Ending => "closing",
    };
    respond(202, &DrainState { phase })
}
