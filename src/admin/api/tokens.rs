use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::tokens::{Scope, TokenError, TokenView};
use super::errors::{AnyError, BodyError, NotFound, ParameterError};
use super::json::JsonBody;
use super::request::{Id, MayDoAll, expiry};
use super::{AdminError, Change, Operator, respond, unix_now};

/// A token to create.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct NewToken {
    /// Its name, which the audit log shows.
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// What it may do.
    scope: Scope,
    /// When it expires, as RFC 3339 has it; never without.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// A token that was created.
#[derive(Serialize, ToSchema)]
struct CreatedTokenResponse<'a> {
    /// The token itself, which is shown only now.
    token: &'a str,
    #[serde(flatten)]
    view: &'a TokenView,
}

/// The tokens of operators.
#[derive(Serialize, ToSchema)]
struct TokenList {
    /// The tokens, newest first.
    data: Vec<TokenView>,
}

/// List tokens
///
/// Without the tokens themselves, revoked ones included, newest first. Needs the scope `all`.
#[utoipa::path(
    get,
    path = "/admin/v1/tokens",
    tag = "tokens",
    responses(
        (status = 200, description = "the tokens", body = TokenList),
        AnyError,
    ),
)]
pub(super) async fn list(
    State(operator): State<Operator>,
    _: MayDoAll,
) -> Result<Response, AdminError> {
    let data = operator.tokens().list().await?;
    respond(200, &TokenList { data })
}

/// Create a token
///
/// The token itself is in the response, and nowhere else. Needs the scope `all`.
#[utoipa::path(
    post,
    path = "/admin/v1/tokens",
    tag = "tokens",
    request_body = NewToken,
    responses(
        (status = 201, description = "the token", body = CreatedTokenResponse<'static>),
        BodyError,
        AnyError,
    ),
)]
pub(super) async fn create(
    State(operator): State<Operator>,
    MayDoAll(actor): MayDoAll,
    JsonBody(new): JsonBody<NewToken>,
) -> Result<Response, AdminError> {
    let NewToken {
        name,
        scope,
        expires_at,
    } = new;
    let expires_at = expiry(expires_at.as_deref())?;
    let created = operator
        .tokens()
        .create(&name, scope, expires_at, unix_now())
        .await?;
    let change = Change {
        action: "token.create",
        subject: &created.view.id,
        before: None::<&()>,
        after: Some(&created.view),
    };
    operator.audit().record(&actor, change).await?;
    let response = CreatedTokenResponse {
        token: created.expose(),
        view: &created.view,
    };
    respond(201, &response)
}

/// Revoke a token
///
/// It stops to be valid at once, for good. Needs the scope `all`.
#[utoipa::path(
    delete,
    path = "/admin/v1/tokens/{id}",
    tag = "tokens",
    params(("id" = String, Path, description = "the id of the token")),
    responses(
        (status = 200, description = "the revoked token", body = TokenView),
        ParameterError,
        NotFound,
        AnyError,
    ),
)]
pub(super) async fn revoke(
    State(operator): State<Operator>,
    MayDoAll(actor): MayDoAll,
    Id(id): Id,
) -> Result<Response, AdminError> {
    let revoked = operator.tokens().revoke(&id, unix_now()).await?;
    let view = revoked.ok_or_else(|| AdminError::not_found("there is no such token"))?;
    let change = Change {
        action: "token.revoke",
        subject: &view.id,
        before: None::<&()>,
        after: Some(&view),
    };
    operator.audit().record(&actor, change).await?;
    respond(200, &view)
}

impl From<TokenError> for AdminError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid(field, remedy) => Self::invalid(field, remedy),
            TokenError::Random => {
                tracing::error!("the system has no random numbers for a token");
                Self::internal()
            }
            TokenError::Store(error) => error.into(),
        }
    }
}
