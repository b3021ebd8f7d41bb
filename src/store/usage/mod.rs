//! What requests used and cost: records, and their sums by hour and day.
//!
//! Days are those of the operator's time zone, as text such as `2026-11-22`. Costs are nanodollars.

mod cell;
mod read;
mod record;
mod retention;
mod spend;
mod sums;
#[cfg(test)]
mod tests;
mod write;

pub use cell::Cell;
pub use read::{DailyUsage, RecordPosition, UsageDimension, UsageQuery, UsageRow};
pub use record::StoredUsage;
pub use retention::UsageTable;
pub use spend::SpendQuery;
pub use sums::{UsageKey, UsageSums};
