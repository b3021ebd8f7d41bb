//! File descriptors: how many the process may have, and some that are kept for need.

use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is not there for clients: standard streams, the runtime's own, the store, downloads, the
/// way to S3, and the connections that are answered when there is no room for others.
const OWN: u64 = 128;

/// The most connections by default, however many descriptors there are: 64 KiB of an unfinished
/// head for each are 256 MiB.
const MAX_BY_DEFAULT: u64 = 4096;

/// The fewest connections that are of use.
const MIN: u64 = 16;

/// How many descriptors are kept for connections that arrive when there are no others left.
const SPARES: usize = 4;

/// Raises the soft limit of descriptors to the hard one. Many systems have a soft limit of 1,024
/// only for the sake of programs that use `select`.
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
        tracing::debug!(%error, "the limit of file descriptors could not be raised");
    }
}

/// The most connections: as configured, or what the limit of descriptors has room for.
pub(super) fn max_connections(configured: usize) -> usize {
    // Without a limit there is room for any number.
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
            "`[server] max_connections` is more than the limit of file descriptors has room for; \
             lower it or raise the limit (`ulimit -n`)"
        );
    }
    configured
}

/// How many connections fit: a request needs a descriptor for its client and one for Bedrock.
fn available(descriptors: u64) -> u64 {
    (descriptors.saturating_sub(OWN) / 2).max(MIN)
}

/// Descriptors that are given up one by one when there are no others left, so that a connection can
/// still be accepted and answered.
#[derive(Debug, Clone)]
pub(super) struct Spares(Arc<Mutex<Vec<File>>>);

impl Spares {
    pub(super) fn open() -> Self {
        let spares = Self(Arc::default());
        spares.refill();
        spares
    }

    /// Opens those that are missing, as far as there are descriptors for them.
    pub(super) fn refill(&self) {
        let mut files = self.lock();
        while files.len() < SPARES {
            match File::open("/dev/null") {
                Ok(file) => files.push(file),
                Err(_) => return,
            }
        }
    }

    /// Makes room for one connection; whether there was one to give up.
    pub(super) fn give_up_one(&self) -> bool {
        self.lock().pop().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert!((16..=4096).contains(&by_default), "{by_default}");
    }
}
