//! Rate limits: governor's limiter with a bounded queue.
//!
//! Requests over the rate wait in order for a bounded time. Those that would have to wait longer
//! are refused, each with a different retry delay, so that clients do not retry all at once.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::RateState;
use super::settings::LimitSettings;

/// The longest retry delay that clients follow.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The settings of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateSettings {
    quota: Quota,
    max_wait: Duration,
    max_queued: u32,
}

type GovernorLimiter =
    RateLimiter<NotKeyed, InMemoryState, RuntimeClock, StateInformationMiddleware>;

/// The clock of the runtime, which tests can pause.
#[derive(Debug)]
struct RuntimeClock {
    started: Instant,
}

impl Clock for RuntimeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The rate limit of one name.
#[derive(Debug)]
pub(super) struct Rate {
    settings: RateSettings,
    limiter: GovernorLimiter,
    clock: RuntimeClock,
    state: Mutex<QueueState>,
    /// Held by the head of each queue; the others acquire it in order.
    heads: [Semaphore; 2],
}

#[derive(Debug)]
struct QueueState {
    /// When the burst is replenished.
    full_at: Instant,
    /// When the next request is allowed.
    free_at: Instant,
    /// The length of each queue.
    waiting: [u32; 2],
    /// The queue whose turn it is if both have entries.
    next: Queue,
    /// The latest retry time that a refused request has received.
    promised: Instant,
}

/// The queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// New requests, with a bounded wait.
    Requests,
    /// Further calls of admitted requests, with an unbounded wait.
    Calls,
}

/// A refusal with its retry delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooFast {
    pub(super) retry_after: Duration,
    pub(super) rate: RateState,
}

/// A position in a queue, left when dropped.
struct QueuePosition<'a> {
    rate: &'a Rate,
    queue: Queue,
}

impl RateSettings {
    /// The rate limit of `settings`; `None` without a rate.
    pub(super) fn of(settings: &LimitSettings) -> Option<Self> {
        let period = Duration::from_secs_f64(1.0 / settings.requests_per_second()?);
        let burst = NonZeroU32::new(settings.burst()).unwrap_or(NonZeroU32::MIN);
        Some(Self {
            quota: Quota::with_period(period)?.allow_burst(burst),
            max_wait: settings.max_wait,
            max_queued: settings.max_queued_requests,
        })
    }

    /// The time per request.
    fn period(&self) -> Duration {
        self.quota.replenish_interval()
    }

    fn burst(&self) -> u32 {
        self.quota.burst_size().get()
    }
}

impl Rate {
    pub(super) fn new(settings: RateSettings) -> Self {
        let started = Instant::now();
        let limiter = RateLimiter::direct_with_clock(settings.quota, RuntimeClock { started });
        Self {
            settings,
            limiter: limiter.with_middleware(),
            clock: RuntimeClock { started },
            state: Mutex::new(QueueState {
                full_at: started,
                free_at: started,
                waiting: [0; 2],
                next: Queue::Requests,
                promised: started,
            }),
            heads: [Semaphore::new(1), Semaphore::new(1)],
        }
    }

    /// A limit with other settings, of whose burst as many requests are used.
    pub(super) fn reconfigured(&self, settings: RateSettings) -> Self {
        let full_at = self.state().full_at;
        let used = full_at
            .saturating_duration_since(Instant::now())
            .as_secs_f64()
            / self.settings.period().as_secs_f64();
        let rate = Self::new(settings);
        // Fewer than the burst, so that the limiter can grant them.
        let used = (used.ceil() as u32).min(settings.burst());
        if let Some(used) = NonZeroU32::new(used) {
            let _ = rate.limiter.check_n(used);
            rate.state().full_at += settings.period().saturating_mul(used.get());
        }
        rate
    }

    /// The settings.
    pub(super) fn settings(&self) -> RateSettings {
        self.settings
    }

    /// Admits a request that has already `waited` for a slot: at once, or after a bounded wait in
    /// the queue.
    pub(super) async fn admit(&self, waited: Duration) -> Result<RateState, TooFast> {
        let queue_position = {
            let mut state = self.state();
            let is_first = state.waiting(Queue::Requests) == 0;
            if is_first && let Ok(rate) = self.take(&mut state, Queue::Requests) {
                return Ok(rate);
            }
            let now = Instant::now();
            let wait = state.wait_at_the_end(self.settings.period(), now);
            let queued = state.waiting(Queue::Requests);
            let is_too_long = wait.saturating_add(waited) > self.settings.max_wait;
            if is_too_long || queued >= self.settings.max_queued {
                return Err(TooFast {
                    retry_after: state.promise(self.settings.period(), wait, now),
                    rate: RateState {
                        limit: self.settings.burst().into(),
                        remaining: 0,
                        reset: state.full_at.saturating_duration_since(now),
                    },
                });
            }
            self.queue_position(&mut state, Queue::Requests)
        };
        Ok(queue_position.reach_the_front().await)
    }

