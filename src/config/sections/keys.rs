use std::fmt;

use sha2::{Digest, Sha256};
use toml::Value;

use super::allowances::read_grant;
use super::chat::{ChatOverrides, Guardrails, read_overrides};
use crate::allowances::KeyGrant;
use crate::config::reader::Section;

/// The minimum length of a key: a shorter one can be guessed.
const MIN_KEY_LENGTH: usize = 8;

/// The minimum length of a secret: a signature allows guessing offline.
const MIN_SECRET_LENGTH: usize = 32;

/// A caller and its key: `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The caller's name, in logs and limits.
    pub caller: String,
    /// The digest of its key.
    pub digest: KeyDigest,
    /// The access key that signs requests to Bedrock's own API.
    pub access_key: Option<AccessKey>,
    /// Settings of the caller's chat requests.
    pub chat: ChatOverrides,
    /// The team and the user, and what the key may use.
    pub grant: KeyGrant,
}

/// The SHA-256 digest of a key. Keys themselves are not stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of `key`.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Some of its bits, for hash tables.
    pub fn prefix(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// The bytes of the digest.
    pub fn bytes(self) -> [u8; 32] {
        self.0
    }

    /// Parses 64 hexadecimal digits.
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

impl From<[u8; 32]> for KeyDigest {
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

/// An access key that the operator issued to clients that sign requests with SigV4.
///
/// It contains the secret itself: a signature cannot be checked with a digest.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The access key id in the signature of a request.
    pub id: String,
    secret: String,
}

impl AccessKey {
    /// An access key with its secret.
    pub fn new(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        }
    }

    /// The secret that requests are signed with.
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

/// Each entry is a caller with a key (plain, `env:NAME` or `sha256:DIGEST`), or with a section that
/// has the key as `key`.
pub(crate) fn read(section: &mut Section<'_>, guardrails: &Guardrails) -> Vec<KeyEntry> {
    let mut keys = Vec::new();
    for (caller, value) in section.entries() {
        let (key, access_key, chat, grant) = match value {
            Value::Table(table) => {
                let mut entry = section.of_table(&caller, table);
                let mut key = None;
                entry.text("key", &mut key, |text| Ok(Some(text.to_owned())));
                let access_key = read_access_key(&mut entry);
                let chat = read_overrides(&mut entry, guardrails);
                let grant = read_grant(&mut entry);
                entry.finish();
                let key = Value::String(key.unwrap_or_default());
                (key, access_key, chat, grant)
            }
            other => (other, None, ChatOverrides::default(), KeyGrant::default()),
        };
        match read_key(&key) {
            Ok(digest) => keys.push(KeyEntry {
                caller,
                digest,
                access_key,
                chat,
                grant,
            }),
            // The message omits the value, which may be a key with a typo.
            Err(remedy) => section.mistake(&caller, "not a key", &remedy),
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
    checked(&resolve_secret(text)?)
}

/// The text itself, or the value of the environment variable of `env:NAME`.
pub(super) fn resolve_secret(text: &str) -> Result<String, String> {
    let Some(name) = text.strip_prefix("env:") else {
        return Ok(text.to_owned());
    };
    std::env::var(name).map_err(|_| format!("set the environment variable `{name}`"))
}

/// Reads `access_key_id` and `secret_access_key`: both, or neither.
fn read_access_key(entry: &mut Section<'_>) -> Option<AccessKey> {
    let mut id = String::new();
    let mut secret = Value::String(String::new());
    entry.text("access_key_id", &mut id, access_key_id);
    entry.secret("secret_access_key", &mut secret);
    let secret = match secret {
        Value::String(text) => resolve_secret(&text).and_then(|secret| checked_secret(&secret)),
        _ => Err("write it as a string in quotes".to_owned()),
    };
    match (id.is_empty(), secret) {
        // The message omits the value, which may be a secret with a typo.
        (_, Err(remedy)) => entry.mistake("secret_access_key", "not a secret", &remedy),
        (true, Ok(secret)) if secret.is_empty() => {}
        (false, Ok(secret)) if !secret.is_empty() => return Some(AccessKey { id, secret }),
        _ => {
            let remedy = "write both `access_key_id` and `secret_access_key`, or neither";
            entry.mistake("access_key_id", "half of an access key", remedy);
        }
    }
    None
}

/// The format of AWS (botocore, IAM, `accessKeyIdType`), so that every SDK accepts it.
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
pub(crate) fn from_list(list: &str) -> Result<Vec<KeyEntry>, String> {
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
                grant: KeyGrant::default(),
            })
        })
        .collect()
}
