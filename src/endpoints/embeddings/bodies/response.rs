//! Reads embedding responses of all providers. One reader suffices, since no key has different
//! meanings in two providers' responses.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::converse::JsonText;

/// An embedding response.
#[derive(Debug, PartialEq)]
pub struct EmbeddingResponse {
    /// The embeddings, in the order of the items: arrays of numbers exactly as Bedrock wrote
    /// them.
    pub vectors: Vec<JsonText>,
    /// The number of input tokens, if the response contains it.
    pub input_tokens: Option<u64>,
}

/// The fields that hold embeddings in the responses of Titan (`embedding`), Cohere (`embeddings`,
/// a list, or `{"float": ...}`), Nova (`embeddings`, a list of `{"embedding"}`) and Marengo
/// (`data`, the same list, or a single object).
#[derive(Deserialize)]
struct EmbeddingFields<'a> {
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
    #[serde(borrow)]
    embeddings: Option<&'a RawValue>,
    #[serde(borrow)]
    float: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// Titan repeats the embedding under `embeddingsByType`.
    #[serde(borrow, rename = "embeddingsByType")]
    by_type: Option<&'a RawValue>,
    #[serde(rename = "inputTextTokenCount")]
    input_tokens: Option<u64>,
}

/// Parses a response; the error describes what is wrong with it.
pub fn read(response: &[u8]) -> Result<EmbeddingResponse, String> {
    let broken = |error: serde_json::Error| error.to_string();
    let json: &RawValue = serde_json::from_slice(response).map_err(broken)?;
    let mut vectors = Vec::new();
    collect(json, &mut vectors).map_err(broken)?;
    let holder: EmbeddingFields<'_> = serde_json::from_str(json.get()).map_err(broken)?;
    Ok(EmbeddingResponse {
        vectors,
        input_tokens: holder.input_tokens,
    })
}

/// Collects the embeddings nested in `value`.
fn collect(value: &RawValue, vectors: &mut Vec<JsonText>) -> serde_json::Result<()> {
    let text = value.get();
    if text.starts_with('{') {
        let holder: EmbeddingFields<'_> = serde_json::from_str(text)?;
        let fields = [
            holder.embedding,
            holder.embeddings,
            holder.float,
            holder.data,
            holder.by_type,
        ];
        return match fields.into_iter().flatten().next() {
            Some(nested) => collect(nested, vectors),
            None => Ok(()),
        };
    }
    let within = text.trim_start_matches(['[', ' ', '\t', '\r', '\n']);
    let is_vector = text.starts_with('[') && holds_numbers(text, within);
    if is_vector {
        vectors.push(JsonText::parse(text.to_owned())?);
        return Ok(());
    }
    let several: Vec<&RawValue> = serde_json::from_str(text)?;
    several.iter().try_for_each(|one| collect(one, vectors))
}

/// Whether the first element of the array `text`, which is the start of `within`, is a number.
fn holds_numbers(text: &str, within: &str) -> bool {
    let opened = text.len() - within.len();
    let brackets = text.get(..opened).unwrap_or_default();
    let is_flat = brackets.matches('[').count() == 1;
    is_flat && within.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(response: &str) -> Vec<String> {
        let embedded = read(response.as_bytes()).expect(response);
        let texts = embedded.vectors.iter().map(JsonText::as_str);
        texts.map(str::to_owned).collect()
    }

    #[test]
    fn vectors_are_found_wherever_a_provider_puts_them() {
        for response in [
            r#"{"embedding":[0.10, -2e-05],"inputTextTokenCount":3}"#,
            r#"{"embedding":[0.10, -2e-05],"embeddingsByType":{"float":[0.10,-2e-05]}}"#,
            r#"{"embeddingsByType":{"binary":[1],"float":[0.10, -2e-05]}}"#,
            r#"{"embeddings": [ [0.10, -2e-05] ],"response_type":"embeddings_floats"}"#,
            r#"{"embeddings":{"int8":[[1]],"float":[[0.10, -2e-05]]},"texts":["a"]}"#,
            r#"{"embeddings":[{"embeddingType":"TEXT","embedding":[0.10, -2e-05]}]}"#,
            r#"{"data":[{"embedding":[0.10, -2e-05],"startSec":0}]}"#,
            r#"{"data":{"embedding":[0.10, -2e-05]}}"#,
        ] {
            assert_eq!(vectors(response), ["[0.10, -2e-05]"], "{response}");
        }
        let two = r#"{"embeddings":{"float":[[1.0],[2.0]]}}"#;
        assert_eq!(vectors(two), ["[1.0]", "[2.0]"]);
    }

    #[test]
    fn an_object_without_embeddings_is_empty_and_invalid_json_fails() {
        for response in [r#"{"message":"no"}"#, r#"{"embeddings":[]}"#, "{}"] {
            assert!(vectors(response).is_empty(), "{response}");
        }
        for response in ["", "{", r#"{"embedding":"a"}"#, r#"{"data":[true]}"#] {
            assert!(read(response.as_bytes()).is_err(), "{response}");
        }
    }
}
