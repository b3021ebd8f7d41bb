use std::fmt;

use http::StatusCode;
use serde::Deserialize;
use url::Url;

/// Why a gateway did not do what a command needs.
#[derive(Debug)]
pub enum ClientError {
    /// The arguments are wrong, the token among them.
    Arguments(String),
    /// The gateway refuses, and says why.
    Refused {
        /// The status.
        status: StatusCode,
        /// The message.
        message: String,
    },
    /// There is no response, or none of an admin API.
    Unreachable(String),
}

/// The JSON of an error.
#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorFields,
}

#[derive(Deserialize)]
struct ErrorFields {
    code: Option<String>,
    message: String,
    param: Option<String>,
}

impl ClientError {
    /// The error of a response with `status`.
    pub(super) fn refused(status: StatusCode, body: &[u8], url: &Url) -> Self {
        let error = match serde_json::from_slice(body) {
            // The clients' listener has errors, too, and does not have the routes.
            Ok(ErrorBody { error }) if error.code.as_deref() != Some("unknown_url") => error,
            _ => {
                return Self::Unreachable(format!(
                    "{url}: status {}, and no admin API; write the address of `[admin] listen`",
                    status.as_u16()
                ));
            }
        };
        let message = match error.param {
            Some(param) => format!("{param}: {}", error.message),
            None => error.message,
        };
        Self::Refused { status, message }
    }
}

impl ClientError {
    /// Whether the arguments of a command are to blame.
    pub fn is_about_arguments(&self) -> bool {
        match self {
            Self::Arguments(_) => true,
            Self::Refused { status, .. } => *status == StatusCode::BAD_REQUEST,
            Self::Unreachable(_) => false,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Arguments(message) | Self::Unreachable(message) => message,
            Self::Refused { message, .. } => message,
        })
    }
}

impl std::error::Error for ClientError {}
