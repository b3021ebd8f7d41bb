//! The parameters of a request other than messages and tools: each is translated, rejected or
//! noted.

use serde_json::Number;

use super::types::{ChatRequest, StreamOptions};
use crate::converse::request::InferenceConfig;
use crate::converse::translation::ChatOptions;
use crate::error::{ApiError, Field, Parameter, Sentence};
use crate::reply::Adjustments;
use crate::wire::Texts;
use crate::wire::UnknownFields;
use crate::wire::misspelling;

/// The client's token limits, sampling parameters and stop sequences.
pub(super) struct InferenceFields {
    pub(super) max_completion_tokens: Option<i64>,
    pub(super) max_tokens: Option<i64>,
    pub(super) temperature: Option<Number>,
    pub(super) top_p: Option<Number>,
    pub(super) stop: Option<Texts>,
}

/// The `inferenceConfig` of Converse, checked against OpenAI's ranges.
pub(super) fn inference_config(
    fields: InferenceFields,
    options: &ChatOptions,
    adjustments: &mut Adjustments,
) -> Result<InferenceConfig, ApiError> {
    let InferenceFields {
        max_completion_tokens,
        max_tokens,
        temperature,
        top_p,
        stop,
    } = fields;
    Ok(InferenceConfig {
        max_tokens: effective_max_tokens(max_completion_tokens, max_tokens, options, adjustments)?,
        temperature: within(temperature, 2.0, Field::Temperature)?,
        top_p: within(top_p, 1.0, Field::TopP)?,
        stop_sequences: stop_sequences(stop, adjustments),
    })
}

/// The maximum output tokens, from the request's two fields and the operator's options.
pub(super) fn effective_max_tokens(
    max_completion_tokens: Option<i64>,
    max_tokens: Option<i64>,
    options: &ChatOptions,
    adjustments: &mut Adjustments,
) -> Result<Option<u32>, ApiError> {
    let (requested, field) = match (max_completion_tokens, max_tokens) {
        (Some(count), _) => (Some(count), Field::MaxCompletionTokens),
        (None, count) => (count, Field::MaxTokens),
    };
    if let (Some(count), Some(older)) = (max_completion_tokens, max_tokens)
        && count != older
    {
        adjustments.note(
            Field::MaxTokens,
            Sentence::naming("ignored; `{}` takes precedence", Field::MaxCompletionTokens),
        );
    }
    let requested = requested
        .map(|count| token_limit(count, &field))
        .transpose()?;
    let ceiling = options.max_tokens_ceiling.unwrap_or(u32::MAX);
    Ok(match requested {
        Some(limit) if limit > ceiling => {
            adjustments.note(
                field,
                format!("lowered to {ceiling}; the operator's maximum"),
            );
            Some(ceiling)
        }
        Some(limit) => Some(limit),
        None => options
            .default_max_tokens
            .or(options.max_tokens_ceiling)
            .map(|limit| limit.min(ceiling)),
    })
}

fn token_limit(count: i64, field: &Field) -> Result<u32, ApiError> {
    match u32::try_from(count) {
        Ok(limit) if (1..=i32::MAX as u32).contains(&limit) => Ok(limit),
        _ => Err(ApiError::invalid(
            field.clone(),
            Sentence::about(
                field.clone(),
                format!(" is {count}; it must be between 1 and {}", i32::MAX),
            ),
        )),
    }
}

fn within(number: Option<Number>, max: f64, field: Field) -> Result<Option<Number>, ApiError> {
    between(number, 0.0, max, field)
}

/// Checks that a number is between `min` and `max`.
pub(super) fn between(
    number: Option<Number>,
    min: f64,
    max: f64,
    field: impl Into<Parameter>,
) -> Result<Option<Number>, ApiError> {
    let value = number.as_ref().and_then(Number::as_f64);
    if value.is_some_and(|value| !(min..=max).contains(&value)) {
        let field = field.into();
        let text = number.map(|number| number.to_string()).unwrap_or_default();
        return Err(ApiError::invalid(
            &field,
            Sentence::about(
                &field,
                format!(" is {text}; it must be between {min} and {max}"),
            ),
        ));
    }
    Ok(number)
}

fn stop_sequences(stop: Option<Texts>, adjustments: &mut Adjustments) -> Vec<String> {
    let Some(Texts(mut texts)) = stop else {
        return Vec::new();
    };
    let count = texts.len();
    texts.retain(|text| !text.is_empty());
    if texts.len() < count {
        adjustments.note(Field::StopSequences, "empty strings removed");
    }
    texts
}

/// Whether the stream ends with a chunk with usage.
pub(super) fn include_usage(
    stream: bool,
    options: Option<StreamOptions>,
    adjustments: &mut Adjustments,
) -> Result<bool, ApiError> {
    let Some(options) = options else {
        return Ok(false);
    };
    if !stream {
        return Err(ApiError::invalid(
            "stream_options",
            "`stream_options` requires `stream: true`; set it or remove `stream_options`",
        ));
    }
    let StreamOptions {
        include_usage,
        include_obfuscation: _,
        unknown,
    } = options;
    crate::wire::note_unknown(adjustments, &unknown, "stream_options.");
    Ok(include_usage.unwrap_or(false))
}

/// The number of choices.
pub(super) fn choices(n: Option<i64>, max: u32) -> Result<u32, ApiError> {
    let Some(n) = n else {
        return Ok(1);
    };
    match u32::try_from(n) {
        Ok(choices) if (1..=max).contains(&choices) => Ok(choices),
        _ => Err(ApiError::unsupported_value(
            Field::Choices,
            Sentence::about(
                Field::Choices,
                format!(" is {n}; this gateway accepts 1 to {max}"),
            ),
        )),
    }
}

/// Checks that text is the only requested output modality.
pub(super) fn check_modalities(modalities: Option<Vec<String>>) -> Result<(), ApiError> {
    let other = modalities
        .into_iter()
        .flatten()
        .find(|modality| modality != "text");
    match other {
        None => Ok(()),
        Some(modality) => Err(ApiError::unsupported_value(
            "modalities",
            format!("`{modality}` output is not supported; use `text`"),
        )),
    }
}

/// The error for a request without messages.
pub(super) fn no_messages(unknown: &UnknownFields) -> ApiError {
    let misspelling = misspelling(unknown, "messages", ChatRequest::FIELDS);
    ApiError::invalid(
        Field::Messages,
        Sentence::about(
            Field::Messages,
            format!(" is empty or missing; send at least one message{misspelling}"),
        ),
    )
}
