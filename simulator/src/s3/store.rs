//! The in-memory object store.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use md5::{Digest as _, Md5};
use parking_lot::Mutex;

use crate::auth::hex;

/// Capacity of all buckets together, including unfinished uploads.
const MAX_BYTES: usize = 512 * 1024 * 1024;
/// Maximum number of unfinished uploads.
const MAX_UPLOADS: usize = 1000;

/// A stored object.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) content: Bytes,
    /// In quotes.
    pub(super) etag: String,
    pub(super) modified: SystemTime,
    /// Headers returned unchanged: the content type and the caller's metadata.
    pub(super) headers: HeaderMap,
}

/// An upload in progress.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) headers: HeaderMap,
    pub(super) parts: BTreeMap<u32, Object>,
}

impl Upload {
    pub(super) fn is_of(&self, (bucket, key): (&str, &str)) -> bool {
        self.bucket == bucket && self.key == key
    }
}

/// The objects of all buckets, and unfinished uploads.
#[derive(Debug, Default)]
pub(super) struct Objects(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<(String, String), Object>,
    uploads: BTreeMap<String, Upload>,
}

impl Object {
    pub(super) fn new(content: Bytes, content_type: &str, modified: SystemTime) -> Self {
        let headers = HeaderValue::try_from(content_type)
            .map(|value| HeaderMap::from_iter([(CONTENT_TYPE, value)]))
            .unwrap_or_default();
        Self {
            etag: format!("\"{}\"", hex(&Md5::digest(&content))),
            content,
            modified,
            headers,
        }
    }
}

impl Objects {
    pub(super) fn get(&self, bucket: &str, key: &str) -> Option<Object> {
        let state = self.0.lock();
        state.objects.get(&name(bucket, key)).cloned()
    }

    /// Writes an object; replaces an existing one.
    pub(super) fn put(&self, bucket: &str, key: &str, object: Object) -> Result<(), Full> {
        let mut state = self.0.lock();
        state.make_room(object.content.len())?;
        state.objects.insert(name(bucket, key), object);
        Ok(())
    }

    pub(super) fn delete(&self, bucket: &str, key: &str) {
        self.0.lock().objects.remove(&name(bucket, key));
    }

    /// The keys with this prefix, in order.
    pub(super) fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let matching = self.objects_after(bucket, prefix, "");
        matching.into_iter().map(|(key, _)| key).collect()
    }

    /// The objects with this prefix whose keys sort after `after`, in key order.
    pub(super) fn objects_after(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
    ) -> Vec<(String, Object)> {
        let state = self.0.lock();
        let from = if after >= prefix && !after.is_empty() {
            Bound::Excluded(name(bucket, after))
        } else {
            Bound::Included(name(bucket, prefix))
        };
        state
            .objects
            .range((from, Bound::Unbounded))
            .take_while(|((object_bucket, key), _)| {
                object_bucket == bucket && key.starts_with(prefix)
            })
            .map(|((_, key), object)| (key.clone(), object.clone()))
            .collect()
    }

    pub(super) fn begin_upload(&self, id: &str, upload: Upload) -> Result<(), Full> {
        let mut state = self.0.lock();
        if state.uploads.len() >= MAX_UPLOADS {
            return Err(Full);
        }
        state.uploads.insert(id.to_owned(), upload);
        Ok(())
    }

    /// Adds a part to an upload; `false` if the upload does not exist.
    pub(super) fn add_part(
        &self,
        id: &str,
        at: (&str, &str),
        number: u32,
        part: Object,
    ) -> Result<bool, Full> {
        let mut state = self.0.lock();
        state.make_room(part.content.len())?;
        let upload = state.uploads.get_mut(id).filter(|upload| upload.is_of(at));
        Ok(upload.is_some_and(|upload| {
            upload.parts.insert(number, part);
            true
        }))
    }

    /// An upload of this object; `None` for an unknown id.
    pub(super) fn upload(&self, id: &str, at: (&str, &str)) -> Option<Upload> {
        let state = self.0.lock();
        state
            .uploads
            .get(id)
            .filter(|upload| upload.is_of(at))
            .cloned()
    }

    pub(super) fn end_upload(&self, id: &str) {
        self.0.lock().uploads.remove(id);
    }

    pub(super) fn clear(&self) {
        *self.0.lock() = State::default();
    }
}

impl State {
    fn make_room(&self, more: usize) -> Result<(), Full> {
        let objects: usize = self
            .objects
            .values()
            .map(|object| object.content.len())
            .sum();
        let parts = self
            .uploads
            .values()
            .flat_map(|upload| upload.parts.values());
        let parts: usize = parts.map(|part| part.content.len()).sum();
        if objects + parts + more > MAX_BYTES {
            return Err(Full);
        }
        Ok(())
    }
}

/// The store is full.
#[derive(Debug, Clone, Copy)]
pub(super) struct Full;

fn name(bucket: &str, key: &str) -> (String, String) {
    (bucket.to_owned(), key.to_owned())
}
