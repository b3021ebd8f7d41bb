//! Fields that OpenAI's API does not have: ours, and those of the model's provider.

use serde_json::Number;

use super::types::ImageRequest;
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::ApiError;
use crate::json_body;
use crate::models::{ImageCapabilities, ImageTask};
use crate::openai::chat::AllowList;
use crate::openai::typo::note_unknown_field;
use crate::providers::images::belongs;

/// How many values a field of the provider's may have.
const MAX_VALUES: usize = 1000;

/// The provider's own fields that stand among OpenAI's, as far as the model takes them.
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
            let message = format!("`{name}` is missing; this model needs it beside `prompt`");
            Err(ApiError::missing(name.as_str(), message))
        }
        None => Ok(extra_fields),
    }
}

/// Refuses a field of ours that the model, or what it does, has no place for.
pub(super) fn check_extra_field(
    field: &str,
    task: ImageTask,
    capabilities: &ImageCapabilities,
) -> Result<(), ApiError> {
    if !capabilities.takes(field) {
        let message = format!("`{field}` is not served: this model takes none");
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
            let message = format!("`{field}` has no place in what is asked for; leave it out");
            Err(ApiError::unsupported(field, message))
        }
    }
}

pub(super) fn additional(fields: Option<Fields>, allowed: &AllowList) -> Result<Fields, ApiError> {
    let fields = fields.unwrap_or_default();
    if let Some((key, _)) = fields.iter().find(|(key, _)| !allowed.allows(key)) {
        return Err(ApiError::unsupported(
            format!("additionalModelRequestFields.{key}"),
            format!("the operator of this gateway does not let `{key}` pass"),
        ));
    }
    let values = fields.iter();
    check_values(
        values.map(|(key, value)| (format!("additionalModelRequestFields.{key}"), value)),
    )?;
    Ok(fields)
}

/// Refuses fields of very many values: they are taken apart, which takes memory for each.
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
                "`seed` is {seed}, and its range is 0 to {}",
                capabilities.max_seed
            );
            Err(ApiError::invalid("seed", message))
        }
    }
}

/// How much changes; some models have to be told.
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
            format!("{default_strength}, since this model has to be told one"),
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
            "there are {} colors, and {MAX_COLORS} are the most",
            colors.len()
        );
        return Err(ApiError::invalid("colors", message));
    }
    match colors.iter().position(|color| !is_color(color)) {
        Some(index) => {
            let message = "a color is written `#rrggbb`";
            Err(ApiError::invalid(format!("colors[{index}]"), message))
        }
        None => Ok(colors),
    }
}

/// A number that is none below zero; its range is the provider's business.
pub(super) fn number(field: &str, number: Option<Number>) -> Result<Option<Number>, ApiError> {
    match number.as_ref().and_then(Number::as_f64) {
        Some(value) if value < 0.0 => {
            let message = format!("`{field}` is {value}, and it is not below 0");
            Err(ApiError::invalid(field, message))
        }
        _ => Ok(number),
    }
}
