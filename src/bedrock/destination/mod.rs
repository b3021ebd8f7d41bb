//! Where requests go: endpoints, and the URLs of operations.

pub(super) mod endpoint;
