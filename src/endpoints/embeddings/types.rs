//! The request as sent by clients (OpenAI's openapi.yaml 2.3.0; `input_type`, `truncate`,
//! `normalize`, `tokenizer` and objects within `input` are extensions).

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::converse::JsonText;
use crate::wire::{ClientField, ClientValue, ImageUrl, StringOrObject, client_object, token_list};

client_object! {
    /// The body of `POST /v1/embeddings`.
    pub struct EmbeddingsRequest {
        /// The model.
        model: String,
        /// The input.
        input: EmbeddingsInput,
        /// `float` or `base64`.
        encoding_format: String,
        /// The number of dimensions.
        dimensions: i64,
        /// The end user.
        user: JsonText,
        /// The purpose of the embeddings, as a value of Cohere or Nova.
        input_type: String,
        /// How long texts are truncated: `NONE`, `START` or `END`.
        truncate: String,
        /// Whether embeddings are normalized to length 1.
        normalize: bool,
        /// The tokenizer of the tokens in `input`.
        tokenizer: String,
    }
}

client_object! {
    /// A text, an image, or both.
    pub struct InputObject {
        /// `text` or `image_url`; redundant.
        r#type => "type": String,
        /// The text.
        text: String,
        /// The image: a data URL, base64, or an https URL.
        image: String,
        /// The image, in the format of chat message parts.
        image_url: StringOrObject<ImageUrl>,
    }
}

/// The input: one entry, or a list.
#[derive(Debug, Clone, PartialEq)]
pub enum EmbeddingsInput {
    /// A text, or an object.
    One(InputPart),
    /// Texts, objects, or lists of tokens.
    Several(Vec<InputPart>),
    /// The tokens of one text.
    Tokens(Vec<i64>),
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum InputPart {
    /// A text, or an image as a data URL.
    Text(String),
    /// A token, in a list that consists of tokens.
    Token(i64),
    /// The tokens of a text.
    Tokens(Vec<i64>),
    /// A text, an image, or both.
    Object(Box<InputObject>),
}

impl ClientValue for EmbeddingsInput {
    const FIELDS: &'static [ClientField] = InputObject::FIELDS;
    const IS_SEVERAL: bool = true;
}

impl<'de> Deserialize<'de> for EmbeddingsInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EmbeddingsInputVisitor;
        impl<'de> Visitor<'de> for EmbeddingsInputVisitor {
            type Value = EmbeddingsInput;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, or an array of strings or of tokens")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(EmbeddingsInput::One(InputPart::Text(text.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                InputObject::deserialize(MapAccessDeserializer::new(map))
                    .map(|object| EmbeddingsInput::One(InputPart::Object(Box::new(object))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = entries.next_element()? {
                    match part {
                        InputPart::Token(first) if parts.is_empty() => {
                            return token_list(first, entries).map(EmbeddingsInput::Tokens);
                        }
                        part => parts.push(part),
                    }
                }
                Ok(EmbeddingsInput::Several(parts))
            }
        }
        deserializer.deserialize_any(EmbeddingsInputVisitor)
    }
}

impl<'de> Deserialize<'de> for InputPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InputPartVisitor;
        impl<'de> Visitor<'de> for InputPartVisitor {
            type Value = InputPart;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, a token or an array of tokens")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<InputPart, E> {
                Ok(InputPart::Text(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, token: i64) -> Result<InputPart, E> {
                Ok(InputPart::Token(token))
            }

            fn visit_u64<E: Error>(self, token: u64) -> Result<InputPart, E> {
                // No tokenizer has larger tokens; it is rejected with its index.
                Ok(InputPart::Token(i64::try_from(token).unwrap_or(i64::MAX)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, tokens: A) -> Result<InputPart, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(tokens)).map(InputPart::Tokens)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<InputPart, A::Error> {
                InputObject::deserialize(MapAccessDeserializer::new(map))
                    .map(|object| InputPart::Object(Box::new(object)))
            }
        }
        deserializer.deserialize_any(InputPartVisitor)
    }
}
