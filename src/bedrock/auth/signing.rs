use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};

use crate::bedrock::auth::credentials::Authorization;
use crate::bedrock::errors::UpstreamError;

/// The signing name of most of Bedrock's services.
pub(in crate::bedrock) const SIGNING_NAME: &str = "bedrock";

/// The region and service that a signature is valid for.
#[derive(Debug, Clone, Copy)]
pub(in crate::bedrock) struct SigningScope<'a> {
    pub(in crate::bedrock) service: &'static str,
    pub(in crate::bedrock) region: &'a str,
}

/// Authorizes `request`, whose URL is `url` and whose body is `body`, for `scope`.
pub(in crate::bedrock) fn authorize<B>(
    request: &mut Request<B>,
    url: &str,
    body: &Bytes,
    authorization: &Authorization,
    scope: SigningScope<'_>,
) -> Result<(), UpstreamError> {
    match authorization {
        Authorization::Bearer(token) => {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| UpstreamError::credentials("the bearer token is malformed"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
            Ok(())
        }
        Authorization::Sign(credentials) => {
            sign_request(request, url, body, &credentials.identity, scope)
        }
    }
}

fn sign_request<B>(
    request: &mut Request<B>,
    url: &str,
    body: &Bytes,
    identity: &Identity,
    scope: SigningScope<'_>,
) -> Result<(), UpstreamError> {
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| UpstreamError::internal(error.to_string()))?
        .into();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method().as_str(),
        url,
        headers,
        SignableBody::Bytes(body),
    )
    .map_err(|error| UpstreamError::internal(error.to_string()))?;
    let (instructions, _) = sign(signable, &params)
        .map_err(|error| UpstreamError::internal(error.to_string()))?
        .into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}
