//! Errors for operators: one JSON form with a code, a message and the parameter.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::identity::administration::AdministrationError;
use crate::store::StoreError;

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AdminError {
    status: u16,
    code: &'static str,
    message: Cow<'static, str>,
    param: Option<Cow<'static, str>>,
}

/// The JSON of an error.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorFields<'a>,
}

#[derive(Serialize)]
struct ErrorFields<'a> {
    code: &'a str,
    message: &'a str,
    param: Option<&'a str>,
}

impl AdminError {
    pub(super) fn new(
        status: u16,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            param: None,
        }
    }

    /// A wrong value of a field or a parameter: what to write instead.
    pub(super) fn invalid(param: &'static str, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "invalid_value", remedy).param(param)
    }

    /// Nothing has the id or the name of the path.
    pub(super) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(404, "not_found", message)
    }

    /// Names the field or the parameter that is wrong.
    pub(super) fn param(self, param: impl Into<Cow<'static, str>>) -> Self {
        Self {
            param: Some(param.into()),
            ..self
        }
    }

    /// A failure that the log explains.
    pub(super) fn internal() -> Self {
        Self::new(500, "internal_error", "internal error; see the log")
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "error of the store");
        let message = "the store is not available; try again";
        Self::new(503, "store_unavailable", message)
    }
}

impl From<AdministrationError> for AdminError {
    fn from(error: AdministrationError) -> Self {
        use AdministrationError::{
            Conflict, Invalid, NameInUse, NotFound, OwnedByFile, Random, Store,
        };
        let message = error.to_string();
        match error {
            Invalid {
                field,
                problem,
                remedy,
            } => Self::invalid(field, format!("{problem}; {remedy}")),
            NotFound(subject, name) => {
                Self::not_found(format!("there is no {} `{name}`", subject.as_str()))
            }
            NameInUse(..) => Self::new(409, "name_in_use", message).param("name"),
            OwnedByFile(..) => Self::new(409, "owned_by_configuration", message),
            Conflict(_) => Self::new(409, "conflict", message),
            Random(_) => {
                tracing::error!(error = message, "a key cannot be generated");
                Self::internal()
            }
            Store(error) => error.into(),
        }
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: ErrorFields {
                code: self.code,
                message: &self.message,
                param: self.param.as_deref(),
            },
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
