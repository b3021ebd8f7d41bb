use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::errors::{AnyError, NotFound, ParameterError};
use super::request::{MayReadCallers, Parameters};
use super::{AdminError, Operator, respond};
use crate::identity::administration::{BudgetFilter, BudgetView};

/// Budgets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::admin) struct BudgetList {
    /// The budgets: those of the organization, then of teams and their users, then of keys.
    pub(in crate::admin) data: Vec<BudgetView>,
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
pub(super) async fn list(
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
