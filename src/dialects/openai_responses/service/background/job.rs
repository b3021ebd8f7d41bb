//! What is stored of a request until its response is generated.

use serde::{Deserialize, Serialize};

use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::ApiError;
use crate::gateway::HeaderOptions;
use crate::identity::{Caller, Callers, TokenGrant};

/// A request whose response is generated in the background.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BackgroundJob {
    /// The id of the caller.
    caller: String,
    /// What its token granted, if it had one.
    grant: Option<TokenGrant>,
    /// The id of the request, for the log and the records.
    pub(super) request_id: String,
    /// In Unix seconds.
    pub(super) created_at: u64,
    pub(super) headers: Option<Box<HeaderOptions>>,
    /// The request, as one that is streamed: its events are stored.
    pub(super) body: JsonText,
}

impl BackgroundJob {
    /// The job for the request `body` of `caller`.
    ///
    /// # Errors
    ///
    /// If the body is not an object.
    pub(super) fn new(
        caller: &Caller,
        request_id: String,
        created_at: u64,
        headers: Option<Box<HeaderOptions>>,
        body: &[u8],
    ) -> Result<Self, ApiError> {
        let text = String::from_utf8(body.to_vec()).map_err(|_| ApiError::internal())?;
        let text = JsonText::parse(text).map_err(|_| ApiError::internal())?;
        let mut body = Fields::from_object(&text).ok_or_else(ApiError::internal)?;
        body.set("stream", json(&true)?);
        Ok(Self {
            caller: caller.id().to_owned(),
            grant: TokenGrant::of(caller),
            request_id,
            created_at,
            headers,
            body: json(&body)?,
        })
    }

    /// The caller, with what it may do now.
    pub(super) fn caller(&self, callers: &Callers) -> Caller {
        match &self.grant {
            Some(grant) => callers.of_token(&self.caller, grant),
            None => callers.of_id(&self.caller),
        }
    }
}

fn json<T: Serialize>(value: &T) -> Result<JsonText, ApiError> {
    JsonText::of(value).map_err(|_| ApiError::internal())
}
