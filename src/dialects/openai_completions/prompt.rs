//! The prompt in the four formats that clients use.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::wire::ClientValue;
use crate::wire::token_list;

/// The prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// One text.
    Text(String),
    /// Several texts, each completed separately.
    Texts(Vec<String>),
    /// One text, as tokens of an OpenAI tokenizer.
    Tokens(Vec<i64>),
    /// Several texts, as tokens.
    TokenLists(Vec<Vec<i64>>),
}

/// An entry of a list.
enum PromptEntry {
    Text(String),
    Token(i64),
    Tokens(Vec<i64>),
}

impl ClientValue for Prompt {}

impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PromptVisitor;
        impl<'de> Visitor<'de> for PromptVisitor {
            type Value = Prompt;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, an array of strings, or arrays of tokens")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Prompt, E> {
                Ok(Prompt::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Prompt, A::Error> {
                let mixed = || A::Error::custom("the list mixes texts and tokens");
                let (mut texts, mut lists) = (Vec::new(), Vec::new());
                while let Some(entry) = entries.next_element()? {
                    match entry {
                        PromptEntry::Text(text) => texts.push(text),
                        PromptEntry::Token(token) if texts.is_empty() && lists.is_empty() => {
                            return token_list(token, entries).map(Prompt::Tokens);
                        }
                        PromptEntry::Token(_) => return Err(mixed()),
                        PromptEntry::Tokens(list) => lists.push(list),
                    }
                }
                match (texts.is_empty(), lists.is_empty()) {
                    (_, true) => Ok(Prompt::Texts(texts)),
                    (true, false) => Ok(Prompt::TokenLists(lists)),
                    (false, false) => Err(mixed()),
                }
            }
        }
        deserializer.deserialize_any(PromptVisitor)
    }
}

impl<'de> Deserialize<'de> for PromptEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PromptEntryVisitor;
        impl<'de> Visitor<'de> for PromptEntryVisitor {
            type Value = PromptEntry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, a token or an array of tokens")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<PromptEntry, E> {
                Ok(PromptEntry::Text(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, token: i64) -> Result<PromptEntry, E> {
                Ok(PromptEntry::Token(token))
            }

            fn visit_u64<E: Error>(self, token: u64) -> Result<PromptEntry, E> {
                // Larger numbers are not tokens.
                Ok(PromptEntry::Token(i64::try_from(token).unwrap_or(i64::MAX)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, tokens: A) -> Result<PromptEntry, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(tokens)).map(PromptEntry::Tokens)
            }
        }
        deserializer.deserialize_any(PromptEntryVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_format_is_parsed() {
        let read = |json: &str| serde_json::from_str::<Prompt>(json).ok();
        let texts = |texts: &[&str]| Prompt::Texts(texts.iter().map(|&t| t.to_owned()).collect());
        for (json, prompt) in [
            (r#""a""#, Some(Prompt::Text("a".to_owned()))),
            (r#"["a", "b"]"#, Some(texts(&["a", "b"]))),
            ("[]", Some(texts(&[]))),
            ("[1, -2]", Some(Prompt::Tokens(vec![1, -2]))),
            (
                "[[1, 2], [3]]",
                Some(Prompt::TokenLists(vec![vec![1, 2], vec![3]])),
            ),
            (r#"["a", 1]"#, None),
            (r#"[["a"]]"#, None),
            ("[1, [2]]", None),
            ("[1.5]", None),
            ("1", None),
            (r#"{"a": 1}"#, None),
        ] {
            assert_eq!(read(json), prompt, "{json}");
        }
    }
}
