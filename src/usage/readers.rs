//! The readers of settled records.

use std::fmt;

use super::record::UsageRecord;

/// A reader of settled records. It runs in the task of the queue, and must not wait.
pub type UsageReader = Box<dyn Fn(&UsageRecord) + Send + Sync>;

/// The readers of every settled record.
pub struct UsageReaders(Vec<UsageReader>);

impl UsageReaders {
    /// These readers, in this order.
    pub fn new(readers: Vec<UsageReader>) -> Self {
        Self(readers)
    }

    pub(super) fn read(&self, record: &UsageRecord) {
        for read in &self.0 {
            read(record);
        }
    }
}

impl fmt::Debug for UsageReaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UsageReaders({})", self.0.len())
    }
}
