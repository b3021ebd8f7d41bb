//! Builds OpenAI's list of embeddings.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::request::EncodingFormat;
use crate::converse::JsonText;

/// The fields of the response besides the embeddings.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingsHead<'a> {
    /// The model name in the client's request.
    pub model: &'a str,
    /// The number of prompt tokens; 0 if Bedrock does not report it.
    pub prompt_tokens: u64,
    /// The encoding of the embeddings.
    pub encoding: EncodingFormat,
}

#[derive(Serialize)]
struct EmbeddingList<'a> {
    object: &'static str,
    data: Vec<EmbeddingObject<'a>>,
    model: &'a str,
    usage: EmbeddingUsage,
}

#[derive(Serialize)]
struct EmbeddingObject<'a> {
    object: &'static str,
    index: usize,
    embedding: EmbeddingValue<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EmbeddingValue<'a> {
    /// The numbers exactly as Bedrock wrote them.
    Numbers(&'a JsonText),
    Base64(String),
}

#[derive(Serialize)]
struct EmbeddingUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// The JSON of a response with `vectors`, which are arrays of numbers; `None` if one is invalid.
pub fn response_json(vectors: &[JsonText], head: EmbeddingsHead<'_>) -> Option<Vec<u8>> {
    let mut data = Vec::with_capacity(vectors.len());
    for (vector, index) in vectors.iter().zip(0..) {
        let embedding = match head.encoding {
            EncodingFormat::Float => EmbeddingValue::Numbers(vector),
            EncodingFormat::Base64 => EmbeddingValue::Base64(base64_of(vector)?),
        };
        data.push(EmbeddingObject {
            object: "embedding",
            index,
            embedding,
        });
    }
    let list = EmbeddingList {
        object: "list",
        data,
        model: head.model,
        usage: EmbeddingUsage {
            prompt_tokens: head.prompt_tokens,
            total_tokens: head.prompt_tokens,
        },
    };
    serde_json::to_vec(&list).ok()
}

/// Little-endian 32-bit floats in base64, which OpenAI's SDKs request and decode.
fn base64_of(vector: &JsonText) -> Option<String> {
    let text = vector.as_str().strip_prefix('[')?.strip_suffix(']')?;
    let mut bytes = Vec::with_capacity(text.len() / 3);
    for number in text.split(',') {
        // Parsed as `f32` directly: via `f64` it would be rounded twice.
        let number: f32 = number.trim().parse().ok()?;
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    Some(BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(vector: &str, encoding: EncodingFormat) -> Option<String> {
        let vector = JsonText::parse(vector.to_owned()).expect("JSON");
        let head = EmbeddingsHead {
            model: "m",
            prompt_tokens: 3,
            encoding,
        };
        response_json(&[vector], head).map(|json| String::from_utf8(json).expect("UTF-8"))
    }

    #[test]
    fn numbers_pass_as_they_were_written() {
        let json = encoded("[0.10, -2E-05,1]", EncodingFormat::Float);
        let json = json.expect("an answer");
        assert!(json.contains(r#""embedding":[0.10, -2E-05,1]"#), "{json}");
    }

    #[test]
    fn base64_has_the_bytes_of_32_bit_floats() {
        let json = encoded("[1.0, -0.5 , 0.1]", EncodingFormat::Base64);
        // 3f800000, bf000000 and 3dcccccd, least significant byte first.
        let json = json.expect("an answer");
        assert!(json.contains(r#""embedding":"AACAPwAAAL/NzMw9""#), "{json}");
        assert_eq!(encoded("[1.0, null]", EncodingFormat::Base64), None);
    }
}
