//! The cost of a call, from its usage and the price table.

use crate::converse::response::Usage;
use crate::models::{Price, Tier, Tokens, Usd};

/// The cost of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The total; `None` if the table has no price for the request.
    pub total: Option<Usd>,
    /// The cost without the cache minus the actual cost; negative if a prefix was written and none
    /// was read.
    pub saved: Option<Usd>,
}

/// The total cost of calls with these usages, on the tier that Bedrock reported.
pub fn cost(price: Option<&Price>, usages: &[Usage], tier: Option<&str>) -> Cost {
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

/// Usage in the units of the price. Cache writes have a TTL of five minutes unless Bedrock reports
/// an hour.
fn tokens(usage: &Usage) -> Tokens {
    let Usage {
        input_tokens,
        output_tokens,
        cache_read_input_tokens,
        cache_write_input_tokens,
        cache_write_one_hour_tokens,
        reasoning_tokens: _,
    } = *usage;
    Tokens {
        input: input_tokens,
        output: output_tokens,
        cache_read: cache_read_input_tokens,
        cache_write_5m: cache_write_input_tokens.saturating_sub(cache_write_one_hour_tokens),
        cache_write_1h: cache_write_one_hour_tokens,
    }
}
