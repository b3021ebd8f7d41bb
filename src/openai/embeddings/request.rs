//! A request as calls of its model's form, and what its answer has to look like.

use super::input::EmbeddingInputReader;
use super::tokens::Tokenizer;
use super::types::EmbeddingsRequest;
use crate::adjustments::Adjustments;
use crate::error::ApiError;
use crate::models::{EmbeddingCapabilities, Truncation};
use crate::openai::chat::RemoteFiles;
use crate::openai::typo::{misspelling, note_unknown_fields};
use crate::providers::embeddings::{EmbeddingCall, EmbeddingParameters, Purpose, calls};

/// What is known of the model, and what holds where the request says nothing.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingContext<'a> {
    /// What the model takes.
    pub capabilities: &'a EmbeddingCapabilities,
    /// What vectors are for.
    pub purpose: Purpose,
    /// What makes tokens.
    pub tokenizer: Tokenizer,
    /// What lay at the addresses of the request.
    pub fetched: &'a RemoteFiles,
}

/// A request, understood.
#[derive(Debug)]
pub struct TranslatedEmbeddings {
    /// What Bedrock is asked, in the order of `input`.
    pub calls: Vec<EmbeddingCall>,
    /// How vectors are written.
    pub encoding: EncodingFormat,
    /// What was changed on the way.
    pub adjustments: Adjustments,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingFormat {
    /// As arrays of numbers.
    Float,
    /// As base64 of little-endian 32-bit floats.
    Base64,
}

/// Translates `request` under `context`. The model's name is the caller's business.
///
/// Fails with a fault that names the field which cannot be served.
pub fn translate(
    request: EmbeddingsRequest,
    context: &EmbeddingContext<'_>,
) -> Result<TranslatedEmbeddings, ApiError> {
    let capabilities = context.capabilities;
    let mut adjustments = Adjustments::default();
    // Taken apart without a rest pattern: a new field does not compile until it is treated here.
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
    let encoding = encoding(encoding_format.as_deref())?;
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
        encoding,
        adjustments,
    })
}

fn encoding(word: Option<&str>) -> Result<EncodingFormat, ApiError> {
    match word {
        None | Some("float") => Ok(EncodingFormat::Float),
        Some("base64") => Ok(EncodingFormat::Base64),
        Some(other) => Err(ApiError::unsupported_value(
            "encoding_format",
            format!("`encoding_format` is `{other}`, and it is `float` or `base64`"),
        )),
    }
}

/// What the model is told, which is nothing where it has no choice.
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
                    "`dimensions` is {requested}, and this model gives vectors of {} numbers",
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
        let message = format!("`input_type` is `{requested}`, and it is one of {words}");
        return Err(ApiError::unsupported_value("input_type", message));
    };
    if !context.capabilities.purposes {
        adjustments.note(
            "input_type",
            "ignored; the model makes the same vectors for all",
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
        let message = format!("`truncate` is `{requested}`, and it is `NONE`, `START` or `END`");
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
        true => "`NONE` alone: it refuses texts that are too long".to_owned(),
        false => supported.join(" and "),
    };
    Err(ApiError::unsupported_value(
        "truncate",
        format!("`truncate` is `{requested}`, and this model takes {supported}"),
    ))
}

fn normalize(
    requested: Option<bool>,
    capabilities: &EmbeddingCapabilities,
) -> Result<Option<bool>, ApiError> {
    match requested {
        Some(_) if !capabilities.normalize => Err(ApiError::unsupported(
            "normalize",
            "this model cannot be told whether to give vectors of length 1; leave `normalize` out",
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
        let message = format!("there is no tokenizer `{name}` here; there are {names}");
        ApiError::unsupported_value("tokenizer", message)
    })
}
