//! Concurrent requests: a semaphore with a bounded queue.
//!
//! Requests beyond the limit wait in order for a bounded time, like those over a rate, so that a
//! burst of short calls is served rather than refused.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::settings::LimitSettings;

/// What happens to a request without a free slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits in the queue.
    Wait,
    /// It is refused: a request that holds a slot and waits for another could deadlock.
    Refuse,
}

/// The concurrent requests of one name.
#[derive(Debug)]
pub(super) struct Concurrency {
    /// Slots are acquired in order of the requests.
    slots: Arc<Semaphore>,
    /// The number of slots.
    max: u32,
    /// One permit for each request that may wait.
    queue: Semaphore,
    max_wait: Duration,
}

/// All slots are taken and the queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Concurrency {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        let max = settings.max_concurrent_requests;
        Self::with_slots(Arc::new(Semaphore::new(max as usize)), settings)
    }

    /// The same slots under other settings. If there are fewer now, requests wait until enough of
    /// those in use are released.
    pub(super) fn reconfigured(&self, settings: &LimitSettings) -> Self {
        let (old, new) = (self.max, settings.max_concurrent_requests);
        self.slots.add_permits(new.saturating_sub(old) as usize);
        let excess = old.saturating_sub(new);
        let removed = self.slots.forget_permits(excess as usize);
        let in_use = excess.saturating_sub(u32::try_from(removed).unwrap_or(u32::MAX));
        if in_use > 0 {
            let released = Arc::clone(&self.slots).acquire_many_owned(in_use);
            let removal = released.map(|slots| slots.map(OwnedSemaphorePermit::forget));
            let mut removal = Box::pin(removal);
            // It waits in front of all later requests.
            if removal.as_mut().now_or_never().is_none() {
                tokio::spawn(removal);
            }
        }
        Self::with_slots(Arc::clone(&self.slots), settings)
    }

    fn with_slots(slots: Arc<Semaphore>, settings: &LimitSettings) -> Self {
        Self {
            slots,
            max: settings.max_concurrent_requests,
            queue: Semaphore::new(settings.max_queued_requests as usize),
            max_wait: settings.max_wait,
        }
    }

    /// Acquires slots for the `calls` of a request, at once or after a bounded wait. All slots are
    /// acquired together, so that no two requests wait for each other. Dropping the future leaves
    /// the queue.
    pub(super) async fn admit(
        &self,
        calls: u32,
        when_full: WhenFull,
    ) -> Result<OwnedSemaphorePermit, TooMany> {
        let slots = Arc::clone(&self.slots);
        // The semaphore is fair: this fails while others wait.
        if let Ok(permit) = slots.try_acquire_many_owned(calls) {
            return Ok(permit);
        }
        if when_full == WhenFull::Refuse || self.max_wait.is_zero() {
            return Err(TooMany);
        }
        let _queued = self.queue.try_acquire().map_err(|_| TooMany)?;
        let admit_call = Arc::clone(&self.slots).acquire_many_owned(calls);
        match tokio::time::timeout(self.max_wait, admit_call).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(TooMany),
        }
    }

    /// Waits for a slot for another call of an admitted request.
    pub(super) async fn wait(&self) -> OwnedSemaphorePermit {
        loop {
            // The semaphore is never closed.
            if let Ok(permit) = Arc::clone(&self.slots).acquire_owned().await {
                return permit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::time::Instant;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn concurrency(slots: u32, change: impl FnOnce(&mut LimitSettings)) -> Concurrency {
        let mut settings = LimitSettings::calls(slots);
        change(&mut settings);
        Concurrency::new(&settings)
    }

    /// Sends a request that takes a second; returns after how many seconds it was admitted or
    /// refused.
    async fn call(concurrency: &Concurrency, calls: u32) -> Result<u64, u64> {
        let began = Instant::now();
        let admitted = concurrency.admit(calls, WhenFull::Wait).await;
        let waited = began.elapsed().as_secs();
        match admitted {
            Ok(_permit) => {
                tokio::time::sleep(SECOND).await;
                Ok(waited)
            }
            Err(TooMany) => Err(waited),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_beyond_the_limit_wait_in_their_order() {
        let one = concurrency(1, |_| {});
        let waits = join_all((0..6).map(|_| call(&one, 1))).await;
        assert_eq!(waits, [0, 1, 2, 3, 4, 5].map(Ok));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_and_the_queue_are_bounded() {
        let short = concurrency(1, |settings| settings.max_wait = 2 * SECOND + SECOND / 2);
        let waits = join_all((0..5).map(|_| call(&short, 1))).await;
        assert_eq!(waits, [Ok(0), Ok(1), Ok(2), Err(2), Err(2)]);
        let narrow = concurrency(1, |settings| settings.max_queued_requests = 2);
        let waits = join_all((0..5).map(|_| call(&narrow, 1))).await;
        assert_eq!(waits, [Ok(0), Ok(1), Ok(2), Err(0), Err(0)]);
        let none = concurrency(1, |settings| settings.max_wait = Duration::ZERO);
        let waits = join_all((0..2).map(|_| call(&none, 1))).await;
        assert_eq!(waits, [Ok(0), Err(0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_leaves_the_queue_makes_room() {
        let one = concurrency(1, |settings| settings.max_queued_requests = 1);
        let held = one.admit(1, WhenFull::Wait).await.expect("a free slot");
        let leaves = tokio::time::timeout(SECOND, one.admit(1, WhenFull::Wait));
        let (left, refusal) = tokio::join!(leaves, one.admit(1, WhenFull::Wait));
        assert!(left.is_err(), "it left the queue");
        assert_eq!(refusal.err(), Some(TooMany), "the queue was full");
        let (next, ()) = tokio::join!(one.admit(1, WhenFull::Wait), async { drop(held) });
        assert!(next.is_ok(), "the queue has room again");
        drop(next);
        assert!(one.admit(1, WhenFull::Refuse).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_calls_of_a_request_are_admitted_together() {
        let two = concurrency(2, |_| {});
        let waits = join_all((0..3).map(|_| call(&two, 2))).await;
        assert_eq!(waits, [0, 1, 2].map(Ok));
        assert_eq!(two.slots.available_permits(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_further_call_does_not_wait_for_its_own_request() {
        let one = concurrency(1, |_| {});
        let _admission = one.admit(1, WhenFull::Wait).await.expect("a free slot");
        let began = Instant::now();
        assert!(one.admit(1, WhenFull::Refuse).await.is_err());
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
