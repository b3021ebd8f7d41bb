//! The errors of limits, with OpenAI's words, and the name of whose limit it is.

use std::num::NonZeroU32;
use std::time::Duration;

use super::scope::AllowanceScope;
use crate::allowances::BudgetPeriod;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::limits::budgets::{Calendar, Span};
use crate::limits::meters::{Full, PerMinute};
use crate::limits::rates::RateLimits;
use crate::models::Usd;

/// The longest wait that clients follow. If it is longer, retries do not help.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The wait for a slot or for the stored records, whose end is unknown.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// A request is refused. Nothing was reserved.
#[derive(Debug)]
pub struct Refusal {
    /// The client's error.
    pub error: ApiError,
    /// The state of the limits.
    pub rates: RateLimits,
    /// Which limit it was.
    pub limit: RefusedLimit,
}

/// The limit that refuses a request, in words of closed sets for records and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedLimit {
    /// Whose limit it is: a level, or `model`.
    pub scope: &'static str,
    /// `requests`, `tokens`, `concurrency`, `budget` or `price`.
    pub kind: &'static str,
}

/// Why a limit has no room.
#[derive(Debug)]
pub(super) enum Limited {
    /// Requests or tokens per minute.
    Rate {
        kind: ErrorKind,
        limit: u64,
        requested: u64,
        full: Full,
    },
    InFlight {
        limit: u32,
        full: Full,
    },
    Budget {
        period: BudgetPeriod,
        limit: Usd,
        requested: Usd,
        full: Full,
        span: Span,
    },
    /// What was spent in the window of a hard budget is not known yet.
    Unseeded,
    /// The price of the model is unknown, and there is a hard budget.
    Unpriced,
}

impl Limited {
    pub(super) fn requests(rate: PerMinute, full: Full) -> Self {
        Self::Rate {
            kind: ErrorKind::RateLimited,
            limit: rate.units(),
            requested: 1,
            full,
        }
    }

    pub(super) fn tokens(rate: PerMinute, requested: u64, full: Full) -> Self {
        Self::Rate {
            kind: ErrorKind::TokenRateLimited,
            limit: rate.units(),
            requested,
            full,
        }
    }

    pub(super) fn in_flight(limit: NonZeroU32, full: Full) -> Self {
        Self::InFlight {
            limit: limit.get(),
            full,
        }
    }

    pub(super) fn budget(
        period: BudgetPeriod,
        limit: i64,
        requested: u64,
        full: Full,
        span: Span,
    ) -> Self {
        Self::Budget {
            period,
            limit: Usd::from_nanodollars(limit),
            requested: usd(requested),
            full,
            span,
        }
    }

    /// The kind of the limit.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Rate {
                kind: ErrorKind::TokenRateLimited,
                ..
            } => "tokens",
            Self::Rate { .. } => "requests",
            Self::InFlight { .. } => "concurrency",
            Self::Budget { .. } | Self::Unseeded => "budget",
            Self::Unpriced => "price",
        }
    }

    /// When a retry may succeed; the longest possible time if never.
    pub(super) fn wait(&self) -> Duration {
        match self {
            Self::Rate { full, .. } | Self::Budget { full, .. } => {
                full.wait.unwrap_or(Duration::MAX)
            }
            Self::InFlight { .. } | Self::Unseeded => SHORT_WAIT,
            Self::Unpriced => Duration::MAX,
        }
    }

    /// The client's error, for a limit of `scope`.
    pub(super) fn error(&self, scope: &AllowanceScope, calendar: &Calendar) -> ApiError {
        match self {
            Self::Rate {
                kind,
                limit,
                requested,
                full,
            } => self.rate_error(scope, *kind, (*limit, *requested), full),
            Self::InFlight { limit, full } => {
                let message = format!(
                    "Rate limit reached for {scope} on concurrent requests: Limit {limit}, Used \
                     {}, Requested 1. Please try again in 1s.",
                    full.used
                );
                ApiError::new(ErrorKind::RateLimited, message)
                    .code(ErrorCode::RateLimitExceeded)
                    .retry_after(SHORT_WAIT)
            }
            Self::Budget {
                period,
                limit,
                requested,
                full,
                span,
            } => {
                let per = match period {
                    BudgetPeriod::Total => "in total".to_owned(),
                    period => format!("per {}", period.as_str()),
                };
                let when = match span.end {
                    i64::MAX => "Ask the operator of this gateway to raise it.".to_owned(),
                    end => format!("The next one begins at {}.", calendar.write(end)),
                };
                let message = format!(
                    "You exceeded your current quota: the budget of {scope} {per}. Limit ${limit}, \
                     Used ${}, Requested ${requested}. {when}",
                    usd(full.used)
                );
                ApiError::new(ErrorKind::QuotaExhausted, message)
                    .code(ErrorCode::InsufficientQuota)
                    .should_retry(false)
            }
            Self::Unseeded => {
                let message = format!(
                    "The gateway has not read yet what {scope} has spent of its budget. Please try \
                     again in 1s."
                );
                ApiError::new(ErrorKind::Unavailable, message)
                    .code(ErrorCode::ServiceUnavailable)
                    .retry_after(SHORT_WAIT)
            }
            Self::Unpriced => {
                let message = format!(
                    "The gateway has no price for this request, which the budget of {scope} needs; \
                     choose another model, or ask the operator of this gateway to set a price"
                );
                ApiError::new(ErrorKind::Permission, message)
                    .code(ErrorCode::UnknownPrice)
                    .should_retry(false)
            }
        }
    }

    fn rate_error(
        &self,
        scope: &AllowanceScope,
        kind: ErrorKind,
        (limit, requested): (u64, u64),
        full: &Full,
    ) -> ApiError {
        let of = match kind {
            ErrorKind::TokenRateLimited => "tokens per min (TPM)",
            _ => "requests per min (RPM)",
        };
        let Some(wait) = full.wait else {
            let message = format!(
                "Request too large for {scope} on {of}: Limit {limit}, Requested {requested}. The \
                 input or output tokens must be reduced in order to run successfully."
            );
            return ApiError::new(kind, message)
                .code(ErrorCode::RateLimitExceeded)
                .should_retry(false);
        };
        let seconds = (wait.as_secs_f64() * 1000.0).ceil() / 1000.0;
        let message = format!(
            "Rate limit reached for {scope} on {of}: Limit {limit}, Used {}, Requested \
             {requested}. Please try again in {seconds}s.",
            full.used
        );
        let error = ApiError::new(kind, message).code(ErrorCode::RateLimitExceeded);
        let error = error.retry_after(wait);
        match wait <= MAX_WAIT {
            true => error,
            false => error.should_retry(false),
        }
    }
}

fn usd(nanodollars: u64) -> Usd {
    Usd::from_nanodollars(i64::try_from(nanodollars).unwrap_or(i64::MAX))
}
