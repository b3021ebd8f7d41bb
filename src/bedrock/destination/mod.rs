//! Where requests go: endpoints, and the URLs of operations.

pub(super) mod endpoint;
pub(super) mod models;

use std::fmt;

use http::{HeaderValue, Uri};
use percent_encoding::utf8_percent_encode;

use super::errors::UpstreamError;
use crate::models::ModelId;
use crate::sigv4::{RESERVED, canonical_url};

/// The service name in signatures of requests to all endpoints except `bedrock-mantle`.
pub(super) const SIGNING_NAME: &str = "bedrock";

/// The URL and the service of a request, with what follows from them for its head and signature.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) uri: Uri,
    /// The value of `Host`.
    pub(super) host: HeaderValue,
    /// The service name in the signature.
    pub(super) service: &'static str,
    /// The URL's lines of the canonical request.
    pub(super) canonical_url: String,
}

impl Destination {
    /// Parses a complete URL, with an encoded path.
    pub(super) fn parse(url: &str, service: &'static str) -> Result<Self, UpstreamError> {
        let internal = |error: &dyn fmt::Display| UpstreamError::internal(error.to_string());
        let uri: Uri = url.parse().map_err(|error| internal(&error))?;
        let host = host(&uri).ok_or_else(|| internal(&"the URL has no host"))?;
        Ok(Self {
            host: HeaderValue::try_from(host).map_err(|error| internal(&error))?,
            service,
            canonical_url: canonical_url(&uri),
            uri,
        })
    }
}

/// The host, with the port unless it is the scheme's default.
fn host(uri: &Uri) -> Option<String> {
    let host = uri.host()?;
    let default_port = match uri.scheme_str() {
        Some("http") => 80,
        _ => 443,
    };
    Some(match uri.port_u16() {
        Some(port) if port != default_port => format!("{host}:{port}"),
        _ => host.to_owned(),
    })
}

/// A model id as a path segment. AWS requires the colons and slashes of ARNs to be encoded.
pub fn path_segment(model: &ModelId) -> impl fmt::Display {
    encoded_segment(model.as_str())
}

/// A text as a path segment, or as a value in a query.
pub fn encoded_segment(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, RESERVED)
}
