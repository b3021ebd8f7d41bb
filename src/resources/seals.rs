//! Seals: what the gateway gives a client to keep, encrypted and bound to its owner. Nothing is
//! stored; a seal opens on every instance that has the key.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};

/// The version, with which each seal begins. Seals of others do not.
const VERSION: &str = "oc1";

/// The purpose of the derived keys.
const PURPOSE: &[u8] = b"outcrop seal 1";

const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
const INDEX_BYTES: usize = 4;

/// The maximum size of sealed content: more than the longest reasoning of any model.
const MAX_CONTENT: usize = 4 << 20;

/// A key of the operator.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; KEY_BYTES]);

impl SealKey {
    /// Parses the base64 of 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        bytes.try_into().map(Self).ok()
    }

    /// The id, which says nothing about the key.
    fn id(&self) -> String {
        let digest = Sha256::digest([b"outcrop seal key id".as_slice(), &self.0].concat());
        let first = digest.iter().take(4);
        first.map(|byte| format!("{byte:02x}")).collect()
    }

    /// The cipher of the seals with this salt.
    fn cipher(&self, salt: &[u8; SALT_BYTES]) -> Option<LessSafeKey> {
        let derived = Salt::new(HKDF_SHA256, salt).extract(&self.0);
        let derived = derived.expand(&[PURPOSE], &AES_256_GCM_SIV).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(derived)))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealKey(..)")
    }
}

/// A key that is in use.
#[derive(Debug)]
struct NamedKey {
    id: String,
    key: SealKey,
}

/// The keys: the first one seals, all of them open.
#[derive(Debug, Clone)]
pub struct Seals {
    keys: Arc<[NamedKey]>,
    /// The key of this process, for use without configured ones; `None` if there are no random
    /// numbers.
    own: Option<SealKey>,
}

impl Seals {
    /// Seals with the configured `keys`, or with a new key of this process if there are none.
    pub fn new(keys: &[SealKey]) -> Self {
        Self::with_own(keys, random().map(SealKey))
    }

    /// The same with other configured keys. The key of the process stays.
    pub fn reconfigured(&self, keys: &[SealKey]) -> Self {
        Self::with_own(keys, self.own.clone())
    }

    fn with_own(keys: &[SealKey], own: Option<SealKey>) -> Self {
        let named = |key: &SealKey| NamedKey {
            id: key.id(),
            key: key.clone(),
        };
        let in_use = match keys {
            [] => own.as_slice(),
            keys => keys,
        };
        Self {
            keys: in_use.iter().map(named).collect(),
            own,
        }
    }

    /// Seals the parts of one response, for `owner`; `None` if there are no random numbers.
    pub fn sealer(&self, owner: &str) -> Option<Sealer> {
        random().map(|salt| self.salted(owner, salt))
    }

    /// The same with a salt, which no other response may have.
    pub fn salted(&self, owner: &str, salt: [u8; SALT_BYTES]) -> Sealer {
        Sealer {
            keys: Arc::clone(&self.keys),
            owner: owner.into(),
            salt,
        }
    }

    /// The content of `seal`; `None` if it is not one, belongs to another owner or another gateway,
    /// or was changed.
    pub fn open(&self, owner: &str, seal: &str) -> Option<Vec<u8>> {
        let (id, text) = seal
            .strip_prefix(VERSION)?
            .strip_prefix('.')?
            .split_once('.')?;
        let NamedKey { key, .. } = self.keys.iter().find(|key| key.id == id)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (salt, rest) = bytes.split_first_chunk::<SALT_BYTES>()?;
        let (index, sealed) = rest.split_first_chunk::<INDEX_BYTES>()?;
        let mut sealed = sealed.to_vec();
        let bound = Aad::from(bound(id, owner));
        let cipher = key.cipher(salt)?;
        let opened = cipher.open_in_place(nonce(*index), bound, &mut sealed);
        inflate(opened.ok()?)
    }
}

/// Whether `text` has the form of a seal of this gateway or of another one.
pub fn is_seal(text: &str) -> bool {
    text.strip_prefix(VERSION)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Seals the parts of one response.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<[NamedKey]>,
    owner: Arc<str>,
    salt: [u8; SALT_BYTES],
}

impl Sealer {
    /// The seal of `content`, the part `index` of the response; `None` if it is too long.
    pub fn seal(&self, index: u32, content: &[u8]) -> Option<String> {
        let NamedKey { id, key } = self.keys.first()?;
        let index = index.to_be_bytes();
        let mut sealed = deflate(content)?;
        let cipher = key.cipher(&self.salt)?;
        let bound = Aad::from(bound(id, &self.owner));
        cipher
            .seal_in_place_append_tag(nonce(index), bound, &mut sealed)
            .ok()?;
        let bytes = [self.salt.as_slice(), &index, &sealed].concat();
        Some(format!("{VERSION}.{id}.{}", URL_SAFE_NO_PAD.encode(bytes)))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealer(..)")
    }
}

