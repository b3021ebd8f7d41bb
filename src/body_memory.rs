//! The memory that the bodies of requests may take together: admission by size, before a large body
//! is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::fault::{Fault, FaultKind};
use crate::json_body::{Shape, budget_of};

/// Up to this length a body is read before it is admitted, and admitted apart: many connections may
/// each hold one, and none waits for a large one.
pub const SMALL: usize = 64 << 10;

/// How often the length of a body of long texts is in memory while it is read and translated: as it
/// came, as values, as a Converse request and as the JSON of that one.
const TEXT_FACTOR: usize = 4;

/// What a value costs at the most besides its text, while a body is translated.
const VALUE_COST: usize = 256;

/// How long a body waits for memory. Most are held for much less while they are translated.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// When a client is told to come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The memory for bodies.
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

/// Memory that a body has: given back when it is dropped.
#[derive(Debug)]
pub struct BodyPermit {
    memory: BodyMemory,
    /// The part of it for this body, and the pool that is from; `None` before it was admitted.
    held: Option<(Arc<Pool>, usize)>,
}

impl BodyMemory {
    /// `total` bytes for all bodies, a quarter of it for small ones.
    pub fn new(total: usize) -> Self {
        let small = total / 4;
        Self {
            small: Arc::new(Pool::new(small)),
            large: Arc::new(Pool::new(total - small)),
        }
    }

    /// The least memory that admits bodies of `max_body` bytes.
    pub fn least_for(max_body: usize) -> usize {
        max_body
            .saturating_mul(TEXT_FACTOR)
            .div_ceil(3)
            .saturating_mul(4)
    }

    /// Whether no body has any of it.
    pub fn is_idle(&self) -> bool {
        self.small.is_idle() && self.large.is_idle()
    }

    /// A permit that holds nothing yet.
    pub fn permit(&self) -> BodyPermit {
        BodyPermit {
            memory: self.clone(),
            held: None,
        }
    }
}

impl BodyPermit {
    /// Admits a body of `length` bytes, of which nothing but the length may be known; or more of a
    /// body whose length was not declared.
    pub async fn admit(&mut self, length: usize) -> Result<(), Fault> {
        self.hold(length.saturating_mul(TEXT_FACTOR), length).await
    }

    /// Admits what a body of `length` bytes takes besides its text, as it is made of `shape`.
    pub async fn admit_values(&mut self, length: usize, shape: Shape) -> Result<(), Fault> {
        let values = shape.values.saturating_mul(VALUE_COST);
        let values = values.min(budget_of(length));
        let bytes = length.saturating_mul(TEXT_FACTOR).saturating_add(values);
        self.hold(bytes, length).await
    }

    /// Keeps no more than `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        if let Some((pool, held)) = &mut self.held
            && let Some(surplus) = held.checked_sub(bytes)
        {
            *held = bytes;
            pool.give_back(surplus);
        }
    }

    /// Holds `bytes` for a body of `length` bytes, unless more is held.
    async fn hold(&mut self, bytes: usize, length: usize) -> Result<(), Fault> {
        let pool = match length <= SMALL {
            true => Arc::clone(&self.memory.small),
            false => Arc::clone(&self.memory.large),
        };
        // What is larger than all there is would never be admitted; alone it is.
        let bytes = bytes.min(pool.total);
        match &mut self.held {
            Some((held_in, held)) if Arc::ptr_eq(held_in, &pool) => {
                if let Some(more) = bytes.checked_sub(*held) {
                    pool.take(more).await?;
                    *held = bytes;
                }
            }
            held => {
                pool.take(bytes).await?;
                // A body that was small until more of it arrived gives back what it had.
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

impl Pool {
    fn new(total: usize) -> Self {
        Self {
            total,
            free: AtomicUsize::new(total),
            released: Notify::new(),
        }
    }

    fn is_idle(&self) -> bool {
        self.free.load(Ordering::Acquire) == self.total
    }

    /// Takes `bytes`, and waits for them for a while. Nothing is set aside for who waits: smaller
    /// bodies get in meanwhile.
    async fn take(&self, bytes: usize) -> Result<(), Fault> {
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            // From here on a release is not missed.
            released.as_mut().enable();
            let free = |free: usize| free.checked_sub(bytes);
            let taken = self
                .free
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, free);
            if taken.is_ok() {
                return Ok(());
            }
            if tokio::time::timeout_at(deadline, released).await.is_err() {
                return Err(full());
            }
        }
    }

    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.free.fetch_add(bytes, Ordering::AcqRel);
            self.released.notify_waiters();
        }
    }
}

fn full() -> Fault {
    let message = "the gateway is reading as many large requests as its memory allows; try again \
                   in a moment";
    Fault::new(FaultKind::Unavailable, message)
        .code("overloaded")
        .retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// Room for two bodies of 8 MiB, and their values.
    fn memory() -> BodyMemory {
        BodyMemory::new(96 * MIB)
    }

    async fn admitted(memory: &BodyMemory, length: usize) -> Result<BodyPermit, Fault> {
        let mut permit = memory.permit();
        permit.admit(length).await.map(|()| permit)
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_are_admitted_until_the_memory_is_full() {
        let memory = memory();
        let first = admitted(&memory, 8 * MIB).await.expect("room");
        let _second = admitted(&memory, 8 * MIB).await.expect("room");
        let fault = admitted(&memory, 8 * MIB).await.expect_err("no room");
        assert_eq!(fault.kind, FaultKind::Unavailable);
        assert_eq!(fault.code, Some("overloaded"));
        assert_eq!(fault.retry_after, Some(RETRY_AFTER));
        // Small ones do not wait for large ones.
        let begun = Instant::now();
        let _small = admitted(&memory, SMALL).await.expect("room");
        let _smaller_than_the_rest = admitted(&memory, 2 * MIB).await.expect("room");
        assert_eq!(begun.elapsed(), Duration::ZERO);
        drop(first);
        admitted(&memory, 8 * MIB).await.expect("room");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_in_when_memory_is_given_back() {
        let memory = memory();
        let mut first = admitted(&memory, 16 * MIB).await.expect("room");
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { admitted(&memory, 8 * MIB).await }
        });
        tokio::time::sleep(MAX_WAIT / 2).await;
        assert!(!waiting.is_finished());
        // What was translated is held as JSON alone.
        first.shrink_to(32 * MIB);
        assert!(waiting.await.expect("a task").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn values_are_admitted_besides_texts_and_all_is_given_back() {
        let memory = memory();
        let shape = |values| Shape {
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
    async fn a_body_that_turns_out_to_be_large_changes_pools() {
        let memory = memory();
        let mut permit = admitted(&memory, SMALL).await.expect("room");
        permit.admit(2 * SMALL).await.expect("room");
        assert_eq!(memory.small.free.load(Ordering::Acquire), 24 * MIB);
        // Larger than all there is: admitted alone.
        permit.admit(100 * MIB).await.expect("room");
        assert_eq!(memory.large.free.load(Ordering::Acquire), 0);
    }
}
