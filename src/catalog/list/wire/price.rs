//! The price of a model.

use serde::Serialize;

use crate::models::{ModelRow, Price, UnitPrices, Usd};

/// The price of a model in US dollars, as exact decimals.
#[derive(Debug, Serialize)]
pub(crate) struct PriceObject<'a> {
    currency: &'static str,
    /// For each tier with a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_million_tokens: Option<&'a Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_image: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_query: Option<Usd>,
}

impl<'a> PriceObject<'a> {
    /// The price of a table row, if it has one.
    pub(crate) fn of(row: &ModelRow<'a>) -> Option<Self> {
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
            per_million_tokens: row.price,
            per_image: image,
            per_second: second,
            per_query: query,
        })
    }
}
