//! Fields that OpenAI's API does not have: the gateway's extensions and the provider's fields.

use serde_json::Number;

use super::types::ImageRequest;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::policy::AllowList;
use crate::endpoints::images::bodies::belongs;
use crate::error::ApiError;
use crate::models::{ImageCapabilities, ImageTask};
use crate::reply::Adjustments;
use crate::wire::json_body;
use crate::wire::note_unknown_field;

/// The maximum number of values in a provider field.
const MAX_VALUES: usize = 1000;

/// The provider's fields among the unknown fields, if the model supports them.
pub(super) fn extra_fields(
    style: Option<String>,
    unknown: Vec<(String, JsonText)>,
    task: ImageTask,
    capabilities: &ImageCapabilities,
    adjustments: &mut Adjustments,
) -> Result<Fields, ApiError> {
    let takes = |name: &str| capabilities.takes(name) && belongs(capabilities.body, name, task);
    let mut extra_fields = Fields::default();
    match style.as_deref() {
        None => {}
        Some("vivid" | "natural") => adjustments.ignored("style"),
        Some(style) if takes("style") => {
            let style = JsonText::of(style).map_err(|_| ApiError::internal())?;
            extra_fields.set("style", style);
        }
        Some(_) => adjustments.ignored("style"),
    }
    for (key, value) in unknown {
        match takes(&key) {
            true => extra_fields.set(&key, value),
            false if value.is_neutral() => {}
            false => note_unknown_field(&key, ImageRequest::FIELDS, adjustments),
        }
    }
    check_values(
        extra_fields
            .iter()
            .map(|(key, value)| (key.to_owned(), value)),
    )?;
    let missing = capabilities
        .needs
        .iter()
        .find(|name| extra_fields.get(name).is_none());
    match missing {
        Some(name) => {
            let message =
                format!("`{name}` is missing; this model requires it in addition to `prompt`");
            Err(ApiError::missing(name.as_str(), message))
        }
        None => Ok(extra_fields),
    }
}

/// Rejects an extension field that the model or the task does not support.
pub(super) fn check_extra_field(
    field: &str,
    task: ImageTask,
    capabilities: &ImageCapabilities,
) -> Result<(), ApiError> {
    if !capabilities.takes(field) {
        let message = format!("this model does not support `{field}`; omit it");
        return Err(ApiError::unsupported(field, message));
    }
    let applies = match field {
        "strength" => task == ImageTask::Vary,
        "mask_prompt" => matches!(task, ImageTask::Inpaint | ImageTask::Outpaint),
        "colors" => task == ImageTask::ColorGuided,
        _ => task != ImageTask::RemoveBackground,
    };
    match applies {
        true => Ok(()),
        false => {
            let message = format!("`{field}` does not apply to this task; omit it");
            Err(ApiError::unsupported(field, message))
        }
    }
}

pub(super) fn additional(fields: Option<Fields>, allowed: &AllowList) -> Result<Fields, ApiError> {
    let fields = fields.unwrap_or_default();
    if let Some((key, _)) = fields.iter().find(|(key, _)| !allowed.allows(key)) {
        return Err(ApiError::unsupported(
            format!("additionalModelRequestFields.{key}"),
            format!("`{key}` is not allowed by the operator of this gateway"),
        ));
    }
    let values = fields.iter();
    check_values(
        values.map(|(key, value)| (format!("additionalModelRequestFields.{key}"), value)),
    )?;
    Ok(fields)
}

/// Rejects fields with too many values, since parsing takes memory for each.
fn check_values<'a>(fields: impl Iterator<Item = (String, &'a JsonText)>) -> Result<(), ApiError> {
    for (path, value) in fields {
        let shape = json_body::scan(value.as_str().as_bytes());
        if shape.map_or(true, |shape| shape.values > MAX_VALUES) {
            let message = format!("`{path}` has more than {MAX_VALUES} values; send fewer");
            return Err(ApiError::invalid(path, message));
        }
    }
    Ok(())
}

pub(super) fn seed(
    seed: Option<i64>,
    task: ImageTask,
    capabilities: &ImageCapabilities,
    adjustments: &mut Adjustments,
) -> Result<Option<u64>, ApiError> {
    let Some(seed) = seed else {
        return Ok(None);
    };
    if !capabilities.takes("seed") || task == ImageTask::RemoveBackground {
        adjustments.ignored("seed");
        return Ok(None);
    }
    match u64::try_from(seed) {
        Ok(number) if number <= capabilities.max_seed => Ok(Some(number)),
        _ => {
            let message = format!(
                "`seed` is {seed}; it must be from 0 to {}",
                capabilities.max_seed
            );
            Err(ApiError::invalid("seed", message))
        }
    }
}

/// The strength of a variation; some models require one.
pub(super) fn strength(
    strength: Option<Number>,
    task: ImageTask,
    capabilities: &ImageCapabilities,
    adjustments: &mut Adjustments,
) -> Result<Option<Number>, ApiError> {
    if strength.is_none() && task == ImageTask::Vary && capabilities.default_strength > 0 {
        let default_strength = f64::from(capabilities.default_strength) / 100.0;
        adjustments.note(
            "strength",
            format!("set to {default_strength}; the model requires a value"),
        );
        return Ok(Number::from_f64(default_strength));
    }
    number("strength", strength)
}

pub(super) fn checked_colors(colors: Vec<String>) -> Result<Vec<String>, ApiError> {
    const MAX_COLORS: usize = 10;
    let is_color = |color: &String| {
        let digits = color.strip_prefix('#').unwrap_or_default();
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if colors.len() > MAX_COLORS {
        let message = format!(
            "`colors` has {} entries; at most {MAX_COLORS} are supported",
            colors.len()
        );
        return Err(ApiError::invalid("colors", message));
    }
    match colors.iter().position(|color| !is_color(color)) {
        Some(index) => {
            let message = "colors must be written as `#rrggbb`";
            Err(ApiError::invalid(format!("colors[{index}]"), message))
        }
        None => Ok(colors),
    }
}

/// A number that is not negative; the provider checks its range.
pub(super) fn number(field: &str, number: Option<Number>) -> Result<Option<Number>, ApiError> {
    match number.as_ref().and_then(Number::as_f64) {
        Some(value) if value < 0.0 => {
            let message = format!("`{field}` is {value}; it must not be negative");
            Err(ApiError::invalid(field, message))
        }
        _ => Ok(number),
    }
}
