//! Writes output events as chunks or as one completion.

pub(super) mod chunks;
pub(super) mod completion;
pub(super) mod events;
pub(super) mod finish_reason;
pub(super) mod format;
