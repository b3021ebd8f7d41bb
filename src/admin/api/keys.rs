use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value};

use super::bodies::{CreatedKeyBody, KeySettingsBody, NewKeyBody, Page, RotationBody};
use super::errors::{AnyError, BodyError, ChangedMeanwhile, Conflict, NotFound, ParameterError};
use super::json::{JsonBody, entity_tag, read};
use super::request::{Id, IfMatch, MayChangeCallers, MayReadCallers, Parameters, flag, limit};
use super::{
    AdminError, MAX_PAGE, Operator, PAGE, internal, merge, respond, respond_with_tag, unix_now,
};
use crate::identity::administration::{
    AdministrationError, KeyFilter, KeySettings, KeyView, NewKey, Subject,
};

/// The maximum time for which a rotated key stays valid: 90 days.
const MAX_OVERLAP: u64 = 90 * 24 * 60 * 60;

/// List keys
///
/// Without the keys themselves: those of the configuration, then those of the store, oldest first.
#[utoipa::path(
    get,
    path = "/admin/v1/keys",
    tag = "keys",
    params(
        ("team" = Option<String>, Query, description = "only keys of this team"),
        ("revoked" = Option<bool>, Query, description = "whether revoked keys are included"),
        ("after" = Option<String>, Query, description = "only keys after the one with this id"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "the size of the page, 100 by default"),
    ),
    responses((status = 200, description = "a page", body = Page<KeyView>), ParameterError, AnyError),
)]
pub(super) async fn list(
    State(operator): State<Operator>,
    _: MayReadCallers,
    mut parameters: Parameters,
) -> Result<Response, AdminError> {
    let team = parameters.text("team")?;
    let with_revoked = parameters.take("revoked", flag)?.unwrap_or_default();
    let after = parameters.text("after")?;
    let page = parameters.take("limit", |text| limit(text, MAX_PAGE))?;
    parameters.finish()?;
    let filter = KeyFilter {
        team: team.as_deref(),
        with_revoked,
    };
    let page = page.unwrap_or(PAGE);
    let administration = operator.administration();
    let keys = administration.key_page(filter, after.as_deref(), page + 1, unix_now());
    respond(200, &Page::of(keys.await?, page))
}

/// Create a key
///
/// The key itself is in the response, and nowhere else. Gateways accept it at once.
#[utoipa::path(
    post,
    path = "/admin/v1/keys",
    tag = "keys",
    request_body = NewKeyBody,
    responses(
        (status = 201, description = "the key", body = CreatedKeyBody),
        BodyError,
        Conflict,
        AnyError,
    ),
)]
pub(super) async fn create(
    State(operator): State<Operator>,
    MayChangeCallers(actor): MayChangeCallers,
    JsonBody(new): JsonBody<NewKeyBody>,
) -> Result<Response, AdminError> {
    let NewKeyBody {
        name,
        team,
        user,
        allowance,
        chat,
        tags,
        expires_at,
    } = new;
    let settings = KeySettingsBody {
        allowance,
        chat,
        tags,
        expires_at,
    };
    let new = NewKey {
        name,
        team,
        user,
        settings: settings.settings()?,
    };
    let created = operator.changes_by(actor).create_key(new, unix_now()).await;
    let created = created.map_err(|error| match error {
        AdministrationError::NotFound(Subject::Team, team) => {
            AdminError::invalid("team", format!("there is no team `{team}`"))
        }
        error => error.into(),
    })?;
    respond(201, &CreatedKeyBody::from(created.value))
}

