//! The seals on reasoning: a signature under a text, or a text sealed as a whole.
//!
//! Claude signs its reasoning and takes it back only as it was. The simulator's signatures are
//! keyed hashes of the text, so that it knows its own again, also those of another process.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

const KEY: &[u8] = b"bedrock-simulator reasoning";
/// In front of every hash, so that a seal is recognised when it is looked at.
const MARK: &[u8] = b"simulated:";

/// The signature under a text.
pub(crate) fn signature(text: &str) -> String {
    BASE64_STANDARD.encode(sealed(b"text:", text.as_bytes()))
}

/// Whether a signature belongs to a text.
pub(crate) fn is_signature(signature: &str, text: &str) -> bool {
    signature == self::signature(text)
}

/// A text sealed as a whole (`redactedContent`); what it said is lost.
pub(crate) fn redacted(text: &str) -> String {
    let mut content = text.len().to_be_bytes().to_vec();
    let seal = sealed(b"redacted:", &content);
    content.extend(seal);
    BASE64_STANDARD.encode(content)
}

/// Whether a sealed text is one of ours, unchanged.
pub(crate) fn is_redacted(content: &str) -> bool {
    let bytes = BASE64_STANDARD.decode(content).unwrap_or_default();
    bytes
        .split_at_checked(size_of::<usize>())
        .is_some_and(|(length, seal)| sealed(b"redacted:", length) == seal)
}

/// The seals that scripts put into answers; they are as good as the simulator's own.
#[derive(Debug, Default)]
pub(crate) struct Seals(Mutex<HashSet<String>>);

impl Seals {
    /// Remembers the reasoning of an answer or an event, wherever it stands in it.
    pub(crate) fn remember(&self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.remember(value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("signature" | "redactedContent", Value::String(seal)) => {
                            self.lock().insert(seal.clone());
                        }
                        _ => self.remember(value),
                    }
                }
            }
            _ => {}
        }
    }

    pub(crate) fn knows(&self, seal: &str) -> bool {
        self.lock().contains(seal)
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sealed(purpose: &[u8], content: &[u8]) -> Vec<u8> {
    let mut seal = MARK.to_vec();
    // A key of any length will do.
    if let Ok(mut hash) = Hmac::<Sha256>::new_from_slice(KEY) {
        hash.update(purpose);
        hash.update(content);
        seal.extend(hash.finalize().into_bytes());
    }
    seal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unchanged_reasoning_is_recognised() {
        let seal = signature("Let me see.");
        assert!(is_signature(&seal, "Let me see."));
        assert!(!is_signature(&seal, "Let me see!"));
        assert!(!is_signature("c2ln", "Let me see."));
        let whole = redacted("Let me see.");
        assert!(is_redacted(&whole));
        assert!(!is_redacted(&whole.replacen('A', "B", 1)));
        assert!(!is_redacted(""));
    }
}