    /// Waits for another call of an admitted request.
    pub(super) async fn wait(&self) -> RateState {
        let queue_position = self.queue_position(&mut self.state(), Queue::Calls);
        queue_position.reach_the_front().await
    }

    /// Whether the burst is complete, as in an unused limit.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.state().full_at <= now
    }

    /// Takes one request from the rate, or returns the delay before the next try.
    fn take(&self, state: &mut QueueState, queue: Queue) -> Result<RateState, Duration> {
        let other = queue.other();
        let now = Instant::now();
        if state.next == other && state.waiting(other) > 0 {
            // The head of the other queue is next.
            let room = state.free_at.saturating_duration_since(now);
            return Err(room + self.settings.period());
        }
        let snapshot = self.limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            state.free_at = now + wait;
            wait
        })?;
        state.next = other;
        let (limit, remaining) = (self.settings.burst(), snapshot.remaining_burst_capacity());
        let period = self.settings.period();
        let reset = period.saturating_mul(limit.saturating_sub(remaining));
        state.full_at = now + reset;
        state.free_at = match remaining {
            0 => now + period,
            _ => now,
        };
        Ok(RateState {
            limit: limit.into(),
            remaining: remaining.into(),
            reset,
        })
    }

    fn queue_position(&self, state: &mut QueueState, queue: Queue) -> QueuePosition<'_> {
        *state.waiting_mut(queue) += 1;
        QueuePosition { rate: self, queue }
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock()
    }
}

impl QueuePosition<'_> {
    /// Waits in the queue, then for the rate.
    async fn reach_the_front(self) -> RateState {
        let Self { rate, queue } = &self;
        let [requests, calls] = &rate.heads;
        let head = match queue {
            Queue::Requests => requests,
            Queue::Calls => calls,
        };
        // The semaphore is never closed.
        let _head = head.acquire().await;
        loop {
            let taken = rate.take(&mut rate.state(), *queue);
            match taken {
                Ok(state) => return state,
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }
}

impl Drop for QueuePosition<'_> {
    fn drop(&mut self) {
        let mut state = self.rate.state();
        let waiting = state.waiting_mut(self.queue);
        *waiting = waiting.saturating_sub(1);
    }
}

impl QueueState {
    /// How long a new request would wait at the end of its queue. Further calls alternate with
    /// requests.
    fn wait_at_the_end(&self, period: Duration, now: Instant) -> Duration {
        let requests = match self.waiting(Queue::Calls) {
            0 => self.waiting(Queue::Requests),
            _ => self.waiting(Queue::Requests).saturating_mul(2) + 1,
        };
        self.free_at.saturating_duration_since(now) + period.saturating_mul(requests)
    }

    /// The retry delay of a refused request: after the current queue, and after the requests
    /// refused before it.
    fn promise(&mut self, period: Duration, wait: Duration, now: Instant) -> Duration {
        let after_queue = now + wait.min(MAX_RETRY_AFTER);
        let after_others = self.promised + period.min(MAX_RETRY_AFTER);
        let promise = after_queue.max(after_others);
        let retry_after = promise - now;
        if retry_after <= MAX_RETRY_AFTER {
            self.promised = promise;
            return retry_after;
        }
        // More requests were refused than fit into a minute: choose a random time.
        let earliest = wait.min(MAX_RETRY_AFTER);
        earliest + (MAX_RETRY_AFTER - earliest).mul_f64(fastrand::f64())
    }

    fn waiting(&self, queue: Queue) -> u32 {
        let [requests, calls] = self.waiting;
        match queue {
            Queue::Requests => requests,
            Queue::Calls => calls,
        }
    }

    fn waiting_mut(&mut self, queue: Queue) -> &mut u32 {
        let [requests, calls] = &mut self.waiting;
        match queue {
            Queue::Requests => requests,
            Queue::Calls => calls,
        }
    }
}

