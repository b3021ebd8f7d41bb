//! Limits of rate and concurrency for each caller and each model, with bounded queues.

mod concurrency;
mod rate;
mod scope;

use std::sync::Arc;
use std::time::Duration;

use crate::config::Limits;
use crate::error::{ApiError, ErrorCode, ErrorKind, RateState};
use crate::identity::Caller;
pub use concurrency::WhenFull;
use rate::TooFast;
use scope::{Admission, LimitError, LimitScope};

/// The limits of one gateway.
#[derive(Debug)]
pub struct Limiter {
    keys: LimitScope,
    targets: LimitScope,
}

/// The slots of a request, released when dropped.
#[derive(Debug)]
pub struct Permit {
    key: Admission,
    target: Admission,
}

/// The caller's slot of a request, released when dropped.
#[derive(Debug)]
pub struct KeyPermit {
    _key: Admission,
}

/// The model's slot of another call of an admitted request, released when dropped.
#[derive(Debug)]
pub struct CallPermit {
    _target: Admission,
}

impl Limiter {
    /// Creates unused limits. The configured `callers` and `targets` always have limits of their
    /// own.
    pub fn new<'a>(
        limits: &Limits,
        callers: impl IntoIterator<Item = &'a str>,
        targets: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            keys: LimitScope::new(&limits.key, callers),
            targets: LimitScope::new(&limits.target, targets),
        }
    }

    /// The same limits under other settings and for other configured names. What is in use stays
    /// in use.
    pub fn reconfigured<'a>(
        &self,
        limits: &Limits,
        callers: impl IntoIterator<Item = &'a str>,
        targets: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            keys: self.keys.reconfigured(&limits.key, callers),
            targets: self.targets.reconfigured(&limits.target, targets),
        }
    }

    /// Admits the `calls` of a request of `caller` to `target`, possibly after a wait; the error
    /// has the retry delay.
    pub async fn admit(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        calls: u32,
        when_full: WhenFull,
    ) -> Result<Permit, ApiError> {
        let key = self.keys.admit(caller.id(), calls, when_full).await;
        let key = key.map_err(|refusal| limited(refusal, "this API key"))?;
        let target = self.targets.admit(target, calls, when_full).await;
        let target = target.map_err(|refusal| limited(refusal, "this model"))?;
        Ok(Permit { key, target })
    }

    /// Admits another call of an admitted request. It waits without a limit rather than failing the
    /// request half-way.
    pub async fn admit_call(&self, target: &Arc<str>) -> CallPermit {
        CallPermit {
            _target: self.targets.admit_call(target).await,
        }
    }
}

impl Permit {
    /// Splits off the caller's slot, which lasts as long as the request, from that of the first
    /// call. A request that kept its call's slot while it waits for others could deadlock.
    pub fn into_parts(self) -> (KeyPermit, CallPermit) {
        let Self { key, target } = self;
        (KeyPermit { _key: key }, CallPermit { _target: target })
    }

    /// The state of the rate limit with fewer remaining requests.
    pub fn rate(&self) -> Option<RateState> {
        match (self.key.rate, self.target.rate) {
            (Some(key), Some(target)) if target.remaining < key.remaining => Some(target),
            (Some(key), _) => Some(key),
            (None, target) => target,
        }
    }
}

fn limited(refusal: LimitError, whose: &str) -> ApiError {
    let (message, wait, rate) = match refusal {
        LimitError::TooFast(TooFast { retry_after, rate }) => (
            format!(
                "Rate limit reached for {whose} on requests. Please try again in {}s.",
                retry_after.as_secs_f64().ceil().max(1.0)
            ),
            retry_after,
            Some(rate),
        ),
        LimitError::TooMany => (
            format!(
                "Rate limit reached for {whose} on concurrent requests: the maximum number is in \
                progress. Please try again in 1s."
            ),
            Duration::from_secs(1),
            None,
        ),
    };
    let error = ApiError::new(ErrorKind::RateLimited, message)
        .code(ErrorCode::RateLimitExceeded)
        .retry_after(wait);
    ApiError {
        rate: rate.map(Box::new),
        ..error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LimitSettings;

    fn limiter(max_concurrent_requests: u32) -> Limiter {
        let mut target = LimitSettings::calls(max_concurrent_requests);
        target.max_wait = Duration::ZERO;
        let limits = Limits {
            target,
            ..Limits::default()
        };
        Limiter::new(&limits, [], [])
    }

    async fn admit(
        limiter: &Limiter,
        caller: &Caller,
        target: &Arc<str>,
    ) -> Result<Permit, ApiError> {
        limiter.admit(caller, target, 1, WhenFull::Wait).await
    }

    #[tokio::test]
    async fn a_slot_is_released_when_the_permit_is_dropped() {
        let limiter = limiter(1);
        let (caller, target) = (Caller::named("a"), Arc::from("model"));
        let first = admit(&limiter, &caller, &target)
            .await
            .expect("a free slot");
        let refusal = admit(&limiter, &caller, &target)
            .await
            .expect_err("no slot");
        assert_eq!(refusal.kind, ErrorKind::RateLimited);
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
        drop(first);
        assert!(admit(&limiter, &caller, &target).await.is_ok());
    }

    #[tokio::test]
    async fn models_do_not_share_slots() {
        let limiter = limiter(1);
        let caller = Caller::named("a");
        let _first = admit(&limiter, &caller, &Arc::from("one"))
            .await
            .expect("a slot");
        assert!(admit(&limiter, &caller, &Arc::from("other")).await.is_ok());
    }
}
