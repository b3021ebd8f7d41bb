//! The memory budget of requests: memory is reserved before a large body is read or a file is
//! downloaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::converse::json::budget_of;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::wire::json_body::JsonSize;

/// Bodies up to this length are read first and have a budget of their own: many connections may
/// each hold one, and none waits for a large one.
pub const SMALL: usize = 32 << 10;

/// Memory per byte of a body of long texts while it is read and translated: as received, as values,
/// as a Converse request and as its JSON.
const TEXT_FACTOR: usize = 4;

/// The maximum memory per value, besides its text, during translation.
const VALUE_COST: usize = 256;

/// How long a body waits for memory. Most bodies hold it for much less time.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The retry delay of refused requests.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The memory budget of bodies.
#[derive(Debug, Clone)]
pub struct BodyMemory {
    small: Arc<Pool>,
    large: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    total: usize,
    free: AtomicUsize,
    released: Notify,
}

/// The memory of a request, for its body and its files; released when dropped.
#[derive(Debug)]
pub struct BodyPermit {
    memory: BodyMemory,
    /// The permit for the body, with its pool; `None` before the first reservation.
    held: Option<(Arc<Pool>, usize)>,
    /// The length of the body that was admitted, in bytes.
    length: usize,
    /// The permit for files; `None` without downloads.
    files: Option<Arc<FileMemory>>,
}

/// Memory for the files of a request, which are downloaded concurrently.
#[derive(Debug)]
pub struct FileMemory {
    pool: Arc<Pool>,
    /// The memory that the body holds in the same pool.
    body: usize,
    /// The memory that the files hold.
    held: AtomicUsize,
}

impl BodyMemory {
    /// Creates a budget of `total` bytes, a quarter of it for small bodies.
    pub fn new(total: usize) -> Self {
        let small = total / 4;
        Self {
            small: Arc::new(Pool::new(small)),
            large: Arc::new(Pool::new(total - small)),
        }
    }

    /// The minimum budget for bodies of `max_body` bytes.
    pub fn min_for(max_body: usize) -> usize {
        max_body
            .saturating_mul(TEXT_FACTOR)
            .div_ceil(3)
            .saturating_mul(4)
    }

    /// Whether no memory is reserved.
    pub fn is_idle(&self) -> bool {
        self.held() == 0
    }

    /// The reserved memory, in bytes.
    pub fn held(&self) -> usize {
        self.small.held() + self.large.held()
    }

    /// Reserves memory for a body of `length` bytes that no client waits for, however long that
    /// takes. The caller must hold no other memory, so that two callers cannot deadlock.
    pub async fn when_free(&self, length: usize, shape: JsonSize) -> BodyPermit {
        let mut permit = self.permit();
        let pool = Arc::clone(&self.large);
        let bytes = weight(length, shape).min(pool.total);
        pool.take_when_free(|| bytes).await;
        permit.length = length;
        permit.held = Some((pool, bytes));
        permit
    }

    /// An empty permit.
    pub fn permit(&self) -> BodyPermit {
        BodyPermit {
            memory: self.clone(),
            held: None,
            length: 0,
            files: None,
        }
    }
}

impl BodyPermit {
    /// An empty permit of the same memory.
    pub fn another(&self) -> Self {
        self.memory.permit()
    }

    /// Reserves memory for a body of `length` bytes, or for more of a body without a declared
    /// length.
    pub async fn admit(&mut self, length: usize) -> Result<(), ApiError> {
        self.hold(length.saturating_mul(TEXT_FACTOR), length).await
    }

    /// Reserves memory for the values of a body of `length` bytes with this `shape`.
    pub async fn admit_values(&mut self, length: usize, shape: JsonSize) -> Result<(), ApiError> {
        self.hold(weight(length, shape), length).await
    }

    /// Reserves memory for a buffer of `bytes` that is not translated.
    pub async fn admit_buffer(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.hold(bytes, bytes).await
    }

    /// Releases all but `bytes`, files included.
    pub fn shrink_to(&mut self, bytes: usize) {
        let mut left = bytes;
        if let Some((pool, held)) = &mut self.held {
            let kept = left.min(*held);
            left -= kept;
            pool.give_back(std::mem::replace(held, kept) - kept);
        }
        if let Some(files) = &self.files {
            files.shrink_to(left);
        }
    }

    /// The length of the body that was admitted, in bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The memory for the files of the request, held as long as that of its body.
    pub fn files(&mut self) -> Arc<FileMemory> {
        let body = match &self.held {
            Some((pool, held)) if Arc::ptr_eq(pool, &self.memory.large) => *held,
            _ => 0,
        };
        let pool = &self.memory.large;
        let files = self.files.get_or_insert_with(|| {
            Arc::new(FileMemory {
                pool: Arc::clone(pool),
                body,
                held: AtomicUsize::new(0),
            })
        });
        Arc::clone(files)
    }

