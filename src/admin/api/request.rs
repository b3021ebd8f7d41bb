//! What handlers receive: the actor with its permission, ids, preconditions, and parameters of
//! queries.

use axum::extract::{FromRequestParts, Path};
use http::header::IF_MATCH;
use http::request::Parts;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::audit::Actor;
use super::super::error::AdminError;
use super::super::router::Operator;
use super::super::tokens::Permission;
use crate::http::query;

/// The maximum length of an id or a name in a path.
const MAX_ID: usize = 256;

/// The holder of the request's token may read what is not about teams, keys and usage.
pub(super) struct MayReadGateway;

/// The holder of the request's token may read teams, keys and usage.
pub(super) struct MayReadCallers;

/// An actor that may change teams and keys.
pub(super) struct MayChangeCallers(pub(super) Actor);

/// An actor that may do everything.
pub(super) struct MayDoAll(pub(super) Actor);

impl FromRequestParts<Operator> for MayReadGateway {
    type Rejection = AdminError;

    async fn from_request_parts(
        parts: &mut Parts,
        operator: &Operator,
    ) -> Result<Self, AdminError> {
        let actor = operator.authorize(&parts.headers, Permission::ReadGateway);
        actor.await.map(|_| Self)
    }
}

impl FromRequestParts<Operator> for MayReadCallers {
    type Rejection = AdminError;

    async fn from_request_parts(
        parts: &mut Parts,
        operator: &Operator,
    ) -> Result<Self, AdminError> {
        let actor = operator.authorize(&parts.headers, Permission::ReadCallers);
        actor.await.map(|_| Self)
    }
}

impl FromRequestParts<Operator> for MayChangeCallers {
    type Rejection = AdminError;

    async fn from_request_parts(
        parts: &mut Parts,
        operator: &Operator,
    ) -> Result<Self, AdminError> {
        let actor = operator.authorize(&parts.headers, Permission::ChangeCallers);
        actor.await.map(Self)
    }
}

impl FromRequestParts<Operator> for MayDoAll {
    type Rejection = AdminError;

    async fn from_request_parts(
        parts: &mut Parts,
        operator: &Operator,
    ) -> Result<Self, AdminError> {
        let actor = operator.authorize(&parts.headers, Permission::Administer);
        actor.await.map(Self)
    }
}

/// The id or the name in a path.
pub(super) struct Id(pub(super) String);

impl FromRequestParts<Operator> for Id {
    type Rejection = AdminError;

    async fn from_request_parts(
        parts: &mut Parts,
        operator: &Operator,
    ) -> Result<Self, AdminError> {
        let id = Path::<String>::from_request_parts(parts, operator).await;
        match id {
            Ok(Path(id)) if id.len() <= MAX_ID => Ok(Self(id)),
            _ => Err(AdminError::invalid("id", "not an id")),
        }
    }
}

/// The states that a change is meant for; `None` for any.
pub(super) struct IfMatch(Option<String>);

impl FromRequestParts<Operator> for IfMatch {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, _: &Operator) -> Result<Self, AdminError> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(Self(None));
        };
        match value.to_str() {
            Ok(value) => Ok(Self(Some(value.to_owned()))),
            Err(_) => Err(AdminError::invalid(
                "if-match",
                "send the `etag` of a response",
            )),
        }
    }
}

impl IfMatch {
    /// Checks that the state with `etag` is one of them.
    pub(super) fn check(&self, etag: &str) -> Result<(), AdminError> {
        let Self(Some(expected)) = self else {
            return Ok(());
        };
        let mut expected = expected.split(',').map(str::trim);
        match expected.any(|expected| expected == "*" || expected == etag) {
            true => Ok(()),
            false => Err(AdminError::new(
                412,
                "changed_meanwhile",
                "it was changed meanwhile; read it again, and try again",
            )),
        }
    }
}

/// The parameters of a query, each at most once.
pub(super) struct Parameters(Vec<(String, String)>);

impl FromRequestParts<Operator> for Parameters {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, _: &Operator) -> Result<Self, AdminError> {
        Ok(Self(query(&parts.uri).collect()))
    }
}

impl Parameters {
    /// Removes a parameter, which is read by `read`; the error of `read` is the remedy.
    pub(super) fn take<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, AdminError> {
        let Some(position) = self.0.iter().position(|(known, _)| known == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.swap_remove(position);
        let read = read(&value).map(Some);
        read.map_err(|remedy| AdminError::invalid(name, remedy))
    }

    /// Removes a parameter that may have any value.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, AdminError> {
        self.take(name, |text| Ok(text.to_owned()))
    }

    /// Refuses the parameters that are left.
    pub(super) fn finish(self) -> Result<(), AdminError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(64).collect();
                let message = "there is no such parameter, or it is given twice";
                Err(AdminError::new(400, "invalid_parameter", message).param(name))
            }
        }
    }
}

/// A number from 1 to `max`.
pub(super) fn limit(text: &str, max: u32) -> Result<u32, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| format!("write a whole number from 1 to {max}"))
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "write true or false".to_owned())
}

/// The time of the field `expires_at` in Unix seconds.
pub(super) fn expiry(text: Option<&str>) -> Result<Option<i64>, AdminError> {
    let time = text.map(|text| OffsetDateTime::parse(text, &Rfc3339));
    let time = time.transpose().map_err(|_| {
        let remedy = "write a time such as \"2027-01-31T00:00:00Z\"";
        AdminError::invalid("expires_at", remedy)
    })?;
    Ok(time.map(OffsetDateTime::unix_timestamp))
}
