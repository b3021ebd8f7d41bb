//! Property names that a family does not accept: renamed in schemas, and restored in the JSON of
//! the response while it streams.

mod json_keys;
pub(super) mod rename;
mod restore;

pub use restore::PropertyKeys;

pub(crate) use restore::KeyRestorer;

pub(super) use rename::rename;
