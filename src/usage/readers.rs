//! The readers of settled records.

use std::fmt;
use std::sync::Arc;

use super::record::UsageRecord;

/// A reader of settled records. It runs where the request ends, and must not wait.
pub type UsageReader = Box<dyn Fn(&UsageRecord) + Send + Sync>;

/// The readers of every settled record.
#[derive(Clone)]
pub struct UsageReaders(Arc<[UsageReader]>);

impl UsageReaders {
    /// These readers, in this order.
    pub fn new(readers: Vec<UsageReader>) -> Self {
        Self(readers.into())
    }

    pub(super) fn read(&self, record: &UsageRecord) {
        for read in &*self.0 {
            read(record);
        }
    }
}

impl fmt::Debug for UsageReaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UsageReaders({})", self.0.len())
    }
}