    /// Reserves `bytes` for a body of `length` bytes, unless more is reserved.
    async fn hold(&mut self, bytes: usize, length: usize) -> Result<(), ApiError> {
        self.length = self.length.max(length);
        let pool = match length <= SMALL {
            true => Arc::clone(&self.memory.small),
            false => Arc::clone(&self.memory.large),
        };
        let files = match &self.files {
            Some(files) if Arc::ptr_eq(&files.pool, &pool) => files.held.load(Ordering::Acquire),
            _ => 0,
        };
        // Requests larger than the budget are admitted only while nothing else is.
        let bytes = bytes.min(pool.total.saturating_sub(files));
        match &mut self.held {
            Some((held_in, held)) if Arc::ptr_eq(held_in, &pool) => {
                if let Some(more) = bytes.checked_sub(*held) {
                    pool.take(|| more).await?;
                    *held = bytes;
                }
            }
            held => {
                pool.take(|| bytes).await?;
                // A body that has outgrown the small pool releases its memory there.
                if let Some((old, surplus)) = held.replace((pool, bytes)) {
                    old.give_back(surplus);
                }
            }
        }
        Ok(())
    }
}

impl Drop for BodyPermit {
    fn drop(&mut self) {
        if let Some((pool, held)) = self.held.take() {
            pool.give_back(held);
        }
    }
}

impl FileMemory {
    /// Reserves memory for further `bytes` of a file before they are read. Files take as much
    /// memory per byte as texts: as received, in base64, and in the JSON of the request to Bedrock.
    pub async fn admit(&self, bytes: usize) -> Result<(), ApiError> {
        let wanted = bytes.saturating_mul(TEXT_FACTOR);
        // Requests larger than the budget are admitted only while nothing else is.
        let most = self.pool.total.saturating_sub(self.body);
        let more = || wanted.min(most.saturating_sub(self.held.load(Ordering::Acquire)));
        let taken = self.pool.take(more).await?;
        self.held.fetch_add(taken, Ordering::AcqRel);
        Ok(())
    }

    fn shrink_to(&self, bytes: usize) {
        let held = self.held.fetch_min(bytes, Ordering::AcqRel);
        self.pool.give_back(held.saturating_sub(bytes));
    }
}

impl Drop for FileMemory {
    fn drop(&mut self) {
        self.pool.give_back(*self.held.get_mut());
    }
}

impl Pool {
    fn new(total: usize) -> Self {
        Self {
            total,
            free: AtomicUsize::new(total),
            released: Notify::new(),
        }
    }

    fn held(&self) -> usize {
        self.total.saturating_sub(self.free.load(Ordering::Acquire))
    }

    /// Reserves the number of bytes that `wanted` returns, after a bounded wait in order; returns
    /// that number.
    async fn take(&self, wanted: impl Fn() -> usize) -> Result<usize, ApiError> {
        let taken = tokio::time::timeout(MAX_WAIT, self.take_when_free(wanted)).await;
        taken.map_err(|_| full())
    }

    /// The same with an unbounded wait. Smaller bodies may be admitted meanwhile.
    async fn take_when_free(&self, wanted: impl Fn() -> usize) -> usize {
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            // Registered before the check, so that no release is missed.
            released.as_mut().enable();
            let bytes = wanted();
            let free = |free: usize| free.checked_sub(bytes);
            let taken = self
                .free
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, free);
            if taken.is_ok() {
                return bytes;
            }
            released.await;
        }
    }

    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.free.fetch_add(bytes, Ordering::AcqRel);
            self.released.notify_waiters();
        }
    }
}

/// The memory for a body of `length` bytes with this `shape`.
fn weight(length: usize, shape: JsonSize) -> usize {
    let values = shape.values.saturating_mul(VALUE_COST);
    let values = values.min(budget_of(length));
    length.saturating_mul(TEXT_FACTOR).saturating_add(values)
}

