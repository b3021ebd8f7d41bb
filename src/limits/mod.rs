//! Limits.
//!
//! [`CallerLimits`]: requests and tokens per minute, concurrent requests and budgets of a caller's
//! levels. They are decided together, refuse at once, and are settled when the request has ended.
//! [`Limiter`]: rate and concurrency in front of Bedrock, for each caller and each model, with
//! bounded queues.

mod budgets;
mod concurrency;
mod estimate;
mod levels;
mod meters;
mod rate;
mod rates;
mod scope;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use crate::error::{ApiError, ErrorCode, ErrorKind};
pub(crate) use budgets::Calendar;
pub use budgets::{Span, SpendHistory, SpentFuture, ThresholdEvent, ThresholdQueue, Thresholds};
pub use concurrency::WhenFull;
pub use estimate::{ExpectedTokens, OutputSize, PromptSize};
pub use levels::{
    AllowanceScope, BudgetState, CalledModel, CallerLimits, Demand, ExpectedCost, LimitRegistry,
    Refusal, RefusedLimit, Reservation, ScopeState, Settlement, WallClock,
};
pub use meters::Moment;
use rate::TooFast;
pub use rates::{RateLimits, RateState};
use scope::{Admission, LimitError, LimitScope};
pub use settings::{BudgetSettings, LimitSettings, Limits, UnpricedModels, WebhookKey};

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

    /// Admits the `calls` of a request of the caller with the id `caller` to `target`, possibly
    /// after a wait; the error has the retry delay.
    pub async fn admit(
        &self,
        caller: &str,
        target: &Arc<str>,
        calls: u32,
        when_full: WhenFull,
    ) -> Result<Permit, Box<Refusal>> {
        let key = self.keys.admit(caller, calls, when_full).await;
        let key = key.map_err(|refusal| limited(refusal, "this API key", "key"))?;
        let target = self.targets.admit(target, calls, when_full).await;
        let target = target.map_err(|refusal| limited(refusal, "this model", "model"))?;
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

    /// The state of the rate limit with the least left.
    pub fn rates(&self) -> RateLimits {
        let mut rates = RateLimits::default();
        for state in [self.key.rate, self.target.rate].into_iter().flatten() {
            rates.merge(RateLimits::of_requests(state));
        }
        rates
    }
}

fn limited(refusal: LimitError, whose: &str, scope: &'static str) -> Box<Refusal> {
    let kind = match &refusal {
        LimitError::TooFast(_) => "requests",
        LimitError::TooMany => "concurrency",
    };
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
    Box::new(Refusal {
        error,
        rates: rate.map_or_else(RateLimits::default, RateLimits::of_requests),
        limit: RefusedLimit { scope, kind },
    })
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
        caller: &str,
        target: &Arc<str>,
    ) -> Result<Permit, Box<Refusal>> {
        limiter.admit(caller, target, 1, WhenFull::Wait).await
    }

    #[tokio::test]
    async fn a_slot_is_released_when_the_permit_is_dropped() {
        let limiter = limiter(1);
        let (caller, target) = ("a", Arc::from("model"));
        let first = admit(&limiter, caller, &target).await.expect("a free slot");
        let refusal = admit(&limiter, caller, &target)
            .await
            .expect_err("no slot")
            .error;
        assert_eq!(refusal.kind, ErrorKind::RateLimited);
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
        drop(first);
        assert!(admit(&limiter, caller, &target).await.is_ok());
    }

    #[tokio::test]
    async fn models_do_not_share_slots() {
        let limiter = limiter(1);
        let caller = "a";
        let _first = admit(&limiter, caller, &Arc::from("one"))
            .await
            .expect("a slot");
        assert!(admit(&limiter, caller, &Arc::from("other")).await.is_ok());
    }
}
