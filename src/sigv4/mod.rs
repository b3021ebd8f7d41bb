//! AWS Signature Version 4, according to AWS's documentation ("Create a signed AWS API request"):
//! what signing requests to AWS and verifying those of AWS clients have in common. No I/O.

mod canonical;

use std::fmt;

use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

pub use canonical::{RESERVED, canonical_headers, canonical_url};

/// The start of the `Authorization` header of a signed request.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The end of a scope.
pub const TERMINATOR: &str = "aws4_request";

/// The format of the time of a signature, `20250131T235959Z`. The first eight characters are the
/// date of its scope.
pub const TIME_FORMAT: StaticFormatDescription =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// The signing key of a scope: a day, a region, and a service.
#[derive(Clone)]
pub struct SigningKey {
    /// `20250131/us-east-1/bedrock/aws4_request`
    scope: String,
    /// Initialized with the key.
    mac: Hmac<Sha256>,
}

impl SigningKey {
    /// Derives the key. `date` has the format `20250131`.
    pub fn derive(
        secret_access_key: &str,
        date: &str,
        region: &str,
        service: &str,
    ) -> Result<Self, InvalidLength> {
        let secret = format!("AWS4{secret_access_key}");
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
        for part in [date, region, service, TERMINATOR] {
            mac.update(part.as_bytes());
            mac = Hmac::new_from_slice(&mac.finalize().into_bytes())?;
        }
        Ok(Self {
            scope: format!("{date}/{region}/{service}/{TERMINATOR}"),
            mac,
        })
    }

    /// Whether it is the key of this scope.
    pub fn is_for(&self, date: &str, region: &str, service: &str) -> bool {
        let scope = [date, region, service, TERMINATOR];
        self.scope.split('/').eq(scope)
    }

    /// The scope, as in the `Authorization` header.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The signature of a canonical request, in hexadecimal.
    pub fn sign(&self, time: &str, canonical_request: &[u8]) -> [u8; 64] {
        let mac = self.mac(time, canonical_request);
        to_hex(mac.finalize().into_bytes().into())
    }

    /// Whether `signature` is the signature of a canonical request. Takes constant time.
    pub fn verify(&self, time: &str, canonical_request: &[u8], signature: &[u8; 32]) -> bool {
        let mac = self.mac(time, canonical_request);
        mac.verify_slice(signature).is_ok()
    }

    /// The MAC of the string to sign.
    fn mac(&self, time: &str, canonical_request: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        for part in [ALGORITHM, "\n", time, "\n", &self.scope, "\n"] {
            mac.update(part.as_bytes());
        }
        mac.update(&sha256_hex(canonical_request));
        mac
    }
}

impl fmt::Debug for SigningKey {
    /// Without the key, which is as powerful as the secret for a day.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("SigningKey");
        debug.field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The SHA-256 hash, in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> [u8; 64] {
    to_hex(Sha256::digest(bytes).into())
}

fn to_hex(bytes: [u8; 32]) -> [u8; 64] {
    let digit = |value: u8| value + if value < 10 { b'0' } else { b'a' - 10 };
    let mut hex = [0; 64];
    let (pairs, _) = hex.as_chunks_mut();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    hex
}
