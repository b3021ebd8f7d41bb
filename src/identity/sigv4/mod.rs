//! Verifies AWS Signature Version 4 of requests signed with one of the gateway's access keys. No
//! I/O.

mod refusal;

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::request::Parts;
use time::{OffsetDateTime, PrimitiveDateTime};

pub(super) use refusal::SignatureError;

use crate::sigv4::{
    ALGORITHM, SigningKey, TERMINATOR, TIME_FORMAT, canonical_headers, canonical_url, sha256_hex,
};

/// The service in the scope of requests to bedrock-runtime.
const SERVICE: &str = "bedrock";

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
#[derive(Debug)]
pub(super) struct PendingSignature {
    /// The canonical request without the hash of the body, which is its end.
    canonical: Vec<u8>,
    signed_at: String,
    key: SigningKey,
    signature: [u8; 32],
    /// The value of `x-amz-content-sha256`.
    announced: Option<Vec<u8>>,
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
        check_signed(head, signed_headers)?;
        let key = SigningKey::derive(secret_access_key, date, region, service)
            .map_err(|_| SignatureError::OtherSignature)?;
        let mut canonical = format!("{}\n{}", head.method, canonical_url(&head.uri)).into_bytes();
        canonical_headers(&head.headers, signed_headers, &mut canonical);
        let announced = head.headers.get("x-amz-content-sha256");
        Ok(PendingSignature {
            canonical,
            signed_at: signed_at.to_owned(),
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
            signed_at,
            key,
            signature,
            announced,
        } = self;
        let hash = sha256_hex(body);
        // Unsigned and chunk-signed payloads are not accepted by Bedrock.
        if announced.is_some_and(|announced| announced != hash) {
            return false;
        }
        canonical.extend_from_slice(&hash);
        key.verify(&signed_at, &canonical, &signature)
    }
}

/// Checks that `host` is signed, without which a signature would be valid for any server, and every
/// `x-amz-` header.
fn check_signed(head: &Parts, signed_headers: &str) -> Result<(), SignatureError> {
    let is_signed = |name: &str| signed_headers.split(';').any(|signed| signed == name);
    if !is_signed("host") {
        return Err(SignatureError::Unsigned("Host".to_owned()));
    }
    let amazon = head.headers.keys().map(|name| name.as_str());
    let mut amazon = amazon.filter(|name| name.starts_with("x-amz-"));
    match amazon.find(|name| !is_signed(name)) {
        Some(name) => Err(SignatureError::Unsigned(name.to_owned())),
        None => Ok(()),
    }
}

fn check_time(signed_at: &str, now: SystemTime) -> Result<(), SignatureError> {
    let signed = PrimitiveDateTime::parse(signed_at, TIME_FORMAT)
        .map_err(|_| SignatureError::Incomplete("X-Amz-Date"))?
        .assume_utc();
    let now = OffsetDateTime::from(now);
    let (earliest, latest) = (now - TOLERANCE, now + TOLERANCE);
    let written = |time: OffsetDateTime| time.format(TIME_FORMAT).unwrap_or_default();
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

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
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
