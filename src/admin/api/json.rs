//! Bodies of JSON, and states that have changed since they were read.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::MAX_BODY;
use super::super::error::AdminError;
use super::super::router::Operator;
use super::internal;

/// A body of JSON.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned + Serialize> FromRequest<Operator> for JsonBody<T> {
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
        let json: Value = serde_json::from_slice(&body).map_err(|error| {
            AdminError::new(
                400,
                "invalid_body",
                format!("the body is not JSON: {error}"),
            )
        })?;
        read(&json).map(Self)
    }
}

/// Reads a value of `json`. Members that it does not know are refused.
pub(super) fn read<T: DeserializeOwned + Serialize>(json: &Value) -> Result<T, AdminError> {
    let value: T = serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let message = format!("the body is not valid: {}", error.inner());
        let invalid = AdminError::new(400, "invalid_body", message);
        match path.as_str() {
            "." => invalid,
            _ => invalid.param(path),
        }
    })?;
    let written = serde_json::to_value(&value).map_err(internal)?;
    match unknown_member(json, &written) {
        None => Ok(value),
        Some(path) => {
            let message = "there is no such member, or it is a list instead of an object";
            let unknown = AdminError::new(400, "invalid_body", message);
            Err(match path.as_str() {
                "" => unknown,
                _ => unknown.param(path),
            })
        }
    }
}

/// The path of a part of `json` that was not read as it is: it is not `written` again. An empty
/// member is not written in any case, and has no effect.
fn unknown_member(json: &Value, written: &Value) -> Option<String> {
    match (json, written) {
        (Value::Object(members), Value::Object(known)) => {
            members.iter().find_map(|(name, value)| {
                let Some(known) = known.get(name) else {
                    return (!is_empty(value)).then(|| name.clone());
                };
                let path = unknown_member(value, known)?;
                let separator = if path.is_empty() || path.starts_with('[') {
                    ""
                } else {
                    "."
                };
                Some(format!("{name}{separator}{path}"))
            })
        }
        (Value::Array(items), Value::Array(known)) => {
            let mut items = items.iter().zip(known).enumerate();
            items.find_map(|(index, (item, known))| {
                let path = unknown_member(item, known)?;
                let separator = if path.is_empty() { "" } else { "." };
                Some(format!("[{index}]{separator}{path}"))
            })
        }
        // A list of the values of members can be read, too, and depends on their order.
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// The entity tag of a state: it changes with the state.
pub(super) fn entity_tag(state: &impl Serialize) -> Result<String, AdminError> {
    let json = serde_json::to_vec(state).map_err(internal)?;
    let digest = Sha256::digest(json);
    let half: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(format!("\"{half}\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::allowances::Team;

    #[test]
    fn members_that_do_not_exist_are_refused() {
        for (json, path) in [
            (json!({"rpm": 5}), "rpm"),
            (json!({"user": {"rpm": 5}}), "user.rpm"),
            (json!({"user": []}), "user"),
            (json!({"models": [["a*"]]}), "models[0]"),
            (
                json!({"users": {"ann": {"models": [{"pattern": "*", "rpm": 5}]}}}),
                "users.ann.models[0].rpm",
            ),
        ] {
            let message = "there is no such member, or it is a list instead of an object";
            let expected = AdminError::new(400, "invalid_body", message);
            assert_eq!(read::<Team>(&json), Err(expected.param(path)), "{json}");
        }
        assert!(read::<Team>(&json!([null, null])).is_err());
        let json = json!({
            "allowed_models": [], "requests_per_minute": null, "budgets": [],
            "models": [{"pattern": "a*", "budgets": [{"usd": "5.00", "per": "day", "hard": true}]}],
            "user": {}, "users": {"ann": {}},
        });
        assert!(read::<Team>(&json).is_ok());
    }
}
