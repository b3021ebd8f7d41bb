//! The state of limits, for the headers of responses.

use std::time::Duration;

use crate::models::Usd;

/// The state of one rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateState {
    /// What may be used at once.
    pub limit: u64,
    /// What is left of it.
    pub remaining: u64,
    /// The time until all of it is available again.
    pub reset: Duration,
}

/// The limits with the least left, of all that apply to a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Of requests.
    pub requests: Option<RateState>,
    /// Of tokens.
    pub tokens: Option<RateState>,
    /// What is left of the hard budget with the least left; `None` without one, or if
    /// `[budgets] remaining_header` is off.
    pub budget_left: Option<Usd>,
}

impl RateLimits {
    /// A limit of requests.
    pub fn of_requests(requests: RateState) -> Self {
        Self {
            requests: Some(requests),
            ..Self::default()
        }
    }

    /// Takes a limit of `other` if it has less left, in proportion, and the amount of a budget if it
    /// is lower.
    pub fn merge(&mut self, other: Self) {
        for (own, other) in [
            (&mut self.requests, other.requests),
            (&mut self.tokens, other.tokens),
        ] {
            let Some(other) = other else { continue };
            if own.is_none_or(|own| other.has_less_than(own)) {
                *own = Some(other);
            }
        }
        let left = [self.budget_left, other.budget_left];
        self.budget_left = left.into_iter().flatten().min();
    }
}

impl RateState {
    fn has_less_than(self, other: Self) -> bool {
        let left = |state: Self, of: Self| u128::from(state.remaining) * u128::from(of.limit);
        left(self, other) < left(other, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_with_the_least_left_in_proportion_is_reported() {
        let state = |limit, remaining| RateState {
            limit,
            remaining,
            reset: Duration::ZERO,
        };
        let mut limits = RateLimits::of_requests(state(1000, 50));
        limits.merge(RateLimits::of_requests(state(10, 2)));
        assert_eq!(limits.requests, Some(state(1000, 50)));
        limits.merge(RateLimits {
            requests: Some(state(10, 0)),
            tokens: Some(state(5, 5)),
            budget_left: None,
        });
        assert_eq!(limits.requests, Some(state(10, 0)));
        assert_eq!(limits.tokens, Some(state(5, 5)));
    }
}
