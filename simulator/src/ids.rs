//! Identifiers in AWS's forms.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

/// A new request id: a version 4 UUID.
pub(crate) fn request_id() -> String {
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0x0fff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff,
    )
}

/// A new tool call id in Converse's form: `tooluse_` and 22 characters.
pub(crate) fn tool_use_id() -> String {
    format!("tooluse_{}", characters(22))
}

/// `count` random characters of the URL-safe base64 alphabet.
pub(crate) fn characters(count: usize) -> String {
    (0..count)
        .filter_map(|_| ALPHABET.get((random() & 63) as usize))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Unique rather than secure: a counter mixed with a number drawn once per process (splitmix64).
fn random() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let seed = SEED.get_or_init(|| RandomState::new().build_hasher().finish());
    let step = COUNTER
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = seed.wrapping_add(step);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_aws_format_and_are_unique() {
        let id = request_id();
        assert_eq!(id.len(), 36);
        assert_eq!(id.chars().nth(14), Some('4'));
        assert_ne!(id, request_id());
        assert_eq!(tool_use_id().len(), "tooluse_".len() + 22);
        assert_ne!(tool_use_id(), tool_use_id());
    }
}
