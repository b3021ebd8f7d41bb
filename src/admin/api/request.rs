//! What handlers receive: the actor with its permission, JSON bodies, ids and parameters of queries.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::super::MAX_BODY;
use super::super::audit::Actor;
use super::super::error::AdminError;
use super::super::router::Operator;
use super::super::tokens::Scope;
use crate::http::query;

/// The maximum length of an id or a name in a path.
const MAX_ID: usize = 256;

/// The holder of the request's token may read.
pub(super) struct MayRead;

/// An actor that may do everything.
pub(super) struct MayDoAll(pub(super) Actor);

impl FromRequestParts<Operator> for MayRead {
    type Rejection = AdminError;

    async fn from_request_parts(
        parts: &mut Parts,
        operator: &Operator,
    ) -> Result<Self, AdminError> {
        let actor = operator.authorize(&parts.headers, Scope::Read).await;
        actor.map(|_| Self)
    }
}

impl FromRequestParts<Operator> for MayDoAll {
    type Rejection = AdminError;

    async fn from_request_parts(
        parts: &mut Parts,
        operator: &Operator,
    ) -> Result<Self, AdminError> {
        let actor = operator.authorize(&parts.headers, Scope::All).await;
        actor.map(Self)
    }
}

/// A body of JSON.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Operator> for JsonBody<T> {
    type Rejection = AdminError;

    async fn from_request(request: Request, _: &Operator) -> Result<Self, AdminError> {
        let body = to_bytes(request.into_body(), MAX_BODY).await;
        let body = body.map_err(|_| {
            AdminError::new(
                413,
                "request_too_large",
                "the body is too large or incomplete",
            )
        })?;
        let mut deserializer = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let message = format!("the body is not valid: {}", error.inner());
            AdminError::new(400, "invalid_body", message).param(path)
        })?;
        deserializer.end().map_err(|error| {
            AdminError::new(
                400,
                "invalid_body",
                format!("the body is not JSON: {error}"),
            )
        })?;
        Ok(Self(value))
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