/// The error of a request without memory.
pub fn full() -> ApiError {
    let message = "the gateway's memory for request bodies is in use; try again in a moment";
    ApiError::new(ErrorKind::Unavailable, message)
        .code(ErrorCode::Overloaded)
        .retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const MIB: usize = 1 << 20;

    /// Memory for two bodies of 8 MiB with their values.
    fn memory() -> BodyMemory {
        BodyMemory::new(96 * MIB)
    }

    async fn admitted(memory: &BodyMemory, length: usize) -> Result<BodyPermit, ApiError> {
        let mut permit = memory.permit();
        permit.admit(length).await.map(|()| permit)
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_are_admitted_until_the_memory_is_full() {
        let memory = memory();
        let first = admitted(&memory, 8 * MIB).await.expect("room");
        let _second = admitted(&memory, 8 * MIB).await.expect("room");
        let error = admitted(&memory, 8 * MIB).await.expect_err("no room");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(error.code, Some(ErrorCode::Overloaded));
        assert_eq!(error.retry_after, Some(RETRY_AFTER));
        // Small bodies do not wait for large ones.
        let start = Instant::now();
        let _small = admitted(&memory, SMALL).await.expect("room");
        let _smaller_than_the_rest = admitted(&memory, 2 * MIB).await.expect("room");
        assert_eq!(start.elapsed(), Duration::ZERO);
        drop(first);
        admitted(&memory, 8 * MIB).await.expect("room");
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_request_is_admitted_when_memory_is_released() {
        let memory = memory();
        let mut first = admitted(&memory, 16 * MIB).await.expect("room");
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { admitted(&memory, 8 * MIB).await }
        });
        tokio::time::sleep(MAX_WAIT / 2).await;
        assert!(!waiting.is_finished());
        // After translation only the JSON is held.
        first.shrink_to(32 * MIB);
        assert!(waiting.await.expect("a task").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn parsed_values_are_charged_in_addition_to_text_and_released() {
        let memory = memory();
        let shape = |values| JsonSize {
            containers: 1,
            values,
        };
        let mut text = memory.permit();
        text.admit_values(8 * MIB, shape(10)).await.expect("room");
        let mut values = memory.permit();
        values
            .admit_values(4 * MIB, shape(50_000))
            .await
            .expect("room");
        let held = |permit: &BodyPermit| permit.held.as_ref().map(|(_, held)| *held);
        assert_eq!(held(&text), Some(32 * MIB + 10 * VALUE_COST));
        assert_eq!(held(&values), Some(16 * MIB + 50_000 * VALUE_COST));
        drop((text, values));
        assert!(memory.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_turns_out_large_changes_pools() {
        let memory = memory();
        let mut permit = admitted(&memory, SMALL).await.expect("room");
        permit.admit(2 * SMALL).await.expect("room");
        assert_eq!(memory.small.free.load(Ordering::Acquire), 24 * MIB);
        // Larger than the whole budget: admitted alone.
        permit.admit(100 * MIB).await.expect("room");
        assert_eq!(memory.large.free.load(Ordering::Acquire), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn remote_files_are_charged_in_addition_to_the_body() {
        let memory = memory();
        let mut permit = admitted(&memory, SMALL).await.expect("room");
        let files = permit.files();
        files.admit(8 * MIB).await.expect("room");
        assert_eq!(memory.large.held(), 32 * MIB);
        let mut other = admitted(&memory, SMALL).await.expect("room");
        let error = other.files().admit(16 * MIB).await.expect_err("no room");
        assert_eq!(error.code, Some(ErrorCode::Overloaded));
        // A request that holds the whole budget does not wait for itself.
        files.admit(100 * MIB).await.expect("room");
        assert_eq!(memory.large.held(), 72 * MIB);
        drop(files);
        // The part of the body is kept first.
        permit.shrink_to(4 * SMALL + 10 * MIB);
        assert_eq!(memory.large.held(), 10 * MIB);
        drop((permit, other));
        assert!(memory.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_does_not_wait_for_its_own_files() {
        let memory = memory();
        let mut permit = admitted(&memory, 8 * MIB).await.expect("room");
        permit.files().admit(100 * MIB).await.expect("room");
        assert_eq!(memory.large.held(), 72 * MIB);
        permit.shrink_to(0);
        permit.files().admit(10 * MIB).await.expect("room");
        permit.admit(100 * MIB).await.expect("room");
        drop(permit);
        assert!(memory.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn background_work_waits_until_memory_is_free() {
        let memory = memory();
        let first = admitted(&memory, 16 * MIB).await.expect("room");
        let waiting = tokio::spawn({
            let memory = memory.clone();
            let shape = JsonSize {
                containers: 1,
                values: 10,
            };
            async move { memory.when_free(8 * MIB, shape).await }
        });
        tokio::time::sleep(100 * MAX_WAIT).await;
        assert!(!waiting.is_finished());
        drop(first);
        let permit = waiting.await.expect("a task");
        assert_eq!(memory.held(), 32 * MIB + 10 * VALUE_COST);
        drop(permit);
        assert!(memory.is_idle());
    }
}
