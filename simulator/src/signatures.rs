//! Seals of reasoning blocks: signatures of text, and redacted blocks.
//!
//! Claude signs its reasoning and accepts it only unchanged. The simulator's signatures are HMACs
//! of the text with a fixed key, so that every simulator process accepts them.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::Sha256;

use crate::binding::{self, Bound, Prefix};
use crate::conversation::{Block, Conversation, blocks, text};

const KEY: &[u8] = b"bedrock-simulator reasoning";
/// Precedes every HMAC, so that readers recognise simulated seals.
const SIGNATURE_PREFIX: &[u8] = b"simulated:";

/// Length of the prefix and the HMAC.
const SEAL: usize = SIGNATURE_PREFIX.len() + 32;

/// The signature of a text; it contains the binding.
pub(crate) fn signature(text: &str, bound: Option<Bound>) -> String {
    let mut content = bound.map(Bound::to_bytes).unwrap_or_default();
    let seal = sealed(b"text:", &[text.as_bytes(), content.as_slice()].concat());
    content.extend(seal);
    BASE64_STANDARD.encode(content)
}

/// Whether a signature belongs to a text.
pub(crate) fn is_signature(signature: &str, text: &str) -> bool {
    signature == self::signature(text, bound(signature))
}

/// Redacted reasoning (`redactedContent`); the text cannot be recovered.
pub(crate) fn redacted(text: &str, bound: Option<Bound>) -> String {
    let mut content = bound.map(Bound::to_bytes).unwrap_or_default();
    content.extend(text.len().to_be_bytes());
    let seal = sealed(b"redacted:", &content);
    content.extend(seal);
    BASE64_STANDARD.encode(content)
}

/// Whether redacted content is unmodified and from a simulator.
pub(crate) fn is_redacted(content: &str) -> bool {
    let bytes = BASE64_STANDARD.decode(content).unwrap_or_default();
    let length = bytes.len().checked_sub(SEAL);
    length
        .and_then(|length| bytes.split_at_checked(length))
        .is_some_and(|(content, seal)| !content.is_empty() && sealed(b"redacted:", content) == seal)
}

/// The binding in a simulated seal; `None` for other seals.
pub(crate) fn bound(seal: &str) -> Option<Bound> {
    let bytes = BASE64_STANDARD.decode(seal).unwrap_or_default();
    let content = bytes.get(..bytes.len().checked_sub(SEAL)?)?;
    // In redacted content, the length of the text follows the binding.
    let length = content.len() - content.len() % 64;
    Bound::from_bytes(content.get(..length)?)
}

/// Seals in scripted responses; they are accepted like simulated ones.
#[derive(Debug, Default)]
pub(crate) struct Seals(Mutex<HashMap<String, ScriptedSeal>>);

/// A seal from a scripted response.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScriptedSeal {
    /// The binding; `None` if the family does not bind reasoning.
    pub(crate) bound: Option<Bound>,
    /// Identity of the block before it in the response.
    pub(crate) before: Option<String>,
}

impl Seals {
    /// Remembers every seal in a response or event.
    pub(crate) fn remember(&self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.remember(value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("signature" | "redactedContent", Value::String(seal)) => {
                            self.0.lock().entry(seal.clone()).or_default();
                        }
                        _ => self.remember(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// Remembers the seals of a complete response to a conversation, with their bindings if
    /// `binds`.
    pub(crate) fn remember_response(
        &self,
        body: &Value,
        conversation: &Conversation<'_>,
        binds: bool,
    ) {
        let mut prefix = Prefix::of(conversation);
        let mut before = None;
        for block in blocks(body.pointer("/output/message/content")) {
            if block.kind == "reasoningContent" {
                let scripted = ScriptedSeal {
                    bound: binds.then(|| prefix.bound()),
                    before,
                };
                let seal = binding::seal(block.value).to_owned();
                self.0.lock().insert(seal, scripted);
            }
            prefix.push("assistant", &block);
            before = Some(block_identity(&block));
        }
    }

    pub(crate) fn knows(&self, seal: &str) -> bool {
        self.0.lock().contains_key(seal)
    }

    /// A scripted seal; `None` if no script sent it.
    pub(crate) fn scripted(&self, seal: &str) -> Option<ScriptedSeal> {
        self.0.lock().get(seal).cloned()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

/// Identifies a block; independent of the text of reasoning.
pub(crate) fn block_identity(block: &Block<'_>) -> String {
    let id = match block.kind {
        "toolUse" => text(block.value.get("toolUseId")),
        "reasoningContent" => binding::seal(block.value),
        _ => "",
    };
    format!("{} {id}", block.kind)
}

fn sealed(purpose: &[u8], content: &[u8]) -> Vec<u8> {
    let mut seal = SIGNATURE_PREFIX.to_vec();
    // HMAC accepts keys of any length.
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
    fn only_unmodified_reasoning_is_accepted() {
        let seal = signature("Let me see.", None);
        assert!(is_signature(&seal, "Let me see."));
        assert!(!is_signature(&seal, "Let me see!"));
        assert!(!is_signature("c2ln", "Let me see."));
        let bound = Bound {
            prompt: [1; 32],
            predecessor: [2; 32],
        };
        let elsewhere = signature("Let me see.", Some(bound));
        assert!(is_signature(&elsewhere, "Let me see."));
        assert!(!is_signature(&elsewhere, "Let me see!"));
        assert_eq!(
            (self::bound(&elsewhere), self::bound(&seal)),
            (Some(bound), None)
        );
        let redacted_content = redacted("Let me see.", Some(bound));
        assert!(is_redacted(&redacted_content));
        assert_eq!(self::bound(&redacted_content), Some(bound));
        let redacted_content = redacted("Let me see.", None);
        assert!(is_redacted(&redacted_content));
        assert!(!is_redacted(&redacted_content.replacen('A', "B", 1)));
        assert!(!is_redacted(""));
    }
}
