//! Authentication: Signature Version 4 and Bedrock API keys.

mod signature;

use std::time::SystemTime;

use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::error::AwsError;
use crate::options::{Credentials, Options};
pub(crate) use signature::{Signature, hex, path_of_s3};

/// Rejects a request that is not signed with known credentials, with AWS's error.
pub(crate) fn check(
    options: &Options,
    head: &Parts,
    body: &[u8],
    now: SystemTime,
) -> Result<(), AwsError> {
    if options.any_credentials {
        return Ok(());
    }
    let Some(header) = head.headers.get(AUTHORIZATION) else {
        return Err(missing_token());
    };
    let header = header.to_str().map_err(|_| missing_token())?;
    if let Some(token) = header.strip_prefix("Bearer ") {
        return check_bearer_token(options, token);
    }
    let signature = Signature::parse(header)?;
    let credentials = find_credentials(options, &signature, head)?;
    signature.check(head, body, &credentials.secret_access_key, now)
}

/// The service that the request is signed for; `None` for a bearer token or an unsigned request.
pub(crate) fn service(head: &Parts) -> Option<&str> {
    let header = head.headers.get(AUTHORIZATION)?.to_str().ok()?;
    Signature::parse(header)
        .ok()
        .map(|signature| signature.service)
}

fn check_bearer_token(options: &Options, token: &str) -> Result<(), AwsError> {
    if options.bearer_token.as_deref() == Some(token) {
        return Ok(());
    }
    Err(AwsError::of_bearer_token(
        "Authentication failed: Please make sure your API Key is valid.",
    ))
}

/// Finds the credentials of a signature and checks their session token.
fn find_credentials<'a>(
    options: &'a Options,
    signature: &Signature<'_>,
    head: &Parts,
) -> Result<&'a Credentials, AwsError> {
    let token = head
        .headers
        .get("x-amz-security-token")
        .and_then(|token| token.to_str().ok());
    let credentials = options
        .credentials
        .iter()
        .find(|candidate| candidate.access_key_id == signature.access_key_id)
        .filter(|candidate| candidate.session_token.as_deref() == token)
        .ok_or_else(|| {
            AwsError::of_credentials(
                StatusCode::FORBIDDEN,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        })?;
    if credentials.expired {
        return Err(AwsError::of_credentials(
            StatusCode::FORBIDDEN,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ));
    }
    Ok(credentials)
}

fn missing_token() -> AwsError {
    AwsError::of_credentials(
        StatusCode::FORBIDDEN,
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    )
}
