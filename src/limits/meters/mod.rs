//! Meters: what is used of one limit, in this process. All state is in atomics, and time is a
//! parameter.
//!
//! A meter does not know its limit, which comes with each request from the caller's snapshot: a
//! changed limit keeps what was used.

mod bucket;
#[cfg(test)]
pub(in crate::limits) mod contract;
mod in_flight;

pub(crate) use bucket::{Bucket, BucketReceipt, PerMinute};
pub(crate) use in_flight::InFlight;

use std::time::Duration;

/// A time, on the two clocks that limits need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds on a clock that no one sets, for rates.
    pub nanos: i64,
    /// Unix time in milliseconds, for calendar windows. It may jump.
    pub unix_ms: i64,
}

/// The cost of a request does not fit into its limit. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    /// What is used of the limit, reservations included.
    pub(crate) used: u64,
    /// When the same cost would fit if nothing else is reserved; `None` if nobody knows.
    pub(crate) wait: Option<Duration>,
}

/// A meter of one limit. Backends that several gateways share implement the same operations; one
/// test suite, `contract`, holds for all of them.
pub(crate) trait Meter {
    /// How much is allowed.
    type Limit: Copy;
    /// What a reservation leaves for its settlement.
    type Receipt;

    /// Whether `cost` fits. Writes nothing.
    fn check(&self, limit: Self::Limit, cost: u64, now: Moment) -> Result<(), Full>;

    /// Reserves `cost`; writes nothing if it does not fit.
    fn reserve(&self, limit: Self::Limit, cost: u64, now: Moment) -> Result<Self::Receipt, Full>;

    /// Replaces a reservation by what was `used`, which may be more.
    fn settle(&self, receipt: Self::Receipt, used: u64, now: Moment);
}
