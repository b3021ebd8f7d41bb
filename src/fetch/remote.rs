//! The files that a request references, with errors for its client.

use std::time::Duration;

use super::{FetchError, FetchErrorKind, Fetcher};
use crate::converse::media::{RemoteAddress, RemoteFiles, RemoteMedia};
use crate::error::{ApiError, ErrorCode, ErrorKind, Field, Parameter};
use crate::resources::body_memory::{FileMemory, full};

/// The `retry-after` if all download slots are taken.
const BUSY_WAIT: Duration = Duration::from_secs(2);

impl Fetcher {
    /// Downloads the files of a request of `caller`, within `memory` if given. The error names the
    /// field with the URL that failed.
    pub async fn remote_files(
        &self,
        caller: &str,
        locations: Vec<RemoteAddress>,
        memory: Option<&FileMemory>,
    ) -> Result<RemoteFiles, ApiError> {
        let (addresses, paths): (Vec<String>, Vec<Parameter>) = locations
            .into_iter()
            .map(|RemoteAddress { address, path }| (address, path))
            .unzip();
        let files = self.fetch_all(caller, &addresses, memory).await;
        let files = files.map_err(|error| {
            let path = paths.into_iter().nth(error.position);
            refusal(error, path.unwrap_or_else(|| Field::Messages.into()))
        })?;
        let files = files.into_iter().map(|file| RemoteMedia {
            bytes: file.bytes,
            content_type: file.content_type,
        });
        Ok(addresses.into_iter().zip(files).collect())
    }
}

/// The client's error for the URL at `path`, which could not be downloaded.
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
