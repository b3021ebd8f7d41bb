//! Verifies AWS Signature Version 4 of requests signed with one of the gateway's access keys,
//! according to AWS's documentation ("Create a signed AWS API request"). No I/O.

mod canonical;
mod refusal;

use std::fmt;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest, Sha256};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

pub(super) use refusal::SignatureError;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The service in the scope of requests to bedrock-runtime.
const SERVICE: &str = "bedrock";

/// The end of the scope of a signature.
const TERMINATOR: &str = "aws4_request";

/// The accepted clock skew, as in AWS (recording `conv-claude-err403-04f679c1`).
const TOLERANCE: Duration = Duration::from_secs(300);

/// Whether a value of `Authorization` is a signature.
pub(super) fn is_signature(authorization: &str) -> bool {
    authorization.starts_with(ALGORITHM)
}

/// The access key id of a signature, valid or not.
pub(super) fn access_key_id(authorization: &str) -> Option<&str> {
    let fields = authorization.strip_prefix(ALGORITHM)?;
    let mut fields = fields.split(',').map(str::trim);
    let credential = fields.find_map(|field| field.strip_prefix("Credential="))?;
    credential.split('/').next()
}

/// A parsed `Authorization` header.
#[derive(Debug)]
pub(super) struct Signature<'a> {
    pub(super) access_key_id: &'a str,
    /// `20250131`
    date: &'a str,
    /// Not checked: the gateway has a region of its own.
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: [u8; 32],
}

/// A signature that is valid if the body matches.
pub(super) struct PendingSignature {
    /// The canonical request without the hash of the body, which is its end.
    canonical: Vec<u8>,
    /// The string to sign without the hash of the canonical request.
    preamble: String,
    key: [u8; 32],
    signature: [u8; 32],
    /// The value of `x-amz-content-sha256`.
    announced: Option<Vec<u8>>,
}

impl fmt::Debug for PendingSignature {
    /// Without the key, which is as powerful as the secret for a day.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PendingSignature(..)")
    }
}

impl<'a> Signature<'a> {
    /// Parses `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
    pub(super) fn parse(authorization: &'a str) -> Result<Self, SignatureError> {
        let fields = authorization.strip_prefix(ALGORITHM).unwrap_or_default();
        let field = |name: &'static str| {
            let mut fields = fields.split(',').map(str::trim);
            fields
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
                .ok_or(SignatureError::Incomplete(name))
        };
        let scope: Vec<&str> = field("Credential")?.split('/').collect();
        let [access_key_id, date, region, service, TERMINATOR] = scope.as_slice() else {
            return Err(SignatureError::Incomplete("Credential"));
        };
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
            signed_headers: field("SignedHeaders")?,
            signature: from_hex(field("Signature")?).ok_or(SignatureError::OtherSignature)?,
        })
    }

    /// Checks everything except the body: service, time and signed headers.
    pub(super) fn over(
        &self,
        head: &Parts,
        secret_access_key: &str,
        now: SystemTime,
    ) -> Result<PendingSignature, SignatureError> {
        if self.service != SERVICE {
            return Err(SignatureError::OtherService);
        }
        let signed_at =
            text(&head.headers, "x-amz-date").ok_or(SignatureError::Incomplete("X-Amz-Date"))?;
        check_time(signed_at, now)?;
        if !signed_at.starts_with(self.date) || self.date.len() != 8 {
            return Err(SignatureError::OtherDate);
        }
        self.prepared(head, signed_at, secret_access_key)
    }

    fn prepared(
        &self,
        head: &Parts,
        signed_at: &str,
        secret_access_key: &str,
    ) -> Result<PendingSignature, SignatureError> {
        let Self {
            access_key_id: _,
            date,
            region,
            service,
            signed_headers,
            signature,
        } = self;
        let mut key = hmac(
            format!("AWS4{secret_access_key}").as_bytes(),
            date.as_bytes(),
        );
        for part in [region, service, TERMINATOR] {
            key = hmac(&key, part.as_bytes());
        }
        let announced = head.headers.get("x-amz-content-sha256");
        Ok(PendingSignature {
            canonical: canonical::up_to_body(head, signed_headers)?,
            preamble: format!("{ALGORITHM}\n{signed_at}\n{date}/{region}/{service}/{TERMINATOR}\n"),
            key,
            signature: *signature,
            announced: announced.map(|value| value.as_bytes().to_vec()),
        })
    }
}

impl PendingSignature {
    /// Whether the signature covers `body`. The comparison takes constant time.
    pub(super) fn covers(self, body: &[u8]) -> bool {
        let Self {
            mut canonical,
            mut preamble,
            key,
            signature,
            announced,
        } = self;
        let hash = to_hex(&Sha256::digest(body));
        // Unsigned and chunk-signed payloads are not accepted by Bedrock.
        if announced.is_some_and(|announced| announced != hash.as_bytes()) {
            return false;
        }
        canonical.extend_from_slice(hash.as_bytes());
        preamble.push_str(&to_hex(&Sha256::digest(&canonical)));
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
            return false;
        };
        mac.update(preamble.as_bytes());
        mac.verify_slice(&signature).is_ok()
    }
}

fn check_time(signed_at: &str, now: SystemTime) -> Result<(), SignatureError> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let signed = PrimitiveDateTime::parse(signed_at, &format)
        .map_err(|_| SignatureError::Incomplete("X-Amz-Date"))?
        .assume_utc();
    let now = OffsetDateTime::from(now);
    let (earliest, latest) = (now - TOLERANCE, now + TOLERANCE);
    let written = |time: OffsetDateTime| time.format(&format).unwrap_or_default();
    let refusal = |limit: OffsetDateTime| {
        let (signed_at, limit, now) = (signed_at.to_owned(), written(limit), written(now));
        (signed_at, limit, now)
    };
    if signed < earliest {
        return Err(SignatureError::Expired(refusal(earliest)));
    }
    if signed > latest {
        return Err(SignatureError::NotYetCurrent(refusal(latest)));
    }
    Ok(())
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (position, byte) in bytes.iter_mut().enumerate() {
        let digits = hex.get(2 * position..2 * position + 2)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
