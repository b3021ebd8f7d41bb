//! The web URLs of a request, and the files that the gateway fetched from them.

use std::collections::HashMap;

use bytes::Bytes;

use crate::error::Parameter;

/// A web URL in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteAddress {
    /// The URL, unchanged.
    pub address: String,
    /// The path of the field with the URL.
    pub path: Parameter,
}

/// The files fetched for a request, by URL.
pub type RemoteFiles = HashMap<String, RemoteMedia>;

/// A fetched file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteMedia {
    /// The body of the response.
    pub bytes: Bytes,
    /// The `Content-Type` of the response.
    pub content_type: Option<String>,
}

/// The total length of the files, in bytes.
pub(crate) fn fetched_length(fetched: &RemoteFiles) -> usize {
    fetched.values().map(|file| file.bytes.len()).sum()
}

/// Whether `text` starts like an https or http URL. The fetcher decides whether http is allowed.
pub(crate) fn is_web_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    })
}
