//! What teams and keys have used of their limits and budgets, and what is left.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::errors::{AnyError, NotFound, ParameterError};
use super::request::{Id, MayReadCallers, Parameters};
use super::{AdminError, Operator, respond, unix_now};
use crate::allowances::check_user_name;
use crate::endpoints::usage::{LevelInfo, levels_of};
use crate::identity::TokenGrant;
use crate::identity::administration::{BudgetFilter, BudgetView};

/// Limits, and what is left of them.
#[derive(Serialize, ToSchema)]
struct LimitStates<'a> {
    /// The organization, the team, the user and the key, as far as something is limited for them.
    /// All of them apply.
    data: Vec<LevelInfo<'a>>,
}

/// Budgets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::admin) struct BudgetList {
    /// The budgets: those of the organization, then of teams and their users, then of keys.
    pub(in crate::admin) data: Vec<BudgetView>,
}

/// Show what is left for a key
///
/// The limits and budgets that apply to requests with the key, as this gateway counts them. Those of
/// a revoked key are those of the organization.
#[utoipa::path(
    get,
    path = "/admin/v1/keys/{id}/limits",
    tag = "keys",
    params(("id" = String, Path, description = "the id or the name of the key")),
    responses(
        (status = 200, description = "the limits", body = LimitStates<'static>),
        ParameterError,
        NotFound,
        AnyError,
    ),
)]
pub(super) async fn of_key(
    State(operator): State<Operator>,
    _: MayReadCallers,
    Id(id): Id,
) -> Result<Response, AdminError> {
    let key = operator.administration().key(&id, unix_now()).await?;
    let app = operator.state().router.app();
    let caller = app.http.callers.of_id(&key.id);
    let data = levels_of(&caller);
    respond(200, &LimitStates { data })
}

/// Show what is left for a team
///
/// The limits and budgets that apply to requests of the team, or of one of its users, as this gateway
/// counts them.
#[utoipa::path(
    get,
    path = "/admin/v1/teams/{name}/limits",
    tag = "teams",
    params(
        ("name" = String, Path, description = "the name of the team"),
        ("user" = Option<String>, Query, description = "also those of this user of the team"),
    ),
    responses(
        (status = 200, description = "the limits", body = LimitStates<'static>),
        ParameterError,
        NotFound,
        AnyError,
    ),
)]
pub(super) async fn of_team(
    State(operator): State<Operator>,
    _: MayReadCallers,
    Id(name): Id,
    mut parameters: Parameters,
) -> Result<Response, AdminError> {
    let user = parameters.take("user", |user| {
        check_user_name(user).map(|()| user.to_owned())
    })?;
    parameters.finish()?;
    let team = operator.administration().team(&name).await?;
    let grant = TokenGrant {
        team: Some(team.name),
        user,
        ..TokenGrant::default()
    };
    let app = operator.state().router.app();
    // A caller without an id of its own has the limits of its team and its user only.
    let caller = app.http.callers.of_token("", &grant);
    let data = levels_of(&caller);
    respond(200, &LimitStates { data })
}

/// List budgets
///
/// With their windows, what ended requests have spent, and what is left. A change of a team or a key
/// changes them.
#[utoipa::path(
    get,
    path = "/admin/v1/budgets",
    tag = "budgets",
    params(
        ("team" = Option<String>, Query, description = "only those of this team, its users and its keys"),
        ("key" = Option<String>, Query, description = "only those of the key with this id or name"),
    ),
    responses(
        (status = 200, description = "the budgets", body = BudgetList),
        ParameterError,
        NotFound,
        AnyError,
    ),
)]
pub(super) async fn budgets(
    State(operator): State<Operator>,
    _: MayReadCallers,
    mut parameters: Parameters,
) -> Result<Response, AdminError> {
    let team = parameters.text("team")?;
    let key = parameters.text("key")?;
    parameters.finish()?;
    if team.is_some() && key.is_some() {
        return Err(AdminError::invalid("key", "choose a team or a key"));
    }
    let filter = BudgetFilter {
        team: team.as_deref(),
        key: key.as_deref(),
    };
    let administration = operator.administration();
    let data = administration.budgets(filter, Timestamp::now()).await?;
    respond(200, &BudgetList { data })
}
