//! Retries with exponential backoff, full jitter, a deadline, and tower's budget, which keeps an
//! outage from multiplying the load.

mod exhausted;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tower::retry::budget::{Budget, TpsBudget};

use self::exhausted::ExhaustedTargets;
use crate::bedrock::errors::{RetryAdvice, UpstreamError};
use crate::bedrock::settings::RetrySettings;

/// The time window of the retry budget.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// Retries per second that the budget always allows.
const MIN_RETRIES: u32 = 5;

/// The retry policy, with the budget and the exhausted targets that all calls share.
#[derive(Debug)]
pub(in crate::bedrock) struct RetryPolicy {
    settings: RetrySettings,
    budget: Arc<TpsBudget>,
    exhausted: Arc<ExhaustedTargets>,
}

impl RetryPolicy {
    /// A policy with its own budget.
    pub(in crate::bedrock) fn new(settings: RetrySettings) -> Self {
        Self {
            settings,
            budget: Arc::new(budget(&settings)),
            exhausted: Arc::default(),
        }
    }

    /// The policy under other settings. It shares the exhausted targets, and the budget unless its
    /// size has changed.
    pub(in crate::bedrock) fn reconfigured(&self, settings: RetrySettings) -> Self {
        let has_budget = settings.budget_percent == self.settings.budget_percent;
        Self {
            settings,
            budget: match has_budget {
                true => Arc::clone(&self.budget),
                false => Arc::new(budget(&settings)),
            },
            exhausted: Arc::clone(&self.exhausted),
        }
    }

    /// The retry state of a call to `target`, which begins now. With `tries_once`, or if the target
    /// has just failed through all attempts, the call has one attempt.
    pub(in crate::bedrock) fn begin<'a>(
        &'a self,
        tries_once: bool,
        target: Option<&'a str>,
    ) -> Backoff<'a> {
        let is_exhausted = target.is_some_and(|target| self.exhausted.contains(target));
        Backoff {
            max_attempts: match tries_once || is_exhausted {
                true => 1,
                false => self.settings.max_attempts,
            },
            // A single attempt says little about the target.
            target: target.filter(|_| !tries_once),
            policy: self,
            began: Instant::now(),
            attempts: 1,
            was_billed: false,
            refreshed: false,
        }
    }

    /// Full jitter: a random delay up to the exponential step, so that calls that failed together
    /// are not retried together. Bedrock's `retry-after` is the minimum.
    fn delay(&self, attempts: u32, wait: Option<Duration>) -> Duration {
        let RetrySettings {
            base_delay,
            max_delay,
            ..
        } = self.settings;
        let doublings = attempts.saturating_sub(1).min(16);
        let step = base_delay.saturating_mul(1 << doublings).min(max_delay);
        step.mul_f64(fastrand::f64()).max(wait.unwrap_or_default())
    }
}

fn budget(settings: &RetrySettings) -> TpsBudget {
    let ratio = settings.budget_percent.min(1000) as f32 / 100.0;
    TpsBudget::new(BUDGET_WINDOW, MIN_RETRIES, ratio)
}

/// The retry state of one call.
#[derive(Debug)]
pub(in crate::bedrock) struct Backoff<'a> {
    policy: &'a RetryPolicy,
    /// The called target, if its attempts count towards its exhaustion.
    target: Option<&'a str>,
    began: Instant,
    attempts: u32,
    max_attempts: u32,
    /// Whether a failed attempt has probably been billed.
    was_billed: bool,
    /// Whether credentials were refreshed after AWS rejected them.
    refreshed: bool,
}

