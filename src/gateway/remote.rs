//! Fetches remote files after the limits have admitted the request and before its translation: the
//! rate limits of a caller also limit its downloads.

use std::sync::Arc;
use std::time::Duration;

use super::Gateway;
use crate::converse::media::{RemoteAddress, RemoteFiles, RemoteMedia};
use crate::dialects::openai_chat::remote_addresses;
use crate::error::{ApiError, ErrorCode, ErrorKind, Field, Parameter};
use crate::fetch::{FetchError, FetchErrorKind, Fetcher};
use crate::gateway::prepare::PendingRequest;
use crate::identity::Caller;
use crate::limits::Permit;
use crate::resources::body_memory::{BodyPermit, FileMemory, full};
use crate::usage::Ledger;

/// The `retry-after` if all download slots are taken.
const BUSY_WAIT: Duration = Duration::from_secs(2);

impl Gateway {
    /// Fetches the remote files of a request of `caller` to `target`, within its memory. If there
    /// are any, the request is admitted first, and `permit` is set.
    pub(crate) async fn fetch_admitted(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        addresses: Vec<RemoteAddress>,
        memory: &mut BodyPermit,
        ledger: &Ledger,
    ) -> Result<(RemoteFiles, Option<Permit>), ApiError> {
        if addresses.is_empty() {
            return Ok((RemoteFiles::new(), None));
        }
        let permit = self.admit(caller, target, ledger).await?;
        let memory = memory.files();
        let fetched = Box::pin(fetch(&self.fetcher, caller, addresses, Some(&memory))).await?;
        Ok((fetched, Some(permit)))
    }

    /// The same for a pending request, which stores the files.
    pub(super) async fn fetch_for_pending(
        &self,
        pending: &mut PendingRequest,
        target: &Arc<str>,
        ledger: &Ledger,
    ) -> Result<Option<Permit>, ApiError> {
        let addresses = pending.request().map(remote_addresses).unwrap_or_default();
        if addresses.is_empty() {
            return Ok(None);
        }
        let permit = self.admit(&pending.caller, target, ledger).await?;
        self.fetch_into(pending, addresses).await?;
        Ok(Some(permit))
    }

    /// The same for an admitted pending request.
    pub(crate) async fn fetch_for_admitted(
        &self,
        pending: &mut PendingRequest,
    ) -> Result<(), ApiError> {
        let addresses = pending.request().map(remote_addresses).unwrap_or_default();
        if !addresses.is_empty() {
            self.fetch_into(pending, addresses).await?;
        }
        Ok(())
    }

    async fn fetch_into(
        &self,
        pending: &mut PendingRequest,
        addresses: Vec<RemoteAddress>,
    ) -> Result<(), ApiError> {
        let memory = pending.permit.as_mut().map(BodyPermit::files);
        let fetching = fetch(&self.fetcher, &pending.caller, addresses, memory.as_deref());
        let fetched = Box::pin(fetching).await;
        pending.fetched = fetched.map_err(|error| error.named(pending.names()))?;
        Ok(())
    }
}

async fn fetch(
    fetcher: &Fetcher,
    caller: &Caller,
    locations: Vec<RemoteAddress>,
    memory: Option<&FileMemory>,
) -> Result<RemoteFiles, ApiError> {
    let addresses: Vec<String> = locations
        .iter()
        .map(|location| location.address.clone())
        .collect();
    let files = fetcher.fetch_all(caller.name(), &addresses, memory).await;
    let files = files.map_err(|error| {
        let location = locations.get(error.position);
        let path =
            location.map_or_else(|| Field::Messages.into(), |location| location.path.clone());
        refusal(error, path)
    })?;
    let files = files.into_iter().map(|file| RemoteMedia {
        bytes: file.bytes,
        content_type: file.content_type,
    });
    Ok(addresses.into_iter().zip(files).collect())
}

/// The total length of the files, in bytes.
pub(crate) fn fetched_length(fetched: &RemoteFiles) -> usize {
    fetched.values().map(|file| file.bytes.len()).sum()
}

/// The client's error for the address at `path`, which could not be fetched.
fn refusal(error: FetchError, path: Parameter) -> ApiError {
    let code = match error.kind {
        FetchErrorKind::Busy => {
            return ApiError::new(ErrorKind::Unavailable, error.message)
                .parameter(path)
                .code(ErrorCode::ServiceUnavailable)
                .retry_after(BUSY_WAIT);
        }
        FetchErrorKind::NoMemory => return full().parameter(path),
        FetchErrorKind::Disabled
        | FetchErrorKind::Malformed
        | FetchErrorKind::NotAllowed
        | FetchErrorKind::TooMany => ErrorCode::InvalidImageUrl,
        _ => ErrorCode::FailedToDownloadImage,
    };
    ApiError::invalid(path, error.message).code(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_gateway_is_not_an_invalid_request() {
        let error = |kind| {
            let message = String::new();
            let error = FetchError {
                position: 0,
                kind,
                message,
            };
            refusal(error, "messages[0]".into())
        };
        let busy = error(FetchErrorKind::Busy);
        assert_eq!(busy.kind, ErrorKind::Unavailable);
        assert_eq!(busy.retry_after, Some(BUSY_WAIT));
        let slow = error(FetchErrorKind::Timeout);
        assert_eq!(slow.kind, ErrorKind::InvalidRequest);
        assert_eq!(slow.path().as_deref(), Some("messages[0]"));
    }
}
