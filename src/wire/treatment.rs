//! The treatment of fields that have no counterpart in Bedrock.

use crate::converse::JsonText;
use crate::error::{ApiError, Parameter};
use crate::reply::Adjustments;

/// Rejects a field that Bedrock has no counterpart for and whose effect clients rely on, unless its
/// value is neutral.
pub(crate) fn refuse(field: &str, value: Option<JsonText>, why: &str) -> Result<(), ApiError> {
    match value {
        Some(value) if !value.is_neutral() => Err(ApiError::unsupported(
            field,
            format!("`{field}` is not supported: {why}"),
        )),
        _ => Ok(()),
    }
}

/// Notes a hint that has no effect, unless its value is neutral or `default`, the JSON value for
/// the default behaviour.
pub(crate) fn hint(
    field: impl Into<Parameter>,
    value: Option<JsonText>,
    default: &str,
    adjustments: &mut Adjustments,
) {
    if value.is_some_and(|value| !value.is_neutral() && value.as_str() != default) {
        adjustments.ignored(field);
    }
}
