//! The request as clients send it (OpenAI's openapi.yaml 2.3.0; `input_type`, `truncate`,
//! `normalize`, `tokenizer` and objects within `input` are extensions).

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::converse::JsonText;
use crate::openai::chat::{ImageUrl, StringOrObject};
use crate::openai::object::{ClientField, ClientValue, client_object};
use crate::openai::token_list::token_list;

client_object! {
    /// What is to be embedded, and how.
    pub struct EmbeddingsRequest {
        /// The model.
        model: String,
        /// What is embedded.
        input: EmbeddingsInput,
        /// `float` or `base64`.
        encoding_format: String,
        /// How many numbers a vector has.
        dimensions: i64,
        /// Whose request it is.
        user: JsonText,
        /// What the vectors are for, in Cohere's or Nova's words.
        input_type: String,
        /// What becomes of a text that is too long: `NONE`, `START` or `END`.
        truncate: String,
        /// Whether vectors have length 1.
        normalize: bool,
        /// The tokenizer that made the tokens of `input`.
        tokenizer: String,
    }
}

client_object! {
    /// A text, a picture, or both in one.
    pub struct InputObject {
        /// `text` or `image_url`; says nothing that the other fields do not.
        r#type => "type": String,
        /// The text.
        text: String,
        /// The picture: a data URL, base64, or an https address.
        image: String,
        /// The same, as parts of chat messages have it.
        image_url: StringOrObject<ImageUrl>,
    }
}

/// What is embedded: one thing, or a list.
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
    /// A text, or a picture as a data URL.
    Text(String),
    /// A token, which stands in a list of tokens alone.
    Token(i64),
    /// The tokens of a text.
    Tokens(Vec<i64>),
    /// A text, a picture, or both.
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
                // No tokenizer has one beyond; it is refused with its place.
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
