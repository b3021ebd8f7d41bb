//! Arrays of tokens. They may have hundreds of thousands of entries, so each is read as a number
//! alone and never as something that could be a text as well.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A token, as one of several.
struct TokenId(i64);

/// The tokens of an array that begins with `first`, and whose rest is `entries`.
pub(super) fn token_list<'de, A: SeqAccess<'de>>(
    first: i64,
    mut entries: A,
) -> Result<Vec<i64>, A::Error> {
    let mut tokens = vec![first];
    while let Some(TokenId(token)) = entries.next_element()? {
        tokens.push(token);
    }
    Ok(tokens)
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = TokenId;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a token, since the array begins with one")
            }

            fn visit_i64<E: Error>(self, token: i64) -> Result<TokenId, E> {
                Ok(TokenId(token))
            }

            fn visit_u64<E: Error>(self, token: u64) -> Result<TokenId, E> {
                // No tokenizer has one beyond; it is refused with its place.
                Ok(TokenId(i64::try_from(token).unwrap_or(i64::MAX)))
            }
        }
        deserializer.deserialize_i64(Number)
    }
}
