//! The settings of a request that are neither conversation nor tools: translated, refused by
//! name, or noted.

use serde_json::Number;

use super::content::Texts;
use super::types::{ResponseFormat, StreamOptions};
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::request::InferenceConfig;
use crate::fault::Fault;

/// Length and sampling as the client writes them.
pub(super) struct InferenceFields {
    pub(super) max_completion_tokens: Option<i64>,
    pub(super) max_tokens: Option<i64>,
    pub(super) temperature: Option<Number>,
    pub(super) top_p: Option<Number>,
    pub(super) stop: Option<Texts>,
}

/// Length and sampling as Converse takes them, within OpenAI's ranges.
pub(super) fn inference_config(
    fields: InferenceFields,
    adjustments: &mut Adjustments,
) -> Result<InferenceConfig, Fault> {
    let max_tokens = match (fields.max_completion_tokens, fields.max_tokens) {
        (Some(count), _) => Some(token_limit(count, "max_completion_tokens")?),
        (None, Some(count)) => Some(token_limit(count, "max_tokens")?),
        (None, None) => None,
    };
    Ok(InferenceConfig {
        max_tokens,
        temperature: temperature(fields.temperature, adjustments)?,
        top_p: within(fields.top_p, 1.0, "top_p")?,
        stop_sequences: stop_sequences(fields.stop, adjustments),
    })
}

fn token_limit(count: i64, field: &str) -> Result<u32, Fault> {
    match u32::try_from(count) {
        Ok(limit) if (1..=i32::MAX as u32).contains(&limit) => Ok(limit),
        _ => Err(Fault::invalid(
            field,
            format!("`{field}` is {count}, and a limit of tokens is at least 1"),
        )),
    }
}

/// OpenAI's range goes to 2, Bedrock's to 1.
fn temperature(
    temperature: Option<Number>,
    adjustments: &mut Adjustments,
) -> Result<Option<Number>, Fault> {
    let temperature = within(temperature, 2.0, "temperature")?;
    if temperature
        .as_ref()
        .and_then(Number::as_f64)
        .is_some_and(|value| value > 1.0)
    {
        adjustments.note("temperature", "clamped to 1");
        return Ok(Some(Number::from(1)));
    }
    Ok(temperature)
}

fn within(number: Option<Number>, most: f64, field: &str) -> Result<Option<Number>, Fault> {
    let value = number.as_ref().and_then(Number::as_f64);
    if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
        let shown = number.map(|number| number.to_string()).unwrap_or_default();
        return Err(Fault::invalid(
            field,
            format!("`{field}` is {shown}, and its range is 0 to {most}"),
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
        adjustments.note("stop", "empty texts left out");
    }
    texts
}

/// Whether the stream ends with a chunk of usage.
pub(super) fn include_usage(
    stream: bool,
    options: Option<StreamOptions>,
    adjustments: &mut Adjustments,
) -> Result<bool, Fault> {
    let Some(options) = options else {
        return Ok(false);
    };
    if !stream {
        return Err(Fault::invalid(
            "stream_options",
            "`stream_options` is for streams; send `stream: true` with it, or leave it out",
        ));
    }
    let StreamOptions {
        include_usage,
        include_obfuscation: _,
        unknown,
    } = options;
    super::conversation::note_unknown(adjustments, &unknown, "stream_options.");
    Ok(include_usage.unwrap_or(false))
}

/// One answer is served; several come later.
pub(super) fn check_n(n: Option<i64>) -> Result<(), Fault> {
    match n {
        None | Some(1) => Ok(()),
        Some(n) => Err(Fault::unsupported_value(
            "n",
            format!("`n` is {n}, and one answer a request is served; send as many requests"),
        )),
    }
}

/// Text is served; forced forms come later.
pub(super) fn check_response_format(format: Option<ResponseFormat>) -> Result<(), Fault> {
    let Some(ResponseFormat {
        kind,
        json_schema: _,
        unknown: _,
    }) = format
    else {
        return Ok(());
    };
    match kind.as_deref() {
        None | Some("text") => Ok(()),
        Some(kind) => Err(Fault::unsupported_value(
            "response_format",
            format!("`{kind}` is not served yet; offer a tool with the schema and force it"),
        )),
    }
}

/// The kinds of output: text alone.
pub(super) fn check_modalities(modalities: Option<Vec<String>>) -> Result<(), Fault> {
    let other = modalities
        .into_iter()
        .flatten()
        .find(|modality| modality != "text");
    match other {
        None => Ok(()),
        Some(modality) => Err(Fault::unsupported_value(
            "modalities",
            format!("`{modality}` is not something Bedrock answers in chat; ask for `text`"),
        )),
    }
}

/// Refuses a field that Bedrock has no counterpart for and that the client would miss, unless its
/// value asks for nothing.
pub(super) fn refuse(field: &str, value: Option<JsonText>, why: &str) -> Result<(), Fault> {
    match value {
        Some(value) if !value.is_neutral() => Err(Fault::unsupported(
            field,
            format!("`{field}` is not served: {why}"),
        )),
        _ => Ok(()),
    }
}

/// Notes a hint that has no effect, unless its value asks for nothing (`usual` is the word, as
/// JSON, for what happens anyhow).
pub(super) fn hint(
    field: &str,
    value: Option<JsonText>,
    usual: &str,
    adjustments: &mut Adjustments,
) {
    if value.is_some_and(|value| !value.is_neutral() && value.as_str() != usual) {
        adjustments.ignored(field);
    }
}
