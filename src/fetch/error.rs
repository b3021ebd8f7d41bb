use std::fmt;

use http::StatusCode;

use super::target::FetchTarget;

/// Why the files of a request could not be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// The index of the failed URL, from 0.
    pub position: usize,
    /// The kind of the failure.
    pub kind: FetchErrorKind,
    /// The message for the client, with the remedy. It contains neither resolved addresses nor
    /// responses, and only the host of the URL: the rest may contain a signature.
    pub message: String,
}

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchErrorKind {
    /// Downloads are disabled.
    Disabled,
    /// The request has too many URLs.
    TooMany,
    /// The URL is invalid.
    Malformed,
    /// The URL is not allowed, or its host has no allowed address.
    NotAllowed,
    /// There are too many redirects.
    Redirects,
    /// The server is unreachable or its response is invalid.
    Unreachable,
    /// The status is not 200.
    Status(StatusCode),
    /// The file, or all files of the request together, are too large.
    TooLarge,
    /// The download timed out.
    Timeout,
    /// All download slots were taken until the timeout.
    Busy,
    /// The memory for bodies and files was in use.
    NoMemory,
}

/// The failure of one URL.
#[derive(Debug)]
pub(super) struct Problem {
    kind: FetchErrorKind,
    message: String,
}

impl Problem {
    pub(super) fn new(kind: FetchErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// A redirect to a URL that is not allowed. The original message would reveal the server's
    /// network.
    pub(super) fn redirect(first: &FetchTarget) -> Self {
        let host = &first.host;
        Self::new(
            FetchErrorKind::NotAllowed,
            format!(
                "`{host}` redirects to a URL that this gateway does not fetch; use the URL of the \
                file itself, or send the file as a data URL"
            ),
        )
    }

    /// The problem of `target` as reported for the original URL `first`.
    pub(super) fn of(self, first: &FetchTarget, target: &FetchTarget) -> Self {
        match self.kind {
            _ if first.url == target.url => self,
            FetchErrorKind::NotAllowed => Self::redirect(first),
            kind => Self::new(
                kind,
                format!(
                    "`{}` redirects to a server that does not respond; use the URL of the file \
                     itself, or send the file as a data URL",
                    first.host
                ),
            ),
        }
    }

    /// The problem as the error of the URL at `position`.
    pub(super) fn at(self, position: usize) -> FetchError {
        FetchError {
            position,
            kind: self.kind,
            message: self.message,
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for FetchError {}