/// What a seal is bound to: its version, its key and its owner.
fn bound(id: &str, owner: &str) -> Vec<u8> {
    format!("{VERSION}.{id}.{owner}").into_bytes()
}

/// The key is derived with a random salt, so that the index is enough. This cipher keeps its secrets
/// even if a nonce is used twice.
fn nonce([a, b, c, d]: [u8; INDEX_BYTES]) -> Nonce {
    let nonce: [u8; NONCE_LEN] = [0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d];
    Nonce::assume_unique_for_key(nonce)
}

fn deflate(content: &[u8]) -> Option<Vec<u8>> {
    if content.len() > MAX_CONTENT {
        return None;
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}

fn inflate(deflated: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let limited = DeflateDecoder::new(deflated).take(MAX_CONTENT as u64 + 1);
    { limited }.read_to_end(&mut content).ok()?;
    (content.len() <= MAX_CONTENT).then_some(content)
}

fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey([byte; KEY_BYTES])
    }

    fn sealed(seals: &Seals, content: &[u8]) -> String {
        let sealer = seals.sealer("a").expect("random numbers");
        sealer.seal(7, content).expect("a seal")
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_only() {
        let seals = Seals::new(&[]);
        let seal = sealed(&seals, b"thoughts");
        assert!(is_seal(&seal) && !seal.contains("thoughts"));
        assert_eq!(seals.open("a", &seal).as_deref(), Some(&b"thoughts"[..]));
        assert_eq!(seals.open("b", &seal), None);
        assert_eq!(Seals::new(&[]).open("a", &seal), None);
    }

    #[test]
    fn keys_rotate() {
        let before = Seals::new(&[key(1)]);
        let seal = sealed(&before, b"x");
        let during = before.reconfigured(&[key(2), key(1)]);
        assert!(during.open("a", &seal).is_some());
        let newer = sealed(&during, b"x");
        assert_eq!(before.open("a", &newer), None);
        let after = Seals::new(&[key(2)]);
        assert_eq!(after.open("a", &seal), None);
        assert!(after.open("a", &newer).is_some());
    }

    #[test]
    fn a_reload_keeps_the_key_of_the_process() {
        let seals = Seals::new(&[]);
        let seal = sealed(&seals, b"x");
        let reloaded = seals.reconfigured(&[key(1)]).reconfigured(&[]);
        assert!(reloaded.open("a", &seal).is_some());
    }

    #[test]
    fn a_seal_with_one_changed_bit_does_not_open() {
        let seals = Seals::new(&[key(1)]);
        let sealer = seals.salted("a", [3; SALT_BYTES]);
        let seal = sealer.seal(0, b"some thoughts").expect("a seal");
        for position in 0..seal.len() {
            for bit in 0..8 {
                let mut bytes = seal.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                if let Ok(changed) = String::from_utf8(bytes) {
                    assert_eq!(seals.open("a", &changed), None, "{position} {bit}");
                }
            }
            assert_eq!(seals.open("a", &seal[..position]), None, "{position}");
        }
    }

    #[test]
    fn parts_of_a_response_have_different_seals() {
        let sealer = Seals::new(&[key(1)]).salted("a", [3; SALT_BYTES]);
        assert_ne!(sealer.seal(0, b"x"), sealer.seal(1, b"x"));
    }

    #[test]
    fn content_is_bounded_when_it_is_sealed_and_when_it_is_opened() {
        let seals = Seals::new(&[key(1)]);
        let sealer = seals.salted("a", [3; SALT_BYTES]);
        assert_eq!(sealer.seal(0, &vec![0; MAX_CONTENT + 1]), None);
        let seal = sealer.seal(0, &vec![0; MAX_CONTENT]).expect("a seal");
        assert_eq!(
            seals.open("a", &seal).map(|content| content.len()),
            Some(MAX_CONTENT)
        );
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder
            .write_all(&vec![0; MAX_CONTENT + 1])
            .expect("written");
        assert_eq!(inflate(&encoder.finish().expect("complete")), None);
    }

    #[test]
    fn keys_are_the_base64_of_32_bytes_and_are_not_printed() {
        let text = STANDARD.encode([9; KEY_BYTES]);
        assert_eq!(SealKey::parse(&format!("{text}\n")), Some(key(9)));
        assert_eq!(SealKey::parse(&STANDARD.encode([9; 31])), None);
        assert_eq!(SealKey::parse("no base64"), None);
        let shown = format!("{:?} {:?}", Seals::new(&[key(9)]), key(9));
        assert!(!shown.contains("9, 9"), "{shown}");
    }
}
