//! The request as sent by clients (OpenAI's openapi.yaml 2.3.0).

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::wire::ClientValue;
use crate::wire::StringOrObject;
use crate::wire::{ClientField, client_object};

client_object! {
    /// The body of `POST /v1/moderations`.
    pub struct ModerationRequest {
        /// The input.
        input: ModerationInput,
        /// The name of an OpenAI moderation model.
        model: String,
    }
}

client_object! {
    /// A part of an item.
    pub struct ModerationPart {
        /// `text` or `image_url`.
        kind => "type": String,
        /// The text of a `text` part.
        text: String,
        /// The image of an `image_url` part.
        image_url: StringOrObject<ModerationImage>,
    }
}

client_object! {
    /// An image.
    pub struct ModerationImage {
        /// A data URL or an https URL.
        url: String,
    }
}

/// The input.
#[derive(Debug, Clone, PartialEq)]
pub enum ModerationInput {
    /// One text.
    Text(String),
    /// Several, each moderated separately.
    Texts(Vec<String>),
    /// Parts, moderated together.
    Parts(Vec<Box<ModerationPart>>),
}

impl ClientValue for ModerationInput {
    const FIELDS: &'static [ClientField] = ModerationPart::FIELDS;
    const IS_SEVERAL: bool = true;
}

impl<'de> Deserialize<'de> for ModerationInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ModerationInputVisitor;
        impl<'de> Visitor<'de> for ModerationInputVisitor {
            type Value = ModerationInput;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, an array of strings, or an array of parts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ModerationInput, E> {
                Ok(ModerationInput::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut entries: A,
            ) -> Result<ModerationInput, A::Error> {
                let (mut texts, mut parts) = (Vec::new(), Vec::new());
                while let Some(entry) = entries.next_element()? {
                    match entry {
                        StringOrObject::String(text) => texts.push(text),
                        StringOrObject::Object(part) => parts.push(part),
                    }
                }
                match (texts.is_empty(), parts.is_empty()) {
                    (_, true) => Ok(ModerationInput::Texts(texts)),
                    (true, false) => Ok(ModerationInput::Parts(parts)),
                    (false, false) => Err(A::Error::custom("the list mixes texts and parts")),
                }
            }
        }
        deserializer.deserialize_any(ModerationInputVisitor)
    }
}
