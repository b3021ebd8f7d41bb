use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value};

use super::bodies::{NewTeam, Page};
use super::errors::{AnyError, BodyError, ChangedMeanwhile, Conflict, NotFound, ParameterError};
use super::json::{JsonBody, entity_tag, read};
use super::request::{Id, IfMatch, MayChangeCallers, MayReadCallers, Parameters, limit};
use super::{
    AdminError, MAX_PAGE, Operator, PAGE, internal, merge, respond, respond_with_tag, unix_now,
};
use crate::allowances::Team;
use crate::identity::administration::TeamView;

/// List teams
///
/// By name, those of the configuration included.
#[utoipa::path(
    get,
    path = "/admin/v1/teams",
    tag = "teams",
    params(
        ("after" = Option<String>, Query, description = "only teams after the one with this name"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "the size of the page, 100 by default"),
    ),
    responses((status = 200, description = "a page", body = Page<TeamView>), ParameterError, AnyError),
)]
pub(super) async fn list(
    State(operator): State<Operator>,
    _: MayReadCallers,
    mut parameters: Parameters,
) -> Result<Response, AdminError> {
    let after = parameters.text("after")?;
    let page = parameters.take("limit", |text| limit(text, MAX_PAGE))?;
    parameters.finish()?;
    let page = page.unwrap_or(PAGE);
    let administration = operator.administration();
    let teams = administration.team_page(after.as_deref(), page + 1);
    respond(200, &Page::of(teams.await?, page))
}

/// Create a team
///
/// With limits and budgets of the team, of each of its users (`user`), and of single users
/// (`users`).
#[utoipa::path(
    post,
    path = "/admin/v1/teams",
    tag = "teams",
    request_body = NewTeam<'static>,
    responses(
        (status = 201, description = "the team", body = TeamView),
        BodyError,
        Conflict,
        AnyError,
    ),
)]
pub(super) async fn create(
    State(operator): State<Operator>,
    MayChangeCallers(actor): MayChangeCallers,
    JsonBody(mut body): JsonBody<Map<String, Value>>,
) -> Result<Response, AdminError> {
    let Some(Value::String(name)) = body.remove("name") else {
        return Err(AdminError::invalid("name", "write the name of the team"));
    };
    let team: Team = read(&Value::Object(body))?;
    let changes = operator.changes_by(actor);
    let created = changes.create_team(&name, team, unix_now()).await?;
    respond(201, &created.value)
}

/// Show a team
///
/// With its limits and budgets.
#[utoipa::path(
    get,
    path = "/admin/v1/teams/{name}",
    tag = "teams",
    params(("name" = String, Path, description = "the name of the team")),
    responses(
        (
            status = 200,
            description = "the team",
            body = TeamView,
            headers(("etag" = String, description = "for `if-match` of a change")),
        ),
        ParameterError,
        NotFound,
        AnyError,
    ),
)]
pub(super) async fn show(
    State(operator): State<Operator>,
    _: MayReadCallers,
    Id(name): Id,
) -> Result<Response, AdminError> {
    let team = operator.administration().team(&name).await?;
    respond_team(&team)
}

/// Change a team
///
/// The body is a JSON Merge Patch (RFC 7396) of limits and budgets: what is left out stays as it
/// is, `null` removes, and lists are replaced as a whole. With `if-match`, nothing is changed if
/// somebody else has changed the team meanwhile.
#[utoipa::path(
    patch,
    path = "/admin/v1/teams/{name}",
    tag = "teams",
    params(
        ("name" = String, Path, description = "the name of the team"),
        ("if-match" = Option<String>, Header, description = "the `etag` of the state that is changed"),
    ),
    request_body(
        content = Object,
        example = json!({
            "requests_per_minute": 600,
            "budgets": [{"usd": "500", "per": "month"}, {"usd": "50", "per": "day"}],
            "models": [{"pattern": "*opus*", "tokens_per_minute": 100_000}],
            "user": {"requests_per_minute": 60},
            "users": {"ann@example.com": {"requests_per_minute": 120}, "bob@example.com": null},
        }),
    ),
    responses(
        (
            status = 200,
            description = "the changed team",
            body = TeamView,
            headers(("etag" = String, description = "for `if-match` of the next change")),
        ),
        BodyError,
        NotFound,
        Conflict,
        ChangedMeanwhile,
        AnyError,
    ),
)]
pub(super) async fn change(
    State(operator): State<Operator>,
    MayChangeCallers(actor): MayChangeCallers,
    Id(name): Id,
    expected: IfMatch,
    JsonBody(patch): JsonBody<Map<String, Value>>,
) -> Result<Response, AdminError> {
    let change = |team: &mut Team| {
        expected.check(&entity_tag(team)?)?;
        let mut json = serde_json::to_value(&*team).map_err(internal)?;
        merge(&mut json, Value::Object(patch));
        *team = read(&json)?;
        Ok::<_, AdminError>(())
    };
    let changes = operator.changes_by(actor);
    let changed = changes.change_team(&name, change).await?;
    respond_team(&changed.value)
}

/// Delete a team
///
/// Refused while it has keys that can be used.
#[utoipa::path(
    delete,
    path = "/admin/v1/teams/{name}",
    tag = "teams",
    params(("name" = String, Path, description = "the name of the team")),
    responses(
        (status = 200, description = "the deleted team", body = TeamView),
        ParameterError,
        NotFound,
        Conflict,
        AnyError,
    ),
)]
pub(super) async fn delete(
    State(operator): State<Operator>,
    MayChangeCallers(actor): MayChangeCallers,
    Id(name): Id,
) -> Result<Response, AdminError> {
    let changes = operator.changes_by(actor);
    let deleted = changes.delete_team(&name, unix_now()).await?;
    respond(200, &deleted.value)
}

fn respond_team(team: &TeamView) -> Result<Response, AdminError> {
    respond_with_tag(team, &entity_tag(&team.team)?)
}
