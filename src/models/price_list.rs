//! Prices as published: per million tokens.

use serde::{Serialize, Serializer};

use super::cost::{Price, Rates, Schedule, Tier};
use super::usd::Usd;

/// Prices per million tokens in US dollars, as exact decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TokenPrices {
    #[serde(serialize_with = "decimal")]
    input: Usd,
    #[serde(serialize_with = "decimal")]
    output: Usd,
    #[serde(
        serialize_with = "some_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    cache_read: Option<Usd>,
    #[serde(
        serialize_with = "some_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    cache_write_5m: Option<Usd>,
    #[serde(
        serialize_with = "some_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    cache_write_1h: Option<Usd>,
}

/// The prices of one tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TierPrices {
    #[serde(flatten)]
    prices: TokenPrices,
    #[serde(skip_serializing_if = "Option::is_none")]
    long_prompt: Option<LongPromptPrices>,
}

/// The prices of all tokens of a call with a long prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct LongPromptPrices {
    /// The maximum prompt length in tokens for which the normal prices apply.
    above: u64,
    #[serde(flatten)]
    prices: TokenPrices,
}

impl Price {
    /// The prices of a tier; `None` if unknown.
    pub fn list(&self, tier: Tier) -> Option<TierPrices> {
        let schedule = match tier {
            Tier::Default => Some(&self.default),
            Tier::Flex => self.flex.as_ref(),
            Tier::Priority => self.priority.as_ref(),
            Tier::Reserved => None,
        };
        schedule.map(tier_prices)
    }
}

fn decimal<S: Serializer>(amount: &Usd, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

/// Serializes an amount as an exact decimal, or `null`.
pub fn some_decimal<S: Serializer>(amount: &Option<Usd>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => decimal(amount, serializer),
        None => serializer.serialize_none(),
    }
}

fn tier_prices(schedule: &Schedule) -> TierPrices {
    let long_prompt = schedule.long_prompt.as_ref();
    TierPrices {
        prices: token_prices(&schedule.rates),
        long_prompt: long_prompt.map(|(above, rates)| LongPromptPrices {
            above: *above,
            prices: token_prices(rates),
        }),
    }
}

fn token_prices(rates: &Rates) -> TokenPrices {
    let million = |price: Usd| price.times(1_000_000);
    TokenPrices {
        input: million(rates.input),
        output: million(rates.output),
        cache_read: rates.cache_read.map(million),
        cache_write_5m: rates.cache_write_5m.map(million),
        cache_write_1h: rates.cache_write_1h.map(million),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{ModelId, PriceTable};

    #[test]
    fn prices_are_formatted_as_published() {
        let table = PriceTable::parse(
            "[[model]]
            ids = ['a.b']
            input = 0.035
            output = 15
            cache_read = 0.3
            flex = { factor = 0.5 }
            long_prompt = { above = 200000, input = 6, output = 22.5 }",
        );
        let table = table.expect("a table");
        let id = ModelId::parse("a.b").expect("an id");
        let price = table.row(&id).and_then(|row| row.price).expect("a price");
        let listed = |tier| price.list(tier).map(|list| serde_json::json!(list));
        assert_eq!(
            listed(Tier::Default),
            Some(serde_json::json!({
                "input": "0.035", "output": "15", "cache_read": "0.3",
                "long_prompt": {"above": 200_000, "input": "6", "output": "22.5"},
            }))
        );
        let flex = listed(Tier::Flex).expect("a price");
        assert_eq!(
            (&flex["input"], &flex["output"]),
            (&"0.0175".into(), &"7.5".into())
        );
        assert_eq!(listed(Tier::Priority), None);
    }
}