impl Queue {
    fn other(self) -> Self {
        match self {
            Self::Requests => Self::Calls,
            Self::Calls => Self::Requests,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(per_second: f64, change: impl FnOnce(&mut LimitSettings)) -> Arc<Rate> {
        let mut settings = LimitSettings::calls(1000).at_rate(per_second);
        change(&mut settings);
        Arc::new(Rate::new(RateSettings::of(&settings).expect("a rate")))
    }

    /// When a new request is admitted, or its retry delay.
    async fn admitted(rate: &Rate) -> Result<Duration, Duration> {
        let began = Instant::now();
        let admitted = rate.admit(Duration::ZERO).await;
        admitted
            .map(|_| began.elapsed())
            .map_err(|refusal| refusal.retry_after)
    }

    /// Rounded to seconds: the clock of the runtime has a granularity of a millisecond.
    fn seconds(waits: &[Result<Duration, Duration>]) -> Vec<Result<u64, u64>> {
        let round = |wait: Duration| wait.as_secs_f64().round() as u64;
        waits
            .iter()
            .map(|wait| wait.map(round).map_err(round))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_over_the_rate_are_queued_in_order() {
        let rate = rate(1.0, |settings| settings.burst = 2);
        let waits = join_all((0..6).map(|_| admitted(&rate))).await;
        assert_eq!(seconds(&waits), [0, 0, 1, 2, 3, 4].map(Ok));
    }

    #[tokio::test(start_paused = true)]
    async fn rejected_requests_get_staggered_retry_times() {
        let rate = rate(1.0, |settings| settings.max_wait = 2 * SECOND);
        let waits = join_all((0..6).map(|_| admitted(&rate))).await;
        let expected = [Ok(0), Ok(1), Ok(2), Err(3), Err(4), Err(5)];
        assert_eq!(seconds(&waits), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_is_bounded() {
        let rate = rate(1.0, |settings| settings.max_queued_requests = 1);
        let waits = join_all((0..3).map(|_| admitted(&rate))).await;
        assert_eq!(seconds(&waits), [Ok(0), Ok(1), Err(2)]);
        let none = rate_without_queue();
        assert!(admitted(&none).await.is_ok());
        assert!(admitted(&none).await.is_err());
    }

    fn rate_without_queue() -> Arc<Rate> {
        rate(1.0, |settings| settings.max_wait = Duration::ZERO)
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_never_exceeds_what_clients_honor() {
        let rate = rate(1.0, |settings| settings.max_wait = Duration::ZERO);
        let waits = join_all((0..1000).map(|_| admitted(&rate))).await;
        let refusal: Vec<_> = waits.iter().filter_map(|wait| wait.err()).collect();
        assert_eq!(refusal.len(), 999);
        assert!(refusal.iter().all(|wait| *wait <= MAX_RETRY_AFTER));
        let first = refusal.iter().filter(|wait| **wait <= SECOND * 30).count();
        // About half of the delays are in the first half of the minute.
        assert!((300..700).contains(&first), "{first}");
        assert!(rate_of_a_year().await <= MAX_RETRY_AFTER);
    }

    async fn rate_of_a_year() -> Duration {
        let slow = rate(0.001, |_| {});
        assert!(admitted(&slow).await.is_ok());
        admitted(&slow).await.expect_err("over the rate")
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_leaves_the_queue_makes_room() {
        let rate = rate(1.0, |_| {});
        assert!(admitted(&rate).await.is_ok());
        let leaves = tokio::time::timeout(SECOND / 2, join_all((0..5).map(|_| admitted(&rate))));
        assert!(leaves.await.is_err());
        let waits = join_all((0..2).map(|_| admitted(&rate))).await;
        assert_eq!(seconds(&waits), [Ok(1), Ok(2)], "half a second and another");
    }

    #[tokio::test(start_paused = true)]
    async fn further_calls_and_new_requests_alternate() {
        let rate = rate(1.0, |_| {});
        assert!(admitted(&rate).await.is_ok());
        let calls = join_all((0..3).map(async |_| {
            let began = Instant::now();
            rate.wait().await;
            Ok(began.elapsed())
        }));
        let requests = join_all((0..3).map(|_| admitted(&rate)));
        let (calls, requests) = tokio::join!(calls, requests);
        let mut all = seconds(&[calls.clone(), requests.clone()].concat());
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4, 5, 6].map(Ok), "none is lost");
        let last = |waits: &[Result<Duration, Duration>]| seconds(waits).pop();
        assert!(last(&calls) >= Some(Ok(5)) && last(&requests) >= Some(Ok(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_state_is_reported() {
        let rate = rate(2.0, |settings| settings.burst = 4);
        let state = rate.admit(Duration::ZERO).await.expect("an admission");
        let expected = RateState {
            limit: 4,
            remaining: 3,
            reset: SECOND / 2,
        };
        assert_eq!(state, expected);
        rate.wait().await;
        tokio::time::advance(SECOND / 4).await;
        let state = rate.admit(Duration::ZERO).await.expect("an admission");
        assert_eq!((state.remaining, state.limit), (1, 4));
    }
}
