//! Authentication of S3 requests: signatures in headers and in presigned URLs.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};

use super::aws_chunked;
use super::error::S3Error;
use super::request::S3Request;
use super::storage::Storage;
use crate::auth::{Signature, hex, path_of_s3};
use crate::options::Credentials;
use crate::timestamp;

/// Allowed clock skew.
const TOLERANCE: Duration = Duration::from_secs(15 * 60);
/// Maximum lifetime of a presigned URL, in seconds.
const MAX_LENGTH: u64 = 7 * 24 * 3600;
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Rejects a request without a valid signature of known credentials. Returns the content, decoded
/// from `aws-chunked` if necessary.
pub(super) fn check(
    storage: &Storage,
    request: &S3Request<'_>,
    body: &Bytes,
) -> Result<Bytes, S3Error> {
    if !storage.options.any_credentials {
        if request.head.headers.contains_key(AUTHORIZATION) {
            by_header(storage, request, body)?;
        } else if request.query.has("X-Amz-Algorithm") {
            by_address(storage, request)?;
        } else {
            return Err(S3Error::forbidden("AccessDenied", "Access Denied"));
        }
    }
    let content = content(request, body)?;
    check_sums(request, &content)?;
    Ok(content)
}

fn by_header(storage: &Storage, request: &S3Request<'_>, body: &Bytes) -> Result<(), S3Error> {
    let malformed = || {
        let message = "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.";
        S3Error::bad_request("AuthorizationHeaderMalformed", message)
    };
    let header = request.header("authorization").ok_or_else(malformed)?;
    let signature = Signature::parse(header).map_err(|_| malformed())?;
    let token = request.header("x-amz-security-token");
    let credentials = find_credentials(storage, signature.access_key_id, token)?;
    let signed_at = request.header("x-amz-date").unwrap_or_default();
    check_time(signed_at, SystemTime::now())?;
    let hash = signed_hash(request, body)?;
    let query = request.head.uri.query().unwrap_or_default();
    matches(request, &signature, query, &hash, signed_at, credentials)
}

