//! Replaces identifiers that Bedrock rejects. The result depends on the identifier only, so that
//! it is stable across requests.

use sha2::{Digest, Sha256};

/// The maximum length of a tool name, tool call id or property name in Bedrock.
pub const MAX_LENGTH: usize = 64;

/// The number of hexadecimal digits of the digest in a replaced identifier.
const DIGEST_LENGTH: usize = 12;

/// Returns `text` if it is 1 to 64 letters, digits and `punctuation`; otherwise a sanitized
/// prefix and a digest.
pub fn identifier(text: &str, punctuation: &[char]) -> String {
    match is_identifier(text, punctuation) {
        true => text.to_owned(),
        false => with_digest(text, punctuation),
    }
}

/// Whether `text` is 1 to 64 letters, digits and `punctuation`.
pub fn is_identifier(text: &str, punctuation: &[char]) -> bool {
    (1..=MAX_LENGTH).contains(&text.len()) && text.chars().all(|c| fits(c, punctuation))
}

/// A sanitized prefix of `text` and a digest of it.
pub fn with_digest(text: &str, punctuation: &[char]) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let suffix: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    let room = MAX_LENGTH - DIGEST_LENGTH - 1;
    let kept = text.chars().map(|c| match fits(c, punctuation) {
        true => c,
        false => '_',
    });
    let mut name: String = kept.take(room).collect();
    name.push('_');
    name.push_str(&suffix);
    name
}

/// Whether `text` ends with a digest, as replaced identifiers do.
pub fn has_digest(text: &str) -> bool {
    let is_hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    match text.as_bytes().rsplit(|b| *b == b'_').next() {
        Some(suffix) => {
            suffix.len() == DIGEST_LENGTH && suffix.len() < text.len() && suffix.iter().all(is_hex)
        }
        None => false,
    }
}

/// Nine letters and digits derived from `text`.
pub fn nine_alphanumerics(text: &str) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digest = Sha256::digest(text.as_bytes());
    let mut number = digest
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let digits = std::iter::repeat_with(|| {
        let digit = usize::try_from(number % 62).unwrap_or_default();
        number /= 62;
        ALPHABET.get(digit).copied().map_or('0', char::from)
    });
    digits.take(9).collect()
}

fn fits(c: char, punctuation: &[char]) -> bool {
    c.is_ascii_alphanumeric() || punctuation.contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_renamed_identifier_is_recognized() {
        assert!(has_digest(&with_digest("a b", &['_'])));
        assert!(has_digest(&with_digest("", &[])));
        for name in [
            "",
            "a",
            "_",
            "a_0123456789ag",
            "0123456789ab",
            "a_0123456789abc",
        ] {
            assert!(!has_digest(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_valid_identifier(text in "\\PC{0,100}") {
            let punctuation = ['_', '.'];
            prop_assert!(is_identifier(&identifier(&text, &punctuation), &punctuation));
            let nine = nine_alphanumerics(&text);
            prop_assert!(nine.len() == 9 && nine.bytes().all(|b| b.is_ascii_alphanumeric()));
        }
    }
}
