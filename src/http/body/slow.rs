//! Bodies below the minimum upload rate.

use std::error::Error;
use std::fmt;

use crate::error::{ApiError, ErrorKind};

/// The body arrives more slowly than `[server] min_upload_rate`.
#[derive(Debug)]
pub(crate) struct TooSlow;

impl TooSlow {
    /// Whether this is the cause of `error`.
    pub(crate) fn caused(error: &(dyn Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<Self>() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl fmt::Display for TooSlow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the body arrives too slowly")
    }
}

impl Error for TooSlow {}

pub(super) fn too_slow() -> ApiError {
    let message = "the request body arrived below the minimum upload rate; send it again over a \
    faster connection";
    ApiError::new(ErrorKind::RequestTimeout, message)
}
