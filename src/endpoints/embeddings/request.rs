//! Translates a request to the calls of its model.

use super::input::EmbeddingInputReader;
use super::types::EmbeddingsRequest;
use crate::converse::media::RemoteFiles;
use crate::endpoints::embeddings::bodies::{EmbeddingCall, EmbeddingParameters, calls};
use crate::error::ApiError;
use crate::models::{EmbeddingCapabilities, Purpose, Tokenizer, Truncation};
use crate::reply::Adjustments;
use crate::wire::{Words, misspelling, note_unknown_fields};

/// The model's capabilities, and the defaults of the request.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingContext<'a> {
    /// What the model supports.
    pub capabilities: &'a EmbeddingCapabilities,
    /// The default purpose.
    pub purpose: Purpose,
    /// The default tokenizer.
    pub tokenizer: Tokenizer,
    /// The files fetched from the URLs in the request.
    pub fetched: &'a RemoteFiles,
}

/// A translated request.
#[derive(Debug)]
pub struct TranslatedEmbeddings {
    /// The calls, in the order of `input`.
    pub calls: Vec<EmbeddingCall>,
    /// The encoding of the response.
    pub encoding: EncodingFormat,
    /// The adjustments of the request.
    pub adjustments: Adjustments,
}

/// The encoding of embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingFormat {
    /// As arrays of numbers.
    Float,
    /// As base64 of little-endian 32-bit floats.
    Base64,
}

const ENCODINGS: Words<EncodingFormat> = Words::new(
    "an encoding format",
    &[
        ("float", EncodingFormat::Float),
        ("base64", EncodingFormat::Base64),
    ],
);

/// Translates `request`. The caller resolves the model name.
///
/// Fails with an error that names the unsupported field.
pub fn translate(
    request: EmbeddingsRequest,
    context: &EmbeddingContext<'_>,
) -> Result<TranslatedEmbeddings, ApiError> {
    let capabilities = context.capabilities;
    let mut adjustments = Adjustments::default();
    // Destructured without `..`, so that a new field does not compile until it is handled here.
    let EmbeddingsRequest {
        model: _,
        input,
        encoding_format,
        dimensions,
        user,
        input_type,
        truncate,
        normalize,
        tokenizer,
        unknown,
    } = request;
    if user.is_some_and(|user| !user.is_neutral()) {
        adjustments.ignored("user");
    }
    note_unknown_fields(&unknown, EmbeddingsRequest::FIELDS, &mut adjustments);
    let settings = EmbeddingParameters {
        dimensions: self::dimensions(dimensions, capabilities)?,
        purpose: purpose(input_type, context, &mut adjustments)?,
        truncation: truncation(truncate, capabilities)?,
        normalize: self::normalize(normalize, capabilities)?,
    };
    let encoding = ENCODINGS.read(encoding_format.as_deref(), "encoding_format")?;
    let reader = EmbeddingInputReader {
        context,
        tokenizer: self::tokenizer(tokenizer.as_deref(), context)?,
        truncation: settings.truncation,
    };
    let input = input.ok_or_else(|| {
        let misspelling = misspelling(&unknown, "input", EmbeddingsRequest::FIELDS);
        ApiError::missing(
            "input",
            format!("`input` is missing; send a text{misspelling}"),
        )
    })?;
    let items = reader.items(input, &mut adjustments)?;
    Ok(TranslatedEmbeddings {
        calls: calls(capabilities, &items, &settings).map_err(|_| ApiError::internal())?,
        encoding: encoding.unwrap_or(EncodingFormat::Float),
        adjustments,
    })
}

/// The number of dimensions to send; `None` if the model has only one.
fn dimensions(
    requested: Option<i64>,
    capabilities: &EmbeddingCapabilities,
) -> Result<Option<u32>, ApiError> {
    let Some(requested) = requested else {
        return Ok(None);
    };
    let supported = &capabilities.dimensions;
    let matching = supported
        .iter()
        .find(|supported| i64::from(**supported) == requested);
    match matching {
        Some(dimensions) => Ok(capabilities.chooses_dimensions().then_some(*dimensions)),
        None => {
            let supported: Vec<String> = supported.iter().map(u32::to_string).collect();
            Err(ApiError::unsupported_value(
                "dimensions",
                format!(
                    "`dimensions` is {requested}; this model supports {}",
                    supported.join(", ")
                ),
            ))
        }
    }
}

fn purpose(
    requested: Option<String>,
    context: &EmbeddingContext<'_>,
    adjustments: &mut Adjustments,
) -> Result<Purpose, ApiError> {
    let Some(requested) = requested else {
        return Ok(context.purpose);
    };
    let Some(purpose) = Purpose::parse(&requested) else {
        let words = Purpose::WORDS;
        let message = format!("`input_type` is `{requested}`; use one of {words}");
        return Err(ApiError::unsupported_value("input_type", message));
    };
    if !context.capabilities.purposes {
        adjustments.note(
            "input_type",
            "ignored; the model does not distinguish input types",
        );
    }
    Ok(purpose)
}

fn truncation(
    requested: Option<String>,
    capabilities: &EmbeddingCapabilities,
) -> Result<Truncation, ApiError> {
    let Some(requested) = requested else {
        return Ok(Truncation::None);
    };
    let parsed = Truncation::parse(&requested);
    let Some(truncation) = parsed else {
        let message = format!("`truncate` is `{requested}`; it must be `NONE`, `START` or `END`");
        return Err(ApiError::unsupported_value("truncate", message));
    };
    if truncation == Truncation::None || capabilities.truncations.contains(&truncation) {
        return Ok(truncation);
    }
    let supported: Vec<String> = capabilities
        .truncations
        .iter()
        .map(|truncation| format!("`{}`", truncation.as_str()))
        .collect();
    let supported = match supported.is_empty() {
        true => "only `NONE`: it rejects texts that are too long".to_owned(),
        false => supported.join(" and "),
    };
    Err(ApiError::unsupported_value(
        "truncate",
        format!("`truncate` is `{requested}`; this model supports {supported}"),
    ))
}

fn normalize(
    requested: Option<bool>,
    capabilities: &EmbeddingCapabilities,
) -> Result<Option<bool>, ApiError> {
    match requested {
        Some(_) if !capabilities.normalize => Err(ApiError::unsupported(
            "normalize",
            "this model does not support switching normalization; omit `normalize`",
        )),
        requested => Ok(requested),
    }
}

fn tokenizer(name: Option<&str>, context: &EmbeddingContext<'_>) -> Result<Tokenizer, ApiError> {
    let Some(name) = name else {
        return Ok(context.tokenizer);
    };
    Tokenizer::parse(name).ok_or_else(|| {
        let names = Tokenizer::NAMES;
        let message = format!("unknown `tokenizer` `{name}`; use {names}");
        ApiError::unsupported_value("tokenizer", message)
    })
}
