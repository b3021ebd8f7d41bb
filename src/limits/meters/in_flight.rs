use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Full, Meter, Moment};

/// The meter of concurrent requests. A reservation lasts until it is settled, which its holder does
/// when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    requests: AtomicU32,
}

impl InFlight {
    /// The requests in flight.
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    fn next(requests: u32, limit: NonZeroU32, cost: u64) -> Result<u32, Full> {
        let next = u64::from(requests).saturating_add(cost);
        match u32::try_from(next) {
            Ok(next) if next <= limit.get() => Ok(next),
            _ => Err(Full {
                used: u64::from(requests),
                // When a request ends is unknown.
                wait: None,
            }),
        }
    }
}

impl Meter for InFlight {
    type Limit = NonZeroU32;
    /// The number of requests.
    type Receipt = u64;

    fn check(&self, limit: NonZeroU32, cost: u64, _now: Moment) -> Result<(), Full> {
        Self::next(self.requests.load(Ordering::Relaxed), limit, cost).map(|_| ())
    }

    fn reserve(&self, limit: NonZeroU32, cost: u64, _now: Moment) -> Result<u64, Full> {
        let mut requests = self.requests.load(Ordering::Relaxed);
        loop {
            let next = Self::next(requests, limit, cost)?;
            let swapped = self.requests.compare_exchange_weak(
                requests,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return Ok(cost),
                Err(changed) => requests = changed,
            }
        }
    }

    fn settle(&self, receipt: u64, used: u64, _now: Moment) {
        let ended = u32::try_from(receipt.saturating_sub(used)).unwrap_or(u32::MAX);
        self.requests.fetch_sub(ended, Ordering::Relaxed);
    }
}
