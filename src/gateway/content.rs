//! The content of stored files and videos.

use std::sync::Arc;

use bytes::Bytes;

use crate::bedrock::S3Object;
use crate::error::ApiError;
use crate::gateway::failed::client_error;
use crate::usage::Ledger;

/// The content of a file or a video, or a range of it, while it is downloaded from S3.
#[derive(Debug)]
pub struct StoredContent {
    object: S3Object,
    ledger: Arc<Ledger>,
}

impl StoredContent {
    pub(crate) fn new(object: S3Object, ledger: Arc<Ledger>) -> Self {
        Self { object, ledger }
    }

    /// The length of the content, or of the requested range, in bytes.
    pub fn length(&self) -> u64 {
        self.object.length
    }

    /// The media type, if S3 has one.
    pub fn content_type(&self) -> Option<&str> {
        self.object.content_type.as_deref()
    }

    /// `Content-Range`, if a range was requested.
    pub fn range(&self) -> Option<&str> {
        self.object.range.as_deref()
    }

    /// The ledger of the request.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let next = self.object.next().await;
        next.map_err(|error| client_error(error, &self.ledger))
    }
}
