//! Unknown top-level fields: noted, with a suggestion if they look misspelled.

use std::fmt;

use strsim::osa_distance;

use super::{ClientField, UnknownFields};
use crate::error::{ApiError, Field};
use crate::reply::Adjustments;

/// The maximum edit distance of a suggestion.
const MAX_DISTANCE: usize = 2;

/// The maximum number of keys to compare. A body may have many unknown keys, and only the first
/// are noted by name.
const MAX_COMPARED: usize = 100;

/// The maximum length of a compared name.
const MAX_LENGTH: usize = 64;

/// Notes the top-level keys that are not in `fields`.
pub(crate) fn note_unknown_fields(
    unknown: &UnknownFields,
    fields: &[ClientField],
    adjustments: &mut Adjustments,
) {
    let significant = unknown.iter().filter(|(_, value)| !value.is_neutral());
    for (position, (key, _)) in significant.enumerate() {
        match position < MAX_COMPARED {
            true => note_unknown_field(key, fields, adjustments),
            false => adjustments.ignored(key),
        }
    }
}

/// Notes one unknown key.
pub(crate) fn note_unknown_field(key: &str, fields: &[ClientField], adjustments: &mut Adjustments) {
    match nearest_field(key, fields) {
        Some(field) => adjustments.note(key, format!("ignored, did you mean `{field}`?")),
        None => adjustments.ignored(key),
    }
}

/// A suggestion for the error about a missing `field`, if a key of the request is a misspelling
/// of it.
pub(crate) fn misspelling(unknown: &UnknownFields, field: &str, fields: &[ClientField]) -> String {
    let mut keys = unknown.iter().take(MAX_COMPARED).map(|(key, _)| key);
    match keys.find(|key| nearest_field(key, fields) == Some(field)) {
        Some(key) => format!("; did you mean `{field}` by `{key}`?"),
        None => String::new(),
    }
}

/// The error for a request without `model`.
pub(crate) fn missing_model(unknown: &UnknownFields, fields: &[ClientField]) -> ApiError {
    let misspelling = misspelling(unknown, "model", fields);
    ApiError::missing(
        Field::Model,
        format!("`model` is missing; use a model that GET /v1/models lists{misspelling}"),
    )
}

/// The field that `key` probably means: at most two letters differ, and at most a third of them.
/// Case and separators are ignored, so `maxTokens` matches `max_tokens`.
fn nearest_field(key: &str, fields: &[ClientField]) -> Option<&'static str> {
    if key.len() > MAX_LENGTH {
        return None;
    }
    let letters = letters(key);
    let distances = fields.iter().filter_map(|field| {
        let candidate = self::letters(field.name);
        if letters.len().abs_diff(candidate.len()) > MAX_DISTANCE {
            return None;
        }
        let distance = osa_distance(&letters, &candidate);
        let is_near = distance <= MAX_DISTANCE && distance * 3 <= letters.len();
        is_near.then_some((distance, field.name))
    });
    let (_, name) = distances.min_by_key(|(distance, _)| *distance)?;
    Some(name)
}

fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Notes the unknown keys of an object as ignored; `prefix` is the path before them.
pub(crate) fn note_unknown(
    adjustments: &mut Adjustments,
    unknown: &UnknownFields,
    prefix: impl fmt::Display,
) {
    for (key, value) in unknown {
        if !value.is_neutral() {
            adjustments.ignored(format!("{prefix}{key}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::openai_chat::ChatRequest;

    #[test]
    fn a_misspelled_field_is_recognized() {
        for (key, field) in [
            ("temprature", Some("temperature")),
            ("max_token", Some("max_tokens")),
            ("maxTokens", Some("max_tokens")),
            ("max-completion-tokens", Some("max_completion_tokens")),
            ("tool_chioce", Some("tool_choice")),
            ("strem", Some("stream")),
            ("topP", Some("top_p")),
            ("mesages", Some("messages")),
            ("guardrail_config", Some("guardrailConfig")),
            ("x", None),
            ("min_p", None),
            ("repetition_penalty", None),
            ("reasoning", None),
            ("", None),
        ] {
            assert_eq!(nearest_field(key, ChatRequest::FIELDS), field, "{key}");
        }
    }

    #[test]
    fn names_of_any_length_are_accepted() {
        let long = "temperature".repeat(100_000);
        assert_eq!(nearest_field(&long, ChatRequest::FIELDS), None);
    }
}
