//! What requests use and cost.
//!
//! A [`Ledger`] is opened with each request. Whatever path the request takes reports to it, and it
//! is settled once, when the last reference is dropped. The settled [`UsageRecord`] goes to the
//! [`UsageQueue`], which its readers read off the request path; nothing else counts.

mod cost;
mod export;
mod history;
mod ledger;
mod lost;
mod principal;
mod queue;
mod readers;
mod record;
mod report;
mod retention;
mod target;
mod tokens;
mod writer;

pub use cost::{Charge, Cost, Units, usd};
pub use export::{ExportFormat, ExportSelection, UsageExport};
pub use history::StoredSpend;
pub use ledger::Ledger;
pub use principal::Principal;
pub use queue::UsageQueue;
pub use readers::{UsageReader, UsageReaders};
pub use record::{
    FailedAttempts, Identity, RequestError, RequestHead, RequestOutcome, Upstream, UsageRecord,
};
pub use report::{ReceivedRow, ReportRow, UsdNumber};
pub use retention::{Retention, delete_old};
pub use target::Target;
pub use tokens::TokenCounts;
pub use writer::{UsageWriter, WriterSettings, day_of};