/// Show a key
///
/// Without the key itself.
#[utoipa::path(
    get,
    path = "/admin/v1/keys/{id}",
    tag = "keys",
    params(("id" = String, Path, description = "the id or the name of the key")),
    responses(
        (
            status = 200,
            description = "the key",
            body = KeyView,
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
    Id(id): Id,
) -> Result<Response, AdminError> {
    let key = operator.administration().key(&id, unix_now()).await?;
    respond_key(&key)
}

/// Change a key
///
/// The body is a JSON Merge Patch (RFC 7396) of `allowance`, `chat`, `tags` and `expires_at`: what
/// is left out stays as it is, `null` removes, and lists are replaced as a whole. With `if-match`,
/// nothing is changed if somebody else has changed the key meanwhile.
#[utoipa::path(
    patch,
    path = "/admin/v1/keys/{id}",
    tag = "keys",
    params(
        ("id" = String, Path, description = "the id or the name of the key"),
        ("if-match" = Option<String>, Header, description = "the `etag` of the state that is changed"),
    ),
    request_body(
        content = Object,
        example = json!({
            "allowance": {
                "requests_per_minute": 60,
                "tokens_per_minute": null,
                "budgets": [{
                    "usd": "12.50",
                    "per": "month",
                    "increase": {"usd": "5", "until": "2027-01-31T00:00:00Z"},
                }],
            },
            "tags": {"cost-center": "42"},
        }),
    ),
    responses(
        (
            status = 200,
            description = "the changed key",
            body = KeyView,
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
    Id(id): Id,
    expected: IfMatch,
    JsonBody(patch): JsonBody<Map<String, Value>>,
) -> Result<Response, AdminError> {
    let change = |settings: &mut KeySettings| {
        let body = KeySettingsBody::of_settings(settings);
        expected.check(&entity_tag(&body)?)?;
        let mut json = serde_json::to_value(&body).map_err(internal)?;
        merge(&mut json, Value::Object(patch));
        *settings = read::<KeySettingsBody>(&json)?.settings()?;
        Ok::<_, AdminError>(())
    };
    let changed = operator.changes_by(actor);
    let changed = changed.change_key(&id, change, unix_now()).await?;
    respond_key(&changed.value)
}

/// Rotate a key
///
/// A new key with the same id, limits and budgets. The replaced one stays valid for a time, so that
/// clients can change over without an interruption.
#[utoipa::path(
    post,
    path = "/admin/v1/keys/{id}/rotate",
    tag = "keys",
    params(("id" = String, Path, description = "the id or the name of the key")),
    request_body = RotationBody,
    responses(
        (status = 200, description = "the new key", body = CreatedKeyBody),
        BodyError,
        NotFound,
        Conflict,
        AnyError,
    ),
)]
pub(super) async fn rotate(
    State(operator): State<Operator>,
    MayChangeCallers(actor): MayChangeCallers,
    Id(id): Id,
    JsonBody(RotationBody { overlap_seconds }): JsonBody<RotationBody>,
) -> Result<Response, AdminError> {
    if overlap_seconds > MAX_OVERLAP {
        let remedy = format!("write a whole number from 0 to {MAX_OVERLAP}");
        return Err(AdminError::invalid("overlap_seconds", remedy));
    }
    let overlap = Duration::from_secs(overlap_seconds);
    let changes = operator.changes_by(actor);
    let rotated = changes.rotate_key(&id, overlap, unix_now()).await?;
    respond(200, &CreatedKeyBody::from(rotated.value))
}

/// Revoke a key
///
/// Gateways refuse it within a second, for good. It stays in the list of revoked keys.
#[utoipa::path(
    post,
    path = "/admin/v1/keys/{id}/revoke",
    tag = "keys",
    params(("id" = String, Path, description = "the id or the name of the key")),
    responses(
        (status = 200, description = "the revoked key", body = KeyView),
        ParameterError,
        NotFound,
        Conflict,
        AnyError,
    ),
)]
pub(super) async fn revoke(
    State(operator): State<Operator>,
    MayChangeCallers(actor): MayChangeCallers,
    Id(id): Id,
) -> Result<Response, AdminError> {
    let changes = operator.changes_by(actor);
    let revoked = changes.revoke_key(&id, unix_now()).await?;
    respond(200, &revoked.value)
}

fn respond_key(key: &KeyView) -> Result<Response, AdminError> {
    let tag = entity_tag(&KeySettingsBody::of_view(key))?;
    respond_with_tag(key, &tag)
}
