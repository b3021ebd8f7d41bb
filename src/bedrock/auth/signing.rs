//! Signs requests with AWS Signature Version 4.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use http::header::{AUTHORIZATION, InvalidHeaderValue};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use parking_lot::RwLock;
use time::OffsetDateTime;

use crate::bedrock::destination::Destination;
use crate::bedrock::errors::UpstreamError;
use crate::sigv4::{ALGORITHM, SigningKey, TIME_FORMAT, canonical_headers, sha256_hex};

const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The initial capacity of a canonical request, in bytes; a session token doubles it.
const CANONICAL_CAPACITY: usize = 1024;

/// Credentials that sign requests. They own the signing keys that are derived from them, so that a
/// rotation discards both.
#[derive(Debug)]
pub(in crate::bedrock) struct SigningCredentials {
    pub(super) access_key: Credentials,
    session_token: Option<HeaderValue>,
    /// The keys of one day, one for each region and service.
    keys: RwLock<Vec<Arc<SigningKey>>>,
}

impl SigningCredentials {
    /// Fails if the session token is not a valid header value.
    pub(super) fn new(access_key: Credentials) -> Result<Self, InvalidHeaderValue> {
        let session_token = access_key.session_token().map(HeaderValue::try_from);
        let mut session_token = session_token.transpose()?;
        if let Some(token) = &mut session_token {
            token.set_sensitive(true);
        }
        Ok(Self {
            access_key,
            session_token,
            keys: RwLock::default(),
        })
    }

    /// Signs a request to `destination` in `region`. All of its headers are signed, so that it must
    /// have no header that the connection changes.
    pub(super) fn sign<B>(
        &self,
        request: &mut Request<B>,
        destination: &Destination,
        region: &str,
        body: &[u8],
        now: SystemTime,
    ) -> Result<(), UpstreamError> {
        let time = OffsetDateTime::from(now).format(TIME_FORMAT);
        let time = time.map_err(|error| UpstreamError::internal(error.to_string()))?;
        let key = self.key(&time, region, destination.service)?;
        let headers = request.headers_mut();
        let date = HeaderValue::try_from(&time);
        let date = date.map_err(|error| UpstreamError::internal(error.to_string()))?;
        headers.insert(X_AMZ_DATE, date);
        if let Some(token) = &self.session_token {
            headers.insert(X_AMZ_SECURITY_TOKEN, token.clone());
        }
        let signed_headers = signed_headers(headers);
        let mut canonical = Vec::with_capacity(CANONICAL_CAPACITY);
        canonical.extend_from_slice(request.method().as_str().as_bytes());
        canonical.push(b'\n');
        canonical.extend_from_slice(destination.canonical_url.as_bytes());
        canonical_headers(request.headers(), &signed_headers, &mut canonical);
        canonical.extend_from_slice(&sha256_hex(body));
        let authorization = [
            ALGORITHM.as_bytes(),
            b" Credential=",
            self.access_key.access_key_id().as_bytes(),
            b"/",
            key.scope().as_bytes(),
            b", SignedHeaders=",
            signed_headers.as_bytes(),
            b", Signature=",
            &key.sign(&time, &canonical),
        ];
        let authorization = HeaderValue::try_from(authorization.concat())
            .map_err(|_| UpstreamError::credentials("the access key id is malformed"))?;
        request.headers_mut().insert(AUTHORIZATION, authorization);
        Ok(())
    }

    /// The signing key for the day of `time`, which is derived once.
    fn key(
        &self,
        time: &str,
        region: &str,
        service: &str,
    ) -> Result<Arc<SigningKey>, UpstreamError> {
        let (date, _) = time.split_once('T').unwrap_or_default();
        let is_same = |key: &&Arc<SigningKey>| key.is_for(date, region, service);
        if let Some(key) = self.keys.read().iter().find(is_same) {
            return Ok(Arc::clone(key));
        }
        let secret = self.access_key.secret_access_key();
        let key = SigningKey::derive(secret, date, region, service)
            .map_err(|error| UpstreamError::internal(error.to_string()))?;
        let key = Arc::new(key);
        let mut keys = self.keys.write();
        keys.retain(|other| other.scope().starts_with(date) && !is_same(&other));
        keys.push(Arc::clone(&key));
        Ok(key)
    }
}

/// The sorted names of the headers. Headers with values that are not ASCII are not signed, since
/// the encoding that Bedrock would assume is not documented.
fn signed_headers(headers: &HeaderMap) -> String {
    let is_ascii = |name: &&HeaderName| {
        let mut values = headers.get_all(*name).iter();
        values.all(|value| value.as_bytes().is_ascii())
    };
    let names = headers.keys().filter(is_ascii);
    let mut names: Vec<&str> = names.map(HeaderName::as_str).collect();
    names.sort_unstable();
    names.join(";")
}

#[cfg(test)]
mod tests;
