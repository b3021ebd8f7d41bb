//! The buckets of the account and what is in them.

use std::sync::Arc;

use bytes::Bytes;

use super::store::{Object, Objects};
use crate::clock::Clock;
use crate::options::Options;

/// The buckets that the options name, and their objects.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(super) options: Arc<Options>,
    pub(super) clock: Arc<Clock>,
    pub(super) objects: Objects,
}

impl Storage {
    pub(crate) fn new(options: Arc<Options>, clock: Arc<Clock>) -> Self {
        Self {
            options,
            clock,
            objects: Objects::default(),
        }
    }

    pub(crate) fn has_bucket(&self, bucket: &str) -> bool {
        self.options.buckets.iter().any(|name| name == bucket)
    }

    /// The content of an object; `None` if it does not exist.
    pub(crate) fn content(&self, bucket: &str, key: &str) -> Option<Bytes> {
        Some(self.objects.get(bucket, key)?.content)
    }

    /// The keys of a bucket with this prefix, in order.
    pub(crate) fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        self.objects.keys(bucket, prefix)
    }

    /// Writes an object on behalf of the caller, as AWS services do; `false` if the bucket does not
    /// exist or the store is full.
    pub(crate) fn put(&self, bucket: &str, key: &str, content_type: &str, content: Bytes) -> bool {
        let object = Object::new(content, content_type, self.clock.time_of_day());
        self.has_bucket(bucket) && self.objects.put(bucket, key, object).is_ok()
    }

    pub(crate) fn clear(&self) {
        self.objects.clear();
    }
}
