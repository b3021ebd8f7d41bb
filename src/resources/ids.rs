//! Ids of requests, responses and stored objects. None has to be unguessable.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// The number of random characters in an id of OpenAI's format.
const LENGTH: usize = 24;

/// The length of a request id: `req_` and 32 digits.
const REQUEST_ID_LENGTH: usize = 36;

/// A request id, for the client's error and the operator's log.
pub fn request_id() -> String {
    let mut id = String::with_capacity(REQUEST_ID_LENGTH);
    // Writing to a string cannot fail.
    let _ = write!(id, "req_{:032x}", fastrand::u128(..));
    id
}

/// The id of a response in OpenAI's format, with a prefix such as `chatcmpl-`.
pub(crate) fn response_id(prefix: &str) -> String {
    let mut id = String::with_capacity(prefix.len() + LENGTH);
    id.push_str(prefix);
    id.extend(std::iter::repeat_with(fastrand::alphanumeric).take(LENGTH));
    id
}

/// The id of a stored object. It begins with the time, so that ids sort by age.
pub(crate) fn stored_id(prefix: &str) -> String {
    let random = fastrand::u64(..1 << 48);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let milliseconds = now.map(|time| time.as_millis()).unwrap_or_default();
    format!("{prefix}{milliseconds:012x}{random:012x}")
}
