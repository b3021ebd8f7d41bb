//! A request as calls of its model's form, and what its answer has to look like.

use super::input::EmbeddingInputReader;
use super::tokens::Tokenizer;
use super::types::EmbeddingsRequest;
use crate::adjustments::Adjustments;
use crate::fault::ApiError;
use crate::models::{EmbeddingCapabilities, Truncation};
use crate::openai::chat::RemoteFiles;
use crate::openai::typo::{misspelling, note_unknown_fields};
use crate::providers::embeddings::{EmbeddingCall, EmbeddingParameters, Purpose, calls};

/// What is known of the model, and what holds where the request says nothing.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingContext<'a> {
    /// What the model takes.
    pub facts: &'a EmbeddingCapabilities,
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

/// Translates `request` under `terms`. The model's name is the caller's business.
///
/// Fails with a fault that names the field which cannot be served.
pub fn translate(
    request: EmbeddingsRequest,
    terms: &EmbeddingContext<'_>,
) -> Result<TranslatedEmbeddings, ApiError> {
    let facts = terms.facts;
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
        dimensions: self::dimensions(dimensions, facts)?,
        purpose: purpose(input_type, terms, &mut adjustments)?,
        truncation: truncation(truncate, facts)?,
        normalize: self::normalize(normalize, facts)?,
    };
    let encoding = encoding(encoding_format.as_deref())?;
    let reader = EmbeddingInputReader {
        terms,
        tokenizer: self::tokenizer(tokenizer.as_deref(), terms)?,
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
        calls: calls(facts, &items, &settings).map_err(|_| ApiError::internal())?,
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
fn dimensions(asked: Option<i64>, facts: &EmbeddingCapabilities) -> Result<Option<u32>, ApiError> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    let taken = &facts.dimensions;
    let found = taken.iter().find(|taken| i64::from(**taken) == asked);
    match found {
        Some(dimensions) => Ok(facts.chooses_dimensions().then_some(*dimensions)),
        None => {
            let taken: Vec<String> = taken.iter().map(u32::to_string).collect();
            Err(ApiError::unsupported_value(
                "dimensions",
                format!(
                    "`dimensions` is {asked}, and this model gives vectors of {} numbers",
                    taken.join(", ")
                ),
            ))
        }
    }
}

fn purpose(
    asked: Option<String>,
    terms: &EmbeddingContext<'_>,
    adjustments: &mut Adjustments,
) -> Result<Purpose, ApiError> {
    let Some(asked) = asked else {
        return Ok(terms.purpose);
    };
    let Some(purpose) = Purpose::parse(&asked) else {
        let words = Purpose::WORDS;
        let message = format!("`input_type` is `{asked}`, and it is one of {words}");
        return Err(ApiError::unsupported_value("input_type", message));
    };
    if !terms.facts.purposes {
        adjustments.note(
            "input_type",
            "ignored; the model makes the same vectors for all",
        );
    }
    Ok(purpose)
}

fn truncation(
    asked: Option<String>,
    facts: &EmbeddingCapabilities,
) -> Result<Truncation, ApiError> {
    let Some(asked) = asked else {
        return Ok(Truncation::None);
    };
    let parsed = Truncation::parse(&asked);
    let Some(truncation) = parsed else {
        let message = format!("`truncate` is `{asked}`, and it is `NONE`, `START` or `END`");
        return Err(ApiError::unsupported_value("truncate", message));
    };
    if truncation == Truncation::None || facts.truncations.contains(&truncation) {
        return Ok(truncation);
    }
    let taken: Vec<String> = facts
        .truncations
        .iter()
        .map(|truncation| format!("`{}`", truncation.as_str()))
        .collect();
    let taken = match taken.is_empty() {
        true => "`NONE` alone: it refuses texts that are too long".to_owned(),
        false => taken.join(" and "),
    };
    Err(ApiError::unsupported_value(
        "truncate",
        format!("`truncate` is `{asked}`, and this model takes {taken}"),
    ))
}

fn normalize(asked: Option<bool>, facts: &EmbeddingCapabilities) -> Result<Option<bool>, ApiError> {
    match asked {
        Some(_) if !facts.normalize => Err(ApiError::unsupported(
            "normalize",
            "this model cannot be told whether to give vectors of length 1; leave `normalize` out",
        )),
        asked => Ok(asked),
    }
}

fn tokenizer(name: Option<&str>, terms: &EmbeddingContext<'_>) -> Result<Tokenizer, ApiError> {
    let Some(name) = name else {
        return Ok(terms.tokenizer);
    };
    Tokenizer::parse(name).ok_or_else(|| {
        let names = Tokenizer::NAMES;
        let message = format!("there is no tokenizer `{name}` here; there are {names}");
        ApiError::unsupported_value("tokenizer", message)
    })
}
