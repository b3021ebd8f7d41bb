//! What a request costs, from its usage and the price table.

use std::fmt::{self, Display as _};

use super::tokens::TokenCounts;
use crate::models::{CostBreakdown, Price, Tier, Usd};

/// What the calls of a request used, and what that costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Charge {
    /// The tokens of all calls.
    pub tokens: Option<TokenCounts>,
    /// What is not counted in tokens.
    pub units: Option<Units>,
    /// The cost of all calls.
    pub cost: Cost,
    /// The service tier that Bedrock reports.
    pub tier: Option<Tier>,
}

/// Usage that is not counted in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// Generated images, or images for embeddings.
    Images(u64),
    /// Seconds of video.
    Seconds(u64),
    /// Rerank queries with up to 100 documents.
    Queries(u64),
    /// Text units of guardrails, as Bedrock counts them.
    TextUnits(u64),
}

/// The cost of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The cost by what is billed; `None` if the table has no price for the request.
    pub breakdown: Option<CostBreakdown>,
    /// The cost without the cache minus the actual cost; negative if a prefix was written and none
    /// was read.
    pub saved: Option<Usd>,
}

impl Charge {
    /// The charge of calls that are billed by the token. `tier` is what Bedrock reports; otherwise
    /// they ran on the `requested` one.
    pub fn of_calls(
        calls: impl Iterator<Item = TokenCounts> + Clone,
        price: Option<&Price>,
        (tier, requested): (Option<Tier>, Option<Tier>),
    ) -> Self {
        let mut total = TokenCounts::default();
        calls.clone().for_each(|counts| total.add(counts));
        let charged = tier.or(requested).unwrap_or(Tier::Default);
        Self {
            tokens: Some(total),
            units: None,
            cost: Cost::of_calls(calls, price, charged),
            tier,
        }
    }

    /// The charge of `units` at `price` each.
    pub fn of_units(units: Units, price: Option<Usd>) -> Self {
        Self {
            units: Some(units),
            cost: Cost::uncached(price.map(|price| CostBreakdown {
                units: price.times(units.count()),
                ..CostBreakdown::default()
            })),
            ..Self::default()
        }
    }
}

impl Units {
    /// The number of units.
    pub fn count(self) -> u64 {
        match self {
            Self::Images(count)
            | Self::Seconds(count)
            | Self::Queries(count)
            | Self::TextUnits(count) => count,
        }
    }
}

impl Cost {
    /// The cost of calls that are billed by the token, each by the length of its prompt.
    pub fn of_calls(
        calls: impl Iterator<Item = TokenCounts> + Clone,
        price: Option<&Price>,
        tier: Tier,
    ) -> Self {
        let Some(price) = price else {
            return Self::default();
        };
        let billed = calls.map(TokenCounts::billed);
        let saved = billed.clone();
        Self {
            breakdown: billed.map(|tokens| price.cost(&tokens, tier)).sum(),
            saved: saved.map(|tokens| price.cache_saving(&tokens, tier)).sum(),
        }
    }

    /// The sum of both; unknown if one of them is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let breakdowns = self.breakdown.zip(other.breakdown);
        Self {
            breakdown: breakdowns.map(|(own, other)| own + other),
            saved: self.saved.zip(other.saved).map(|(own, other)| own + other),
        }
    }

    /// A cost without prompt caching.
    pub fn uncached(breakdown: Option<CostBreakdown>) -> Self {
        Self {
            breakdown,
            saved: None,
        }
    }

    /// The total; `None` if the table has no price for the request.
    pub fn total(self) -> Option<Usd> {
        self.breakdown.map(CostBreakdown::total)
    }
}

/// An amount in US dollars, or `unknown`.
pub fn usd(amount: Option<Usd>) -> impl fmt::Display {
    fmt::from_fn(move |formatter| match amount {
        Some(amount) => amount.fmt(formatter),
        None => formatter.write_str("unknown"),
    })
}
