//! What a call costs, by its usage and the table of prices.

use crate::converse::response::Usage;
use crate::models::{Price, Tier, Tokens, Usd};

/// What a request has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The whole; nothing where the table has no price for it.
    pub total: Option<Usd>,
    /// What it would have cost without the cache, less what it has cost; below zero where a prefix
    /// was written and nothing read.
    pub saved: Option<Usd>,
}

/// What the calls with these usages cost together, on the tier that Bedrock says they ran on.
pub(super) fn cost(price: Option<&Price>, usages: &[Usage], tier: Option<&str>) -> Cost {
    let tier = match tier {
        Some("flex") => Tier::Flex,
        Some("priority") => Tier::Priority,
        Some("reserved" | "scale") => Tier::Reserved,
        _ => Tier::Default,
    };
    let each = |value: fn(&Price, &Tokens, Tier) -> Option<Usd>| {
        let values = usages
            .iter()
            .map(|usage| value(price?, &tokens(usage), tier));
        values.sum::<Option<Usd>>()
    };
    Cost {
        total: each(Price::cost),
        saved: each(Price::cache_saving),
    }
}

/// Usage as the price counts it: what was written is kept for five minutes, unless Bedrock says
/// for an hour.
fn tokens(usage: &Usage) -> Tokens {
    let Usage {
        input_tokens,
        output_tokens,
        cache_read_input_tokens,
        cache_write_input_tokens,
        cache_write_one_hour_tokens,
    } = *usage;
    Tokens {
        input: input_tokens,
        output: output_tokens,
        cache_read: cache_read_input_tokens,
        cache_write_5m: cache_write_input_tokens.saturating_sub(cache_write_one_hour_tokens),
        cache_write_1h: cache_write_one_hour_tokens,
    }
}
