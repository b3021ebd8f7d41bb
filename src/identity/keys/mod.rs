//! API keys: their format, those of the configuration and of the store as requests look them up,
//! and the task that follows the store.

mod follower;
mod format;
mod refresh;
mod ring;
mod snapshot;
mod stored;
#[cfg(test)]
mod tests;

pub use follower::KeyFollower;
pub use format::IssuedKey;
pub(super) use format::{KeyFormat, visible_prefix};
pub(super) use ring::KeyRing;
pub(super) use snapshot::KeyLookup;
