//! Arrays of tokens. They may have hundreds of thousands of entries, so each is parsed as a
//! number only, not as an enum.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

struct TokenId(i64);

/// The tokens of an array with the first entry `first` and the remaining `entries`.
pub(crate) fn token_list<'de, A: SeqAccess<'de>>(
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
                // No tokenizer has larger tokens; it is rejected with its index.
                Ok(TokenId(i64::try_from(token).unwrap_or(i64::MAX)))
            }
        }
        deserializer.deserialize_i64(Number)
    }
}
