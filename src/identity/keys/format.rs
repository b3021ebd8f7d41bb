//! The format of the keys that the gateway issues: `sk-oc-`, 8 visible characters, 43 characters
//! with 256 random bits, and a checksum of 4 characters.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::KeyDigest;

/// What issued keys begin with.
const MARK: &str = "sk-oc-";

/// The characters of the visible part: those of base32 in lower case.
const VISIBLE: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The length of the mark and the visible part.
const PREFIX_LENGTH: usize = MARK.len() + 8;

/// The length of everything in front of the checksum.
const PAYLOAD_LENGTH: usize = PREFIX_LENGTH + 43;

/// The length of a key.
const LENGTH: usize = PAYLOAD_LENGTH + 4;

/// A new key. It is shown once.
pub struct IssuedKey(String);

/// What the text of a key says about where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum KeyFormat {
    /// A gateway has issued the key.
    Issued,
    /// A gateway has issued a key that this one was copied from with a mistake.
    Misspelled,
    /// The operator has chosen the key, or it is one of another service.
    Other,
}

impl IssuedKey {
    /// Generates a key with random numbers of the system.
    pub(in crate::identity) fn generate() -> Result<Self, getrandom::Error> {
        let mut random = [0; 40];
        getrandom::fill(&mut random)?;
        let (visible, secret) = random.split_at(8);
        let mut key = String::with_capacity(LENGTH);
        key.push_str(MARK);
        let character = |byte: &u8| VISIBLE.get(usize::from(byte % 32)).copied();
        key.extend(visible.iter().filter_map(character).map(char::from));
        URL_SAFE_NO_PAD.encode_string(secret, &mut key);
        let checksum = checksum(&key);
        key.push_str(&checksum);
        Ok(Self(key))
    }

    /// The key itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The visible characters that it begins with.
    pub(in crate::identity) fn prefix(&self) -> &str {
        visible_prefix(&self.0).unwrap_or_default()
    }

    /// Its digest.
    pub(in crate::identity) fn digest(&self) -> KeyDigest {
        KeyDigest::of(&self.0)
    }
}

impl fmt::Debug for IssuedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IssuedKey(..)")
    }
}

impl KeyFormat {
    /// The format of `key`.
    pub(in crate::identity) fn of(key: &str) -> Self {
        if !key.starts_with(MARK) {
            return Self::Other;
        }
        match key.split_at_checked(PAYLOAD_LENGTH) {
            Some((payload, end)) if end == checksum(payload) => Self::Issued,
            _ => Self::Misspelled,
        }
    }
}

/// The visible characters of a key that the gateway could have issued; `None` for other keys, and
/// if too little of the key would be hidden.
pub(in crate::identity) fn visible_prefix(key: &str) -> Option<&str> {
    let is_long = key.len() >= 3 * PREFIX_LENGTH;
    (is_long && key.starts_with(MARK)).then(|| key.get(..PREFIX_LENGTH))?
}

/// 24 bits of CRC-32, which finds typing errors.
fn checksum(payload: &str) -> String {
    let [_, checksum @ ..] = crc32fast::hash(payload.as_bytes()).to_be_bytes();
    URL_SAFE_NO_PAD.encode(checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_visible_characters_256_random_bits_and_a_checksum() {
        let keys: Vec<IssuedKey> = (0..100)
            .map(|_| IssuedKey::generate().expect("random numbers"))
            .collect();
        for key in &keys {
            let text = key.expose();
            assert_eq!(text.len(), 61, "{text}");
            assert_eq!(KeyFormat::of(text), KeyFormat::Issued);
            assert_eq!(key.prefix(), &text[..14]);
            let secret = URL_SAFE_NO_PAD.decode(&text[14..57]).expect("base64url");
            assert_eq!(secret.len(), 32);
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            assert_eq!(format!("{key:?}"), "IssuedKey(..)");
        }
        let mut secrets: Vec<&str> = keys.iter().map(|key| &key.expose()[14..57]).collect();
        secrets.sort_unstable();
        secrets.dedup();
        assert_eq!(secrets.len(), keys.len());
    }

    #[test]
    fn a_typing_error_is_told_apart_without_the_store() {
        let key = IssuedKey::generate().expect("random numbers");
        let key = key.expose();
        for position in 6..key.len() {
            let mut wrong = key.to_owned();
            let replacement = if &key[position..=position] == "a" {
                "b"
            } else {
                "a"
            };
            wrong.replace_range(position..=position, replacement);
            assert_eq!(KeyFormat::of(&wrong), KeyFormat::Misspelled, "{position}");
            assert_eq!(KeyFormat::of(&key[..position]), KeyFormat::Misspelled);
        }
        for (other, format) in [
            (format!("{key}a"), KeyFormat::Misspelled),
            (
                "sk-oc-äääääääääääääääääääääääääääääääää".to_owned(),
                KeyFormat::Misspelled,
            ),
            ("sk-proj-abcdefgh".to_owned(), KeyFormat::Other),
            (String::new(), KeyFormat::Other),
        ] {
            assert_eq!(KeyFormat::of(&other), format, "{other}");
        }
    }
}
