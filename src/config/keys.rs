use std::fmt;

use sha2::{Digest, Sha256};
use toml::Value;

use super::chat::{ChatOverrides, Guardrails, read_overrides};
use super::reader::Section;

/// The shortest key that is taken: a shorter one can be guessed.
const SHORTEST_KEY: usize = 8;

/// A caller and its key: `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The caller's name, in logs and limits.
    pub caller: String,
    /// The digest of its key.
    pub digest: KeyDigest,
    /// How its chat requests are treated.
    pub chat: ChatOverrides,
}

/// The SHA-256 of a key. Keys themselves are not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of `key`.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(hex: &str) -> Option<Self> {
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        let mut digest = [0; 32];
        for (position, byte) in digest.iter_mut().enumerate() {
            let digits = hex.get(2 * position..2 * position + 2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(digest))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyDigest(..)")
    }
}

/// Each entry is a caller's name with its key, `env:NAME`, or `sha256:` and the key's digest; or a
/// section with that as its `key`, which says more.
pub(super) fn read(section: &mut Section<'_>, guardrails: &Guardrails) -> Vec<KeyEntry> {
    let mut keys = Vec::new();
    for (caller, value) in section.entries() {
        let (key, chat) = match value {
            Value::Table(table) => {
                let mut entry = section.of_table(&caller, table);
                let mut key = None;
                entry.text("key", &mut key, |text| Ok(Some(text.to_owned())));
                let chat = read_overrides(&mut entry, guardrails);
                entry.finish();
                (Value::String(key.unwrap_or_default()), chat)
            }
            other => (other, ChatOverrides::default()),
        };
        match read_key(&key) {
            Ok(digest) => keys.push(KeyEntry {
                caller,
                digest,
                chat,
            }),
            // The value is not shown: it may be a key with a slip in it.
            Err(remedy) => section.mistake(&caller, "this is no key", &remedy),
        }
    }
    keys
}

fn read_key(value: &Value) -> Result<KeyDigest, String> {
    let Value::String(text) = value else {
        return Err("write it as a string in quotes".to_owned());
    };
    if let Some(hex) = text.strip_prefix("sha256:") {
        return KeyDigest::from_hex(hex)
            .ok_or_else(|| "write 64 hexadecimal digits after `sha256:`".to_owned());
    }
    if let Some(name) = text.strip_prefix("env:") {
        let key = std::env::var(name)
            .map_err(|_| format!("set the environment variable `{name}`, which it names"))?;
        return checked(&key);
    }
    checked(text)
}

fn checked(key: &str) -> Result<KeyDigest, String> {
    if key.len() < SHORTEST_KEY || !key.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!(
            "write at least {SHORTEST_KEY} visible ASCII characters, without spaces"
        ));
    }
    Ok(KeyDigest::of(key))
}

/// The keys of `OUTCROP_API_KEYS`: callers `key-1`, `key-2`, in order.
pub(super) fn from_list(list: &str) -> Result<Vec<KeyEntry>, String> {
    let keys = list.split(',').map(str::trim).filter(|key| !key.is_empty());
    (1..)
        .zip(keys)
        .map(|(number, key)| {
            let digest = checked(key).map_err(|remedy| format!("key {number}: {remedy}"))?;
            Ok(KeyEntry {
                caller: format!("key-{number}"),
                digest,
                chat: ChatOverrides::default(),
            })
        })
        .collect()
}
