//! The price of a model.

use serde::Serialize;

use crate::models::{ModelRow, Tier, TierPrices, UnitPrices, Usd, some_decimal};

/// The price of a model in US dollars, as exact decimals.
#[derive(Debug, Serialize)]
pub struct PriceObject {
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_million_tokens: Option<TokenPrice>,
    #[serde(
        serialize_with = "some_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    per_image: Option<Usd>,
    #[serde(
        serialize_with = "some_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    per_second: Option<Usd>,
    #[serde(
        serialize_with = "some_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    per_query: Option<Usd>,
}

/// Prices per million tokens, for each tier with a price.
#[derive(Debug, Serialize)]
struct TokenPrice {
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<TierPrices>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flex: Option<TierPrices>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<TierPrices>,
}

impl PriceObject {
    /// The price of a table row, if it has one.
    pub fn of(row: &ModelRow<'_>) -> Option<Self> {
        let UnitPrices {
            image,
            second,
            query,
        } = row.units;
        if row.price.is_none() && row.units == UnitPrices::default() {
            return None;
        }
        Some(Self {
            currency: "USD",
            per_million_tokens: row.price.map(|price| TokenPrice {
                default: price.list(Tier::Default),
                flex: price.list(Tier::Flex),
                priority: price.list(Tier::Priority),
            }),
            per_image: image,
            per_second: second,
            per_query: query,
        })
    }
}
