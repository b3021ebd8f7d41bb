use std::fmt;

use sha2::{Digest, Sha256};
use toml::Value;

use super::chat::{ChatOverrides, Guardrails, read_overrides};
use super::reader::Section;

/// The shortest key that is taken: a shorter one can be guessed.
const MIN_KEY_LENGTH: usize = 8;

/// The shortest secret that is taken. A signature can be tried at leisure, by whoever sees one.
const MIN_SECRET_LENGTH: usize = 32;

/// A caller and its key: `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The caller's name, in logs and limits.
    pub caller: String,
    /// The digest of its key.
    pub digest: KeyDigest,
    /// What it signs requests to Bedrock's own API with, where it was given that.
    pub access_key: Option<AccessKey>,
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

/// An access key that the operator gave out, for clients that sign as AWS wants it.
///
/// The secret itself is kept: a signature cannot be checked with its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// What requests name it by.
    pub id: String,
    secret: String,
}

impl AccessKey {
    /// The access key `id`.
    pub fn new(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        }
    }

    /// What requests are signed with.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AccessKey({}, ..)", self.id)
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
        let (key, access_key, chat) = match value {
            Value::Table(table) => {
                let mut entry = section.of_table(&caller, table);
                let mut key = None;
                entry.text("key", &mut key, |text| Ok(Some(text.to_owned())));
                let access_key = read_access_key(&mut entry);
                let chat = read_overrides(&mut entry, guardrails);
                entry.finish();
                (Value::String(key.unwrap_or_default()), access_key, chat)
            }
            other => (other, None, ChatOverrides::default()),
        };
        match read_key(&key) {
            Ok(digest) => keys.push(KeyEntry {
                caller,
                digest,
                access_key,
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
    checked(&stated(text)?)
}

/// A secret as it is written, or that of the environment variable that is named.
fn stated(text: &str) -> Result<String, String> {
    let Some(name) = text.strip_prefix("env:") else {
        return Ok(text.to_owned());
    };
    std::env::var(name)
        .map_err(|_| format!("set the environment variable `{name}`, which it names"))
}

/// `access_key_id` and `secret_access_key`, of which there are both or none.
fn read_access_key(entry: &mut Section<'_>) -> Option<AccessKey> {
    let mut id = String::new();
    let mut secret = Value::String(String::new());
    entry.text("access_key_id", &mut id, access_key_id);
    entry.secret("secret_access_key", &mut secret);
    let secret = match secret {
        Value::String(text) => stated(&text).and_then(|secret| checked_secret(&secret)),
        _ => Err("write it as a string in quotes".to_owned()),
    };
    match (id.is_empty(), secret) {
        // The value is not shown: it may be a secret with a slip in it.
        (_, Err(remedy)) => entry.mistake("secret_access_key", "this is no secret", &remedy),
        (true, Ok(secret)) if secret.is_empty() => {}
        (false, Ok(secret)) if !secret.is_empty() => return Some(AccessKey { id, secret }),
        _ => {
            let remedy = "write both `access_key_id` and `secret_access_key`, or none of them";
            entry.mistake("access_key_id", "half of an access key", remedy);
        }
    }
    None
}

/// The form of AWS's (botocore, IAM, `accessKeyIdType`), so that every SDK takes it.
fn access_key_id(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text {
        "" => Ok(String::new()),
        text if (16..=128).contains(&text.len()) && text.chars().all(fits) => Ok(text.to_owned()),
        _ => Err("write 16 to 128 letters, digits and `_`".to_owned()),
    }
}

fn checked_secret(secret: &str) -> Result<String, String> {
    let is_long = secret.len() >= MIN_SECRET_LENGTH;
    match secret {
        "" => Ok(String::new()),
        secret if is_long && secret.chars().all(|c| c.is_ascii_graphic()) => Ok(secret.to_owned()),
        _ => Err(format!(
            "write at least {MIN_SECRET_LENGTH} visible ASCII characters, without spaces"
        )),
    }
}

fn checked(key: &str) -> Result<KeyDigest, String> {
    if key.len() < MIN_KEY_LENGTH || !key.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!(
            "write at least {MIN_KEY_LENGTH} visible ASCII characters, without spaces"
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
                access_key: None,
                chat: ChatOverrides::default(),
            })
        })
        .collect()
}
