//! Responses in memory that are generated in the background.

use std::sync::Arc;

use super::{MemoryEntry, MemoryInner, ResponseMemory, bytes_of};
use crate::store::{Lease, ResponseEnd, ResponseEvents, ResponseJob, StoredResponse};

/// What a response in the background has besides others.
#[derive(Debug)]
pub(super) struct MemoryJob {
    document: Arc<str>,
    /// The worker, and until when it has the job.
    lease: Option<(String, i64)>,
    events: Vec<ResponseEvents>,
}

impl ResponseMemory {
    /// Stores a response that is queued; `false` if it is larger than the memory.
    pub(in super::super) fn add_queued(
        &self,
        response: StoredResponse,
        job: &str,
        events: ResponseEvents,
    ) -> bool {
        let bytes = bytes_of(&response) + job.len() + events.events.len();
        if bytes > self.max_bytes {
            return false;
        }
        let mut inner = self.inner.lock();
        inner.make_room(self.max_bytes - bytes, self.ttl);
        let (owner, id) = (Arc::clone(&response.owner), Arc::clone(&response.id));
        inner.insert(response, bytes);
        inner.jobs.insert(Arc::clone(&id), Arc::clone(&owner));
        if let Some(entry) = inner.responses.get_mut(&(owner, id)) {
            entry.job = Some(MemoryJob {
                document: job.into(),
                lease: None,
                events: vec![events],
            });
        }
        true
    }

    /// The number of responses of `owner` that have not ended.
    pub(in super::super) fn count_jobs(&self, owner: &str) -> u64 {
        let inner = self.inner.lock();
        inner
            .jobs
            .values()
            .filter(|other| ***other == *owner)
            .count() as u64
    }

    /// The ids of responses that no worker generates at `now`, oldest first.
    pub(in super::super) fn free_jobs(&self, now: i64, limit: u32) -> Vec<String> {
        let inner = self.inner.lock();
        let is_free = |id: &Arc<str>, owner: &Arc<str>| {
            let entry = inner.responses.peek(&(Arc::clone(owner), Arc::clone(id)));
            let job = entry.and_then(|entry| entry.job.as_ref());
            job.is_some_and(|job| job.lease.as_ref().is_none_or(|(_, until)| *until <= now))
        };
        let free = inner.jobs.iter().filter(|(id, owner)| is_free(id, owner));
        free.take(limit as usize)
            .map(|(id, _)| id.to_string())
            .collect()
    }

    /// Acquires or renews the lease of a job; `None` if another worker has it or it has ended.
    pub(in super::super) fn lease_job(&self, id: &str, lease: Lease<'_>) -> Option<ResponseJob> {
        let mut inner = self.inner.lock();
        let entry = inner.open_entry(id)?;
        let response = Arc::clone(&entry.response);
        let job = entry.job.as_mut()?;
        let is_free = job
            .lease
            .as_ref()
            .is_none_or(|(owner, until)| owner == lease.owner || *until <= lease.now);
        is_free.then(|| {
            job.lease = Some((lease.owner.to_owned(), lease.until));
            ResponseJob {
                owner: Arc::clone(&response.owner),
                status: Arc::clone(&response.status),
                response: Arc::clone(&response.document),
                document: Arc::clone(&job.document),
            }
        })
    }

    /// Marks a queued response as in progress; `false` if it is not queued.
    pub(in super::super) fn begin(&self, id: &str, document: &str) -> bool {
        let mut inner = self.inner.lock();
        let entry = inner.open_entry(id);
        let Some(entry) = entry.filter(|entry| &*entry.response.status == "queued") else {
            return false;
        };
        let response = Arc::make_mut(&mut entry.response);
        response.status = "in_progress".into();
        response.document = document.into();
        true
    }

    /// Adds events of a response in progress; `false` if it is not.
    pub(in super::super) fn add_events(&self, id: &str, events: ResponseEvents) -> bool {
        let mut inner = self.inner.lock();
        let entry = inner.open_entry(id);
        let Some(entry) = entry.filter(|entry| &*entry.response.status == "in_progress") else {
            return false;
        };
        let Some(job) = &mut entry.job else {
            return false;
        };
        let bytes = events.events.len();
        entry.bytes += bytes;
        job.events.push(events);
        inner.bytes += bytes;
        inner.make_room(self.max_bytes, self.ttl);
        true
    }

    /// Ends a response; `false` if it has ended already.
    pub(in super::super) fn end(&self, owner: &str, id: &str, end: ResponseEnd) -> bool {
        let mut inner = self.inner.lock();
        let entry = inner.open_entry(id);
        let Some(entry) = entry.filter(|entry| &*entry.response.owner == owner) else {
            return false;
        };
        let ResponseEnd {
            status,
            document,
            output,
            events,
        } = end;
        let response = Arc::make_mut(&mut entry.response);
        response.status = status;
        response.document = document;
        response.items.extend(output);
        let (response, before) = (Arc::clone(&entry.response), entry.bytes);
        if let Some(job) = &mut entry.job {
            job.events.extend(events);
            let events: usize = job.events.iter().map(|events| events.events.len()).sum();
            // The request is not needed any more.
            job.document = Arc::default();
            entry.bytes = bytes_of(&response) + events;
        }
        let after = entry.bytes;
        inner.bytes = inner.bytes - before + after;
        inner.jobs.remove(id);
        inner.items.extend(super::item_keys(&response));
        inner.make_room(self.max_bytes, self.ttl);
        true
    }

    /// The events of a response, from the row that has the event `from` on.
    pub(in super::super) fn events(&self, owner: &str, id: &str, from: u64) -> Vec<ResponseEvents> {
        let mut inner = self.inner.lock();
        if inner.used(owner, id, self.ttl).is_none() {
            return Vec::new();
        }
        let entry = inner.responses.peek(&(owner.into(), id.into()));
        let Some(job) = entry.and_then(|entry| entry.job.as_ref()) else {
            return Vec::new();
        };
        let later = job
            .events
            .partition_point(|events| events.first_number <= from);
        let rows = job.events.iter().skip(later.saturating_sub(1));
        rows.cloned().collect()
    }
}

impl MemoryInner {
    /// The entry of a response that has not ended, which is now the most recently used one.
    fn open_entry(&mut self, id: &str) -> Option<&mut MemoryEntry> {
        let (id, owner) = self.jobs.get_key_value(id)?;
        let key = (Arc::clone(owner), Arc::clone(id));
        let entry = self.responses.get_mut(&key)?;
        entry.used_at = tokio::time::Instant::now();
        Some(entry)
    }
}