impl Backoff<'_> {
    /// Repeats the operation until it succeeds or a retry is pointless.
    pub(in crate::bedrock) async fn call<Fut, T>(
        mut self,
        operation: impl Fn() -> Fut,
    ) -> Result<T, UpstreamError>
    where
        Fut: Future<Output = Result<T, UpstreamError>>,
    {
        loop {
            let error = match operation().await {
                Ok(value) => {
                    self.succeeded();
                    return Ok(value);
                }
                Err(error) => error,
            };
            let Some(delay) = self.next(&error) else {
                return Err(error);
            };
            tracing::debug!(
                code = error.code,
                attempt = self.attempts,
                delay_ms = delay.as_millis() as u64,
                "retrying the call to Bedrock"
            );
            drop(error);
            tokio::time::sleep(delay).await;
        }
    }

    fn succeeded(&self) {
        self.policy.budget.deposit();
        if let Some(target) = self.target {
            self.policy.exhausted.remove(target);
        }
    }

    /// The delay before the next attempt; `None` if there is none.
    fn next(&mut self, error: &UpstreamError) -> Option<Duration> {
        match error.advice {
            RetryAdvice::Never => return None,
            RetryAdvice::RefreshCredentials if self.refreshed => return None,
            RetryAdvice::RefreshCredentials => {
                self.refreshed = true;
                return Some(Duration::ZERO);
            }
            RetryAdvice::RetryOnce if self.was_billed => return None,
            RetryAdvice::RetryOnce => self.was_billed = true,
            RetryAdvice::Retry => {}
        }
        let deadline = self.policy.settings.deadline;
        let delay = self.policy.delay(self.attempts, error.wait);
        let in_time = self.began.elapsed().saturating_add(delay) < deadline;
        if self.attempts >= self.max_attempts || !in_time || !self.policy.budget.withdraw() {
            if let (Some(target), RetryAdvice::Retry) = (self.target, error.advice) {
                self.policy.exhausted.insert(target);
            }
            return None;
        }
        self.attempts += 1;
        Some(delay)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::bedrock::errors::ErrorResponse;

    fn error(status: u16) -> UpstreamError {
        UpstreamError::from_response(&ErrorResponse {
            status,
            ..ErrorResponse::default()
        })
    }

    fn settings() -> RetrySettings {
        RetrySettings::default()
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_at_most_max_attempts() {
        let policy = RetryPolicy::new(settings());
        let mut backoff = policy.begin(false, None);
        let retries = (0..10).filter(|_| backoff.next(&error(503)).is_some());
        assert_eq!(retries.count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_the_client_retries_is_attempted_once() {
        let policy = RetryPolicy::new(settings());
        let mut backoff = policy.begin(true, None);
        assert_eq!(backoff.next(&error(401)), Some(Duration::ZERO));
        assert_eq!(backoff.next(&error(503)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_starts_after_the_deadline() {
        let policy = RetryPolicy::new(settings());
        let mut backoff = policy.begin(false, None);
        tokio::time::advance(Duration::from_secs(21)).await;
        assert_eq!(backoff.next(&error(503)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_beyond_the_deadline_is_not_waited_for() {
        let policy = RetryPolicy::new(settings());
        let mut backoff = policy.begin(false, None);
        let mut throttled = error(429);
        throttled.wait = Some(Duration::from_secs(60));
        assert_eq!(backoff.next(&throttled), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_requested_retry_delay_is_the_minimum() {
        let policy = RetryPolicy::new(settings());
        let mut backoff = policy.begin(false, None);
        let mut throttled = error(429);
        throttled.wait = Some(Duration::from_secs(3));
        assert!(backoff.next(&throttled) >= throttled.wait);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_request_is_not_retried_and_rejected_credentials_once() {
        let policy = RetryPolicy::new(settings());
        let mut backoff = policy.begin(false, None);
        assert_eq!(backoff.next(&error(400)), None);
        assert_eq!(backoff.next(&error(401)), Some(Duration::ZERO));
        assert_eq!(backoff.next(&error(401)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_were_probably_billed_are_retried_once() {
        let policy = RetryPolicy::new(settings());
        let mut backoff = policy.begin(false, None);
        assert!(backoff.next(&UpstreamError::interrupted("")).is_some());
        assert!(backoff.next(&error(503)).is_some());
        assert_eq!(backoff.next(&UpstreamError::timeout("")), None);
        assert_eq!(backoff.next(&UpstreamError::unreadable("")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn any_retry_after_value_is_parsed() {
        let policy = RetryPolicy::new(settings());
        let mut backoff = policy.begin(false, None);
        let mut throttled = error(429);
        throttled.wait = Some(Duration::MAX);
        assert_eq!(backoff.next(&throttled), None);
    }

    /// The number of attempts of a call to `target`.
    async fn attempts(
        policy: &RetryPolicy,
        target: &str,
        outcome: Result<(), UpstreamError>,
    ) -> usize {
        let calls = AtomicUsize::new(0);
        let backoff = policy.begin(false, Some(target));
        let operation = || {
            calls.fetch_add(1, Ordering::Relaxed);
            std::future::ready(outcome.clone())
        };
        let result = backoff.call(operation).await;
        assert_eq!(result.is_ok(), outcome.is_ok());
        calls.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_failed_through_all_attempts_has_one_until_it_succeeds() {
        let policy = RetryPolicy::new(settings());
        assert_eq!(attempts(&policy, "one", Err(error(429))).await, 4);
        for _ in 0..3 {
            assert_eq!(attempts(&policy, "one", Err(error(429))).await, 1);
        }
        assert_eq!(attempts(&policy, "other", Err(error(429))).await, 4);
        assert_eq!(attempts(&policy, "one", Ok(())).await, 1);
        assert_eq!(attempts(&policy, "one", Err(error(429))).await, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn other_settings_keep_the_exhausted_targets_and_the_budget() {
        let policy = RetryPolicy::new(RetrySettings {
            budget_percent: 0,
            ..settings()
        });
        assert_eq!(attempts(&policy, "one", Err(error(429))).await, 4);
        let two = policy.reconfigured(RetrySettings {
            max_attempts: 2,
            ..policy.settings
        });
        assert_eq!(attempts(&two, "one", Err(error(429))).await, 1);
        assert_eq!(attempts(&two, "other", Err(error(429))).await, 2);
        while policy.budget.withdraw() {}
        assert_eq!(attempts(&two, "third", Err(error(429))).await, 1);
        let more = two.reconfigured(settings());
        assert_eq!(attempts(&more, "fourth", Err(error(429))).await, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn invalid_requests_do_not_exhaust_a_target() {
        let policy = RetryPolicy::new(settings());
        for status in [400, 404] {
            assert_eq!(attempts(&policy, "one", Err(error(status))).await, 1);
        }
        assert_eq!(
            attempts(&policy, "one", Err(UpstreamError::timeout(""))).await,
            2
        );
        assert_eq!(attempts(&policy, "one", Err(error(503))).await, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn the_retry_budget_limits_retries_during_an_outage() {
        let policy = RetryPolicy::new(RetrySettings {
            budget_percent: 0,
            ..settings()
        });
        let retries = (0..1000).filter(|_| policy.begin(false, None).next(&error(503)).is_some());
        let window = BUDGET_WINDOW.as_secs() as usize;
        assert!(retries.count() <= MIN_RETRIES as usize * window);
    }
}
