use std::fmt;

use http::StatusCode;

use super::target::FetchTarget;

/// Why nothing was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// Which address is at fault, counted from 0.
    pub position: usize,
    /// The class.
    pub kind: FetchErrorKind,
    /// A sentence for the client with the remedy. It does not say what a name resolves to or who
    /// answers there, and of an address it names the host alone: the rest may hold a signature.
    pub message: String,
}

/// The classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchErrorKind {
    /// The gateway does not fetch at all.
    Disabled,
    /// There are more addresses than the gateway fetches for one request.
    TooMany,
    /// The address cannot be read.
    Malformed,
    /// The address is not one that the gateway fetches, or a name without such an address.
    NotAllowed,
    /// The server redirects too often.
    Redirects,
    /// The server cannot be reached, or gives no answer that can be used.
    Unreachable,
    /// The server answers with another status than 200.
    Status(StatusCode),
    /// The file, or all files of the request together, are too large.
    TooLarge,
    /// The server takes too long.
    Timeout,
    /// Other downloads took all places, for as long as the file may take.
    Busy,
    /// Other requests took all the memory for bodies and files.
    NoMemory,
}

/// A failure of one address.
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

    /// For a redirect to what is not fetched. Its own words would tell of the server's network.
    pub(super) fn redirect(first: &FetchTarget) -> Self {
        let host = &first.host;
        Self::new(
            FetchErrorKind::NotAllowed,
            format!(
                "`{host}` redirects to an address that this gateway does not fetch; use the address \
                 of the file itself, or send the file as a data URL"
            ),
        )
    }

    /// The problem with `target`, told to somebody who has asked for `first`.
    pub(super) fn of(self, first: &FetchTarget, target: &FetchTarget) -> Self {
        match self.kind {
            _ if first.url == target.url => self,
            FetchErrorKind::NotAllowed => Self::redirect(first),
            kind => Self::new(
                kind,
                format!(
                    "`{}` redirects to a server that does not answer; use the address of the file \
                     itself, or send the file as a data URL",
                    first.host
                ),
            ),
        }
    }

    /// The same of the address at `position`.
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
