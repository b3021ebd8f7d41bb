use std::sync::Arc;
use std::time::SystemTime;

use http::header::{AUTHORIZATION, InvalidHeaderValue};
use http::{HeaderValue, Request};

use super::signing::SigningCredentials;
use crate::bedrock::destination::Destination;
use crate::bedrock::errors::UpstreamError;

/// The authorization of a request.
#[derive(Debug, Clone)]
pub(in crate::bedrock) enum Authorization {
    /// A SigV4 signature.
    Sign(Arc<SigningCredentials>),
    /// A Bedrock API key, as the value of `Authorization`.
    Bearer(HeaderValue),
}

impl Authorization {
    /// The value of `Authorization` for a Bedrock API key.
    pub(super) fn bearer(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Authorizes a request to `destination` in `region`.
    pub(in crate::bedrock) fn authorize<B>(
        &self,
        request: &mut Request<B>,
        destination: &Destination,
        region: &str,
        body: &[u8],
    ) -> Result<(), UpstreamError> {
        match self {
            Self::Bearer(value) => {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
                Ok(())
            }
            Self::Sign(credentials) => {
                let now = SystemTime::now();
                credentials.sign(request, destination, region, body, now)
            }
        }
    }
}
