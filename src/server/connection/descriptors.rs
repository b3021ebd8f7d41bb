//! The limit of file descriptors, and a few that are reserved.

use std::fs::File;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for other uses than clients: standard streams, the runtime, the store, downloads,
/// S3, and the connections that are served over capacity.
const OWN: u64 = 128;

/// The maximum of the default: an unfinished head, or a small body, of 32 KiB for each connection
/// makes 320 MiB.
const MAX_BY_DEFAULT: u64 = 10_240;

/// The minimum number of connections.
const MIN: u64 = 16;

/// The number of descriptors reserved for connections that arrive when none is left.
const SPARES: usize = 4;

/// Raises the soft limit of descriptors to the hard limit. Many systems have a soft limit of 1,024
/// only for programs that use `select`.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "cannot raise the limit of file descriptors");
    }
}

/// The maximum number of connections: as configured, or derived from the limit of descriptors.
pub(crate) fn max_connections(configured: usize) -> usize {
    // `None` is no limit.
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let available = available(descriptors);
    if configured == 0 {
        return usize::try_from(available.min(MAX_BY_DEFAULT)).unwrap_or(usize::MAX);
    }
    if configured as u64 > available {
        tracing::warn!(
            configured,
            descriptors,
            available,
            "`[server] max_connections` exceeds the limit of file descriptors; lower it or raise \
            the limit (`ulimit -n`)"
        );
    }
    configured
}

/// The number of connections that fit: each request needs a descriptor for its client and one for
/// Bedrock.
fn available(descriptors: u64) -> u64 {
    (descriptors.saturating_sub(OWN) / 2).max(MIN)
}

/// Reserved descriptors, closed one by one when no others are left, so that a connection can still
/// be accepted.
#[derive(Debug, Clone)]
pub(crate) struct Spares(Arc<Mutex<Vec<File>>>);

impl Spares {
    pub(crate) fn open() -> Self {
        let spares = Self(Arc::default());
        spares.refill();
        spares
    }

    /// Opens the missing ones, as far as descriptors are available.
    pub(crate) fn refill(&self) {
        let mut files = self.0.lock();
        while files.len() < SPARES {
            match File::open("/dev/null") {
                Ok(file) => files.push(file),
                Err(_) => return,
            }
        }
    }

    /// Closes a reserved descriptor; `false` if none is left.
    pub(crate) fn give_up_one(&self) -> bool {
        self.0.lock().pop().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_remaining_descriptors_are_for_clients() {
        for (descriptors, connections) in [(1024, 448), (256, 64), (64, 16), (20_000, 9_936)] {
            assert_eq!(available(descriptors), connections, "of {descriptors}");
        }
    }

    #[test]
    fn the_configured_limit_applies_and_the_default_is_bounded() {
        assert_eq!(max_connections(7), 7);
        let by_default = max_connections(0);
        assert!((16..=10_240).contains(&by_default), "{by_default}");
    }
}
