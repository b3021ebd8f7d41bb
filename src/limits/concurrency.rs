//! Concurrent requests: a semaphore, and a short queue in front of it.
//!
//! Requests beyond the limit wait in their order for a bounded time, as those over a rate do, so
//! that a burst of short calls is served rather than refused.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::LimitSettings;

/// What a request does if there is no room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits for its turn.
    Wait,
    /// It is refused. A request that holds a place and waits for another could wait for itself.
    Refuse,
}

/// The concurrent requests of one name.
#[derive(Debug)]
pub(super) struct Concurrency {
    /// Given out in the order in which they are requested.
    places: Arc<Semaphore>,
    /// One for each request that may wait.
    queue: Semaphore,
    max_wait: Duration,
}

/// There are as many requests as may be, and no more of them may wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Concurrency {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.max_concurrent_requests as usize)),
            queue: Semaphore::new(settings.max_queued_requests as usize),
            max_wait: settings.max_wait,
        }
    }

    /// Lets a request of `calls` calls in: at once, or after a bounded wait in the queue. All of
    /// its calls are let in together, so that no two requests wait for each other. Dropped, it
    /// leaves the queue.
    pub(super) async fn admit(
        &self,
        calls: u32,
        when_full: WhenFull,
    ) -> Result<OwnedSemaphorePermit, TooMany> {
        let places = Arc::clone(&self.places);
        // The semaphore lets nobody in in front of those that wait.
        if let Ok(permit) = places.try_acquire_many_owned(calls) {
            return Ok(permit);
        }
        if when_full == WhenFull::Refuse || self.max_wait.is_zero() {
            return Err(TooMany);
        }
        let _queued = self.queue.try_acquire().map_err(|_| TooMany)?;
        let admit_call = Arc::clone(&self.places).acquire_many_owned(calls);
        match tokio::time::timeout(self.max_wait, admit_call).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(TooMany),
        }
    }

    /// Waits for a further call of a request that was let in.
    pub(super) async fn wait(&self) -> OwnedSemaphorePermit {
        loop {
            // The semaphore is never closed.
            if let Ok(permit) = Arc::clone(&self.places).acquire_owned().await {
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

    fn concurrency(places: u32, change: impl FnOnce(&mut LimitSettings)) -> Concurrency {
        let mut settings = LimitSettings::calls(places);
        change(&mut settings);
        Concurrency::new(&settings)
    }

    /// When a request was let in or refused that takes a second, in seconds.
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
        let held = one.admit(1, WhenFull::Wait).await.expect("a free place");
        let leaves = tokio::time::timeout(SECOND, one.admit(1, WhenFull::Wait));
        let (left, refusal) = tokio::join!(leaves, one.admit(1, WhenFull::Wait));
        assert!(left.is_err(), "it has left");
        assert_eq!(refusal.err(), Some(TooMany), "its place was taken then");
        let (next, ()) = tokio::join!(one.admit(1, WhenFull::Wait), async { drop(held) });
        assert!(next.is_ok(), "and is free now");
        drop(next);
        assert!(one.admit(1, WhenFull::Refuse).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_calls_of_a_request_are_let_in_together() {
        let two = concurrency(2, |_| {});
        let waits = join_all((0..3).map(|_| call(&two, 2))).await;
        assert_eq!(waits, [0, 1, 2].map(Ok));
        assert_eq!(two.places.available_permits(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_further_call_does_not_wait_for_its_own_request() {
        let one = concurrency(1, |_| {});
        let _admission = one.admit(1, WhenFull::Wait).await.expect("a free place");
        let began = Instant::now();
        assert!(one.admit(1, WhenFull::Refuse).await.is_err());
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
