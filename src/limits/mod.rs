//! How much may pass to Bedrock, for each caller and each target: rates and concurrent requests,
//! each with a short queue.

mod concurrency;
mod rate;
mod scope;

use std::sync::Arc;
use std::time::Duration;

use crate::config::Limits;
use crate::error::{ApiError, ErrorKind};
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

/// Leave for the calls of a request. Their places are given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    key: Admission,
    target: Admission,
}

/// A caller's place. Given back when it is dropped.
#[derive(Debug)]
pub struct KeyPermit {
    _key: Admission,
}

/// Leave for one further call of a request that was let in. Given back when it is dropped.
#[derive(Debug)]
pub struct CallPermit {
    _target: Admission,
}

/// Where a rate stands, for the `x-ratelimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateState {
    /// How many requests may come at once.
    pub limit: u32,
    /// How many of them are left.
    pub remaining: u32,
    /// When all of them are back.
    pub reset: Duration,
}

/// A request that does not go to Bedrock, by a limit or for any other reason.
#[derive(Debug)]
pub struct Refusal {
    /// What the client hears.
    pub error: ApiError,
    /// Where the rate stands, where it is a rate that refused.
    pub rate: Option<RateState>,
}

impl Limiter {
    /// Limits with nothing used. The names of `callers` and `targets`, which are the operator's,
    /// are always kept apart.
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

    /// Leave for the `calls` of a request of `caller` to `target`, for which it may wait a little,
    /// or when to come back.
    pub async fn admit(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        calls: u32,
        when_full: WhenFull,
    ) -> Result<Permit, Refusal> {
        let key = self.keys.admit(caller.name(), calls, when_full).await;
        let key = key.map_err(|refusal| limited(refusal, "this API key"))?;
        let target = self.targets.admit(target, calls, when_full).await;
        let target = target.map_err(|refusal| limited(refusal, "this model"))?;
        Ok(Permit { key, target })
    }

    /// Leave for a further call to `target`, for a request that was let in and asks often: it waits
    /// for its turn rather than failing half-way.
    pub async fn admit_call(&self, target: &Arc<str>) -> CallPermit {
        CallPermit {
            _target: self.targets.admit_call(target).await,
        }
    }
}

impl Permit {
    /// The caller's place, which lasts as long as the request, and the first call's. A request that
    /// kept its place while it waited for others could wait for itself.
    pub fn into_parts(self) -> (KeyPermit, CallPermit) {
        let Self { key, target } = self;
        (KeyPermit { _key: key }, CallPermit { _target: target })
    }

    /// Where the narrower of the two rates stands, where there is one.
    pub fn rate(&self) -> Option<RateState> {
        match (self.key.rate, self.target.rate) {
            (Some(key), Some(target)) if target.remaining < key.remaining => Some(target),
            (Some(key), _) => Some(key),
            (None, target) => target,
        }
    }
}

fn limited(refusal: LimitError, whose: &str) -> Refusal {
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
                "Rate limit reached for {whose} on concurrent requests: as many are in progress as \
                 it may have. Please try again in 1s."
            ),
            Duration::from_secs(1),
            None,
        ),
    };
    let error = ApiError::new(ErrorKind::RateLimited, message)
        .code("rate_limit_exceeded")
        .retry_after(wait);
    Refusal { error, rate }
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
    ) -> Result<Permit, Refusal> {
        limiter.admit(caller, target, 1, WhenFull::Wait).await
    }

    #[tokio::test]
    async fn a_slot_is_released_when_the_permit_is_dropped() {
        let limiter = limiter(1);
        let (caller, target) = (Caller::new("a"), Arc::from("model"));
        let first = admit(&limiter, &caller, &target)
            .await
            .expect("a free place");
        let refusal = admit(&limiter, &caller, &target)
            .await
            .expect_err("no place");
        assert_eq!(refusal.error.kind, ErrorKind::RateLimited);
        assert_eq!(refusal.error.retry_after, Some(Duration::from_secs(1)));
        drop(first);
        assert!(admit(&limiter, &caller, &target).await.is_ok());
    }

    #[tokio::test]
    async fn upstreams_do_not_share_slots() {
        let limiter = limiter(1);
        let caller = Caller::new("a");
        let _first = admit(&limiter, &caller, &Arc::from("one"))
            .await
            .expect("a place");
        assert!(admit(&limiter, &caller, &Arc::from("other")).await.is_ok());
    }
}
