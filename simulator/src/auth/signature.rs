//! Verification of AWS Signature Version 4.
//!
//! Written from AWS's description ("Create a signed AWS API request") without code shared with any
//! client: tests would not detect a mistake that client and simulator have in common.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::StatusCode;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::error::AwsError;
use crate::operation::CHAT_COMPLETIONS;
use crate::timestamp;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Allowed clock skew.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Every character except the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');
/// Service names in credential scopes.
const SERVICES: [&str; 2] = ["bedrock", "sts"];

/// Host prefix and service name of AWS's OpenAI-compatible endpoint.
const MANTLE: &str = "bedrock-mantle";

/// The parts of an `authorization` header or of a presigned URL.
#[derive(Debug)]
pub(crate) struct Signature<'a> {
    pub(crate) access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    pub(super) service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Signature<'a> {
    /// Parses `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
    pub(crate) fn parse(header: &'a str) -> Result<Self, AwsError> {
        Self::parts(header).ok_or_else(|| {
            AwsError::of_credentials(
                StatusCode::BAD_REQUEST,
                "IncompleteSignatureException",
                "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
            )
        })
    }

    fn parts(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix(ALGORITHM)?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
        };
        Self::of(
            field("Credential")?,
            field("SignedHeaders")?,
            field("Signature")?,
        )
    }

    /// Parses the three raw fields; `None` if the credential scope is malformed.
    pub(crate) fn of(
        credential: &'a str,
        signed_headers: &'a str,
        signature: &'a str,
    ) -> Option<Self> {
        let mut scope = credential.split('/');
        let parts = Self {
            access_key_id: scope.next()?,
            date: scope.next()?,
            region: scope.next()?,
            service: scope.next()?,
            signed_headers,
            signature,
        };
        (scope.next()? == "aws4_request").then_some(parts)
    }

    /// Rejects a wrong service, a timestamp outside the tolerance, or a signature mismatch.
    pub(super) fn check(
        &self,
        head: &Parts,
        body: &[u8],
        secret_access_key: &str,
        now: SystemTime,
    ) -> Result<(), AwsError> {
        let is_mantle = self.service == MANTLE && head.uri.path() == CHAT_COMPLETIONS;
        if !SERVICES.contains(&self.service) && !is_mantle {
            return Err(invalid(
                "Credential should be scoped to correct service: 'bedrock'. ",
            ));
        }
        let signed_at = header(head, "x-amz-date").unwrap_or_default();
        check_time(signed_at, now)?;
        let does_not_match = || {
            invalid(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
            )
        };
        // Path segments are URI-encoded twice for every service except S3.
        let path = utf8_percent_encode(head.uri.path(), RESERVED_IN_PATH).to_string();
        let query = head.uri.query().unwrap_or_default();
        let body_hash = body_hash(head, body).ok_or_else(does_not_match)?;
        if self.holds(head, &path, query, &body_hash, signed_at, secret_access_key) {
            Ok(())
        } else {
            Err(does_not_match())
        }
    }

    /// Whether the signature matches the request. `path` is encoded as the service requires.
    pub(crate) fn holds(
        &self,
        head: &Parts,
        path: &str,
        query: &str,
        body_hash: &str,
        signed_at: &str,
        secret_access_key: &str,
    ) -> bool {
        self.canonical_request(head, path, query, body_hash)
            .is_some_and(|canonical| {
                self.over(&canonical, signed_at, secret_access_key) == self.signature
            })
    }

    /// `None` if the `host` header is not signed.
    fn canonical_request(
        &self,
        head: &Parts,
        path: &str,
        query: &str,
        body_hash: &str,
    ) -> Option<String> {
        if !self.signed_headers.split(';').any(|name| name == "host") {
            return None;
        }
        let mut canonical = format!("{}\n{}\n{}\n", head.method, path, canonical_query(query),);
        for name in self.signed_headers.split(';') {
            let values: Vec<String> = head
                .headers
                .get_all(name)
                .iter()
                .map(|value| canonical_value(&String::from_utf8_lossy(value.as_bytes())))
                .collect();
            canonical.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        canonical.push_str(&format!("\n{}\n{body_hash}", self.signed_headers));
        Some(canonical)
    }

    /// Computes the signature of a canonical request.
    fn over(&self, canonical_request: &str, signed_at: &str, secret_access_key: &str) -> String {
        let Self {
            date,
            region,
            service,
            ..
        } = self;
        let to_sign = format!(
            "{ALGORITHM}\n{signed_at}\n{date}/{region}/{service}/aws4_request\n{}",
            hex(&Sha256::digest(canonical_request)),
        );
        let mut key = format!("AWS4{secret_access_key}").into_bytes();
        for part in [date, region, service, "aws4_request"] {
            key = hmac(&key, part);
        }
        hex(&hmac(&key, &to_sign))
    }
}