fn by_address(storage: &Storage, request: &S3Request<'_>) -> Result<(), S3Error> {
    let value = |name: &str| request.query.get(name).unwrap_or_default();
    let wrong = |message: &str| S3Error::bad_request("AuthorizationQueryParametersError", message);
    let signature = Signature::of(
        value("X-Amz-Credential"),
        value("X-Amz-SignedHeaders"),
        value("X-Amz-Signature"),
    )
    .ok_or_else(|| wrong("Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."))?;
    let token = request.query.get("X-Amz-Security-Token");
    let credentials = find_credentials(storage, signature.access_key_id, token)?;
    let signed_at = value("X-Amz-Date");
    let signed = timestamp::parse(signed_at).ok_or_else(|| {
        wrong("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    })?;
    let valid: u64 = value("X-Amz-Expires")
        .parse()
        .map_err(|_| wrong("X-Amz-Expires should be a number"))?;
    if valid > MAX_LENGTH {
        return Err(wrong(
            "X-Amz-Expires must be less than a week (in seconds) that is 604800",
        ));
    }
    let expires = signed + Duration::from_secs(valid);
    let now = storage.clock.time_of_day();
    if now > expires {
        return Err(S3Error::forbidden("AccessDenied", "Request has expired")
            .with("X-Amz-Expires", valid.to_string())
            .with("Expires", timestamp::iso(expires))
            .with("ServerTime", timestamp::iso(now)));
    }
    let query = request.head.uri.query().unwrap_or_default();
    let pairs = query.split('&');
    let signed_query = pairs.filter(|pair| !pair.starts_with("X-Amz-Signature="));
    let signed_query = signed_query.collect::<Vec<_>>().join("&");
    matches(
        request,
        &signature,
        &signed_query,
        UNSIGNED,
        signed_at,
        credentials,
    )
}

fn matches(
    request: &S3Request<'_>,
    signature: &Signature<'_>,
    query: &str,
    hash: &str,
    signed_at: &str,
    credentials: &Credentials,
) -> Result<(), S3Error> {
    let path = path_of_s3(request.head.uri.path());
    let secret = &credentials.secret_access_key;
    if signature.holds(request.head, &path, query, hash, signed_at, secret) {
        return Ok(());
    }
    let message = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    Err(S3Error::forbidden("SignatureDoesNotMatch", message)
        .with("AWSAccessKeyId", signature.access_key_id))
}

fn find_credentials<'a>(
    storage: &'a Storage,
    access_key_id: &str,
    token: Option<&str>,
) -> Result<&'a Credentials, S3Error> {
    let mut credentials = storage.options.credentials.iter();
    let credentials = credentials
        .find(|candidate| candidate.access_key_id == access_key_id)
        .ok_or_else(|| {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            S3Error::forbidden("InvalidAccessKeyId", message).with("AWSAccessKeyId", access_key_id)
        })?;
    if credentials.session_token.as_deref() != token {
        let message = "The provided token is malformed or otherwise invalid.";
        return Err(S3Error::bad_request("InvalidToken", message));
    }
    if credentials.expired {
        let message = "The provided token has expired.";
        return Err(S3Error::bad_request("ExpiredToken", message));
    }
    Ok(credentials)
}

fn check_time(signed_at: &str, now: SystemTime) -> Result<(), S3Error> {
    let Some(signed) = timestamp::parse(signed_at) else {
        let message = "AWS authentication requires a valid Date or x-amz-date header";
        return Err(S3Error::forbidden("AccessDenied", message));
    };
    if signed + TOLERANCE < now || now + TOLERANCE < signed {
        let message = "The difference between the request time and the current time is too large.";
        return Err(S3Error::forbidden("RequestTimeTooSkewed", message)
            .with("RequestTime", signed_at)
            .with("ServerTime", timestamp::iso(now)));
    }
    Ok(())
}

/// The payload hash of the canonical request: a digest or a constant such as `UNSIGNED-PAYLOAD`.
fn signed_hash<'a>(request: &'a S3Request<'_>, body: &Bytes) -> Result<Cow<'a, str>, S3Error> {
    let Some(announced) = request.header("x-amz-content-sha256") else {
        let message = "Missing required header for this request: x-amz-content-sha256";
        return Err(S3Error::bad_request("InvalidRequest", message));
    };
    let is_word = announced == UNSIGNED || announced.starts_with("STREAMING-");
    if !is_word && announced != hex(&Sha256::digest(body)) {
        let message =
            "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return Err(S3Error::bad_request("XAmzContentSHA256Mismatch", message));
    }
    Ok(Cow::Borrowed(announced))
}

fn content(request: &S3Request<'_>, body: &Bytes) -> Result<Bytes, S3Error> {
    let streamed = request
        .header("x-amz-content-sha256")
        .is_some_and(|word| word.starts_with("STREAMING-"));
    if !streamed {
        return Ok(body.clone());
    }
    let length = request.header("x-amz-decoded-content-length");
    let decoded = aws_chunked::decode(body);
    decoded
        .filter(|content| length.is_none_or(|length| length == content.len().to_string()))
        .ok_or_else(|| {
            let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
            S3Error::bad_request("IncompleteBody", message)
        })
}

/// Verifies the checksums that SDKs send by default; ignores others.
fn check_sums(request: &S3Request<'_>, content: &[u8]) -> Result<(), S3Error> {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    let Some(sent) = request.header("x-amz-checksum-crc32") else {
        return Ok(());
    };
    if sent == BASE64_STANDARD.encode(crc32fast::hash(content).to_be_bytes()) {
        return Ok(());
    }
    let message = "The CRC32 you specified did not match the calculated checksum.";
    Err(S3Error::bad_request("BadDigest", message))
}