fn check_time(signed_at: &str, now: SystemTime) -> Result<(), AwsError> {
    let Some(signed) = timestamp::parse(signed_at) else {
        return Err(AwsError::of_credentials(
            StatusCode::BAD_REQUEST,
            "IncompleteSignatureException",
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ));
    };
    let (earliest, latest) = (now - TOLERANCE, now + TOLERANCE);
    let written = timestamp::format;
    if signed < earliest {
        return Err(invalid(&format!(
            "Signature expired: {signed_at} is now earlier than {} ({} - 5 min.)",
            written(earliest),
            written(now),
        )));
    }
    if signed > latest {
        return Err(invalid(&format!(
            "Signature not yet current: {signed_at} is still later than {} ({} + 5 min.)",
            written(latest),
            written(now),
        )));
    }
    Ok(())
}

/// The payload hash for the canonical request; `None` if it does not match the body.
fn body_hash(head: &Parts, body: &[u8]) -> Option<String> {
    let hash = hex(&Sha256::digest(body));
    match header(head, "x-amz-content-sha256") {
        Some("UNSIGNED-PAYLOAD") => Some("UNSIGNED-PAYLOAD".to_owned()),
        Some(announced) if announced != hash => None,
        _ => Some(hash),
    }
}

/// An S3 path in its canonical form: URI-encoded once.
pub(crate) fn path_of_s3(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    utf8_percent_encode(&decoded, RESERVED_IN_PATH).to_string()
}

fn canonical_query(query: &str) -> String {
    let encode = |text: &str| {
        utf8_percent_encode(&percent_decode_str(text).decode_utf8_lossy(), RESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

/// Trims a header value and collapses runs of spaces.
fn canonical_value(value: &str) -> String {
    value
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

fn invalid(message: &str) -> AwsError {
    AwsError::of_credentials(StatusCode::FORBIDDEN, "InvalidSignatureException", message)
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    // HMAC accepts keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Lowercase hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The worked example of AWS's documentation: IAM's ListUsers.
    #[test]
    fn the_signature_of_the_documented_example_is_reproduced() {
        let signature = Signature {
            access_key_id: "AKIDEXAMPLE",
            date: "20150830",
            region: "us-east-1",
            service: "iam",
            signed_headers: "content-type;host;x-amz-date",
            signature: "",
        };
        let (head, ()) = http::Request::get("/?Version=2010-05-08&Action=ListUsers")
            .header("host", "iam.amazonaws.com")
            .header(
                "content-type",
                "application/x-www-form-urlencoded;  charset=utf-8",
            )
            .header("x-amz-date", "20150830T123600Z")
            .body(())
            .unwrap()
            .into_parts();
        let canonical = signature
            .canonical_request(
                &head,
                "/",
                "Version=2010-05-08&Action=ListUsers",
                &hex(&Sha256::digest(b"")),
            )
            .unwrap();
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        assert_eq!(
            signature.over(&canonical, "20150830T123600Z", secret),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn expired_and_future_signatures_are_rejected_with_the_recorded_messages() {
        let now = timestamp::parse("20251117T064349Z").unwrap();
        let error = check_time("20251117T063822Z", now).unwrap_err();
        // Recording `conv-claude-err403-04f679c1`.
        assert_eq!(
            error.message,
            "Signature expired: 20251117T063822Z is now earlier than 20251117T063849Z (20251117T064349Z - 5 min.)"
        );
        assert!(check_time("20251117T065000Z", now).is_err());
        assert!(check_time("20251117T064000Z", now).is_ok());
    }
}
