use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use super::cost::{Price, UnitPrices};
use crate::models::ModelId;

/// The geography of inference profiles that can run in any region.
const GLOBAL: &str = "global";

/// The prefix of GovCloud regions, and the geography of its profiles.
const GOV: &str = "us-gov";

/// Prices, limits and life cycle of models. `prices.toml` documents the format.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceTable {
    /// Id prefixes, longest first. Ids of one row share its entry, and copies of the table all.
    stems: Vec<(String, Arc<PriceEntry>)>,
}

/// The entry of one model, priced for one location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelRow<'table> {
    /// The maximum number of prompt tokens; for most models, of prompt and completion together.
    pub context_window: Option<u32>,
    /// The maximum number of completion tokens.
    pub max_output: Option<u32>,
    /// Token prices.
    pub price: Option<&'table Price>,
    /// Prices in other units.
    pub units: UnitPrices,
    /// The first day the model is no longer served, as `YYYY-MM-DD`, which sorts as text.
    pub end_of_life: Option<&'table str>,
    /// Whether AWS lists it as a legacy model, which rejects new accounts and accounts that have
    /// not used it for some time.
    pub legacy: bool,
}

/// The entry of the models whose ids share a prefix.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PriceEntry {
    pub(super) context_window: Option<u32>,
    pub(super) max_output: Option<u32>,
    pub(super) end_of_life: Option<String>,
    pub(super) legacy: Option<bool>,
    pub(super) prices: Option<Prices>,
    pub(super) units: Option<UnitPrices>,
}

/// Token prices by location: the geography of the inference profile, or the region that is
/// called.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prices {
    pub(super) global: Price,
    /// The price in locations not listed.
    pub(super) regional: Price,
    pub(super) locations: Vec<(String, Price)>,
}

/// Why a price table is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTableError(pub(super) String);

impl PriceTable {
    /// This table with the rows of `other` taking precedence.
    ///
    /// Fields that such a row omits keep this table's values for the same ids. Prices are
    /// replaced as a whole: a row with a price keeps no part of the old one.
    pub fn overlay(self, other: Self) -> Self {
        let mut stems: Vec<_> = other
            .stems
            .into_iter()
            .map(|(stem, entry)| match self.find(&stem) {
                Some(inherited) => (stem, Arc::new(entry.completed(inherited))),
                None => (stem, entry),
            })
            .collect();
        let own = self.stems.into_iter();
        let kept: Vec<_> = own
            .filter(|(stem, _)| !stems.iter().any(|(other, _)| other == stem))
            .collect();
        stems.extend(kept);
        Self::new(stems)
    }

    /// The entry of a model, with the default regional price.
    pub fn row(&self, model: &ModelId) -> Option<ModelRow<'_>> {
        self.row_in(model, "")
    }

    /// The entry of a model called in `region`. The region determines the price only if the id
    /// has no geography.
    pub fn row_in(&self, model: &ModelId, region: &str) -> Option<ModelRow<'_>> {
        let entry = self.find(model.foundation_id())?;
        let location = model.geography().unwrap_or(region);
        Some(ModelRow {
            context_window: entry.context_window,
            max_output: entry.max_output,
            price: entry.prices.as_ref().map(|prices| prices.at(location)),
            units: entry.units.unwrap_or_default(),
            end_of_life: entry.end_of_life.as_deref(),
            legacy: entry.legacy.unwrap_or_default(),
        })
    }

    pub(super) fn new(mut stems: Vec<(String, Arc<PriceEntry>)>) -> Self {
        stems.sort_by_key(|(stem, _)| Reverse(stem.len()));
        Self { stems }
    }

    fn find(&self, id: &str) -> Option<&PriceEntry> {
        self.stems
            .iter()
            .find(|(stem, _)| matches_prefix(stem, id))
            .map(|(_, entry)| &**entry)
    }
}

impl PriceEntry {
    fn completed(&self, inherited: &Self) -> Self {
        Self {
            context_window: self.context_window.or(inherited.context_window),
            max_output: self.max_output.or(inherited.max_output),
            end_of_life: (self.end_of_life.as_ref().or(inherited.end_of_life.as_ref())).cloned(),
            legacy: self.legacy.or(inherited.legacy),
            prices: (self.prices.as_ref().or(inherited.prices.as_ref())).cloned(),
            units: self.units.or(inherited.units),
        }
    }
}

impl Prices {
    fn at(&self, location: &str) -> &Price {
        if location == GLOBAL {
            return &self.global;
        }
        let named = |name: &str| self.locations.iter().find(|(location, _)| location == name);
        named(location)
            .or_else(|| location.starts_with(GOV).then(|| named(GOV)).flatten())
            .map_or(&self.regional, |(_, price)| price)
    }
}

/// Whether `stem` is a prefix of `id` that is not an earlier version: `claude-opus-5` does not
/// match `claude-opus-5-7`, nor `glm-5` `glm-5.4`, whose prices may differ.
fn matches_prefix(stem: &str, id: &str) -> bool {
    let Some(rest) = id.strip_prefix(stem) else {
        return false;
    };
    let Some(later) = rest.strip_prefix(['-', '.']) else {
        return true;
    };
    let part = later.split(['-', '.', ':']).next().unwrap_or_default();
    let is_version = matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    !(is_version && stem.ends_with(|last: char| last.is_ascii_digit()))
}

impl fmt::Display for PriceTableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid price table: {}", self.0)
    }
}

impl std::error::Error for PriceTableError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Tier, Tokens};

    /// Prefixes in `models.toml` without an entry in `prices.toml`, and the reason.
    const WITHOUT_ROW: &[(&str, &str)] = &[
        (
            "amazon.titan-tg1",
            "first-generation Titan: AWS publishes neither limit nor price",
        ),
        (
            "amazon.nova-2-omni",
            "AWS publishes neither limit nor price",
        ),
    ];

    fn built_in() -> PriceTable {
        PriceTable::built_in().expect("the built-in table")
    }

    fn id(text: &str) -> ModelId {
        ModelId::parse(text).expect("an id")
    }

    /// The price of a million tokens in short prompts of a thousand.
    fn input_price(table: &PriceTable, model: &str, region: &str) -> Option<String> {
        let thousand = Tokens {
            input: 1_000,
            ..Tokens::default()
        };
        let price = table.row_in(&id(model), region)?.price?;
        let cost = price.cost(&thousand, Tier::Default)?.total();
        Some(cost.times(1_000).to_string())
    }

    #[test]
    fn the_longest_prefix_wins() {
        for (model, price) in [
            ("anthropic.claude-opus-4-20250514-v1:0", "15"),
            ("global.anthropic.claude-opus-4-5-20251101-v1:0", "5"),
            ("global.anthropic.claude-opus-5", "5"),
            ("global.anthropic.claude-opus-5-5", "4"),
            ("meta.llama3-70b-instruct-v1:0", "2.65"),
            ("meta.llama3-1-70b-instruct-v1:0", "0.72"),
            ("zai.glm-4.7", "0.6"),
            ("zai.glm-4.7-flash", "0.07"),
        ] {
            let actual = input_price(&built_in(), model, "us-east-1");
            assert_eq!(actual.as_deref(), Some(price), "{model}");
        }
    }

    #[test]
    fn unknown_models_and_later_versions_have_no_price() {
        for model in [
            "someone.new-model-v9",
            "anthropic.claude-opus-5-7",
            "us.anthropic.claude-opus-5-7-v1:0",
            "minimax.minimax-m2.7",
            "openai.gpt-7",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
        ] {
            assert_eq!(built_in().row(&id(model)), None, "{model}");
        }
    }

    #[test]
    fn the_geography_determines_the_price_else_the_region() {
        let profile = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/";
        let arn = format!("{profile}global.anthropic.claude-opus-5-5");
        for (model, region, price) in [
            ("global.anthropic.claude-opus-5-5", "eu-west-1", "4"),
            (&arn, "eu-west-1", "4"),
            ("eu.anthropic.claude-opus-5-5", "eu-west-1", "4.4"),
            ("anthropic.claude-opus-5-5", "eu-west-1", "4.4"),
            ("anthropic.claude-opus-5-5", "us-gov-west-1", "4.8"),
            ("us-gov.anthropic.claude-opus-5-5", "us-gov-west-1", "4.8"),
            ("us.amazon.nova-lite-v1:0", "us-east-1", "0.06"),
            ("eu.amazon.nova-lite-v1:0", "eu-west-1", "0.078"),
            ("minimax.minimax-m2.5", "us-east-1", "0.3"),
            ("minimax.minimax-m2.5", "eu-west-2", "0.47"),
        ] {
            let actual = input_price(&built_in(), model, region);
            assert_eq!(actual.as_deref(), Some(price), "{model} in {region}");
        }
    }

    #[test]
    fn limits_and_life_cycle_dates_are_returned() {
        let table = built_in();
        let row = table.row(&id("us.anthropic.claude-sonnet-4-20250514-v1:0"));
        let row = row.expect("a row");
        assert_eq!(
            (row.context_window, row.max_output),
            (Some(200_000), Some(64_000))
        );
        assert_eq!((row.end_of_life, row.legacy), (Some("2026-10-14"), true));
        let row = table.row(&id("amazon.nova-micro-v1:0")).expect("a row");
        assert_eq!((row.end_of_life, row.legacy), (None, false));
    }

    #[test]
    fn overlay_rows_override_and_keep_unset_values() {
        let own = r#"
            [[model]]
            ids = ["anthropic.claude-opus-5", "house.model"]
            input = 4.5
            output = 20

            [[model]]
            ids = ["anthropic.claude-opus-4-8-20260528"]
            max_output = 1000
        "#;
        let table = built_in().overlay(PriceTable::parse(own).expect("a table"));
        for (model, price, window, output) in [
            (
                "global.anthropic.claude-opus-5",
                "4.5",
                Some(1_000_000),
                Some(128_000),
            ),
            (
                "us.anthropic.claude-opus-5",
                "4.5",
                Some(1_000_000),
                Some(128_000),
            ),
            ("house.model", "4.5", None, None),
            // A longer prefix of the built-in table, which the overlay does not contain.
            (
                "global.anthropic.claude-opus-5-5",
                "4",
                Some(1_000_000),
                Some(128_000),
            ),
            // A longer prefix of the overlay, which sets few fields.
            (
                "global.anthropic.claude-opus-4-8-20260528-v1:0",
                "5",
                Some(1_000_000),
                Some(1_000),
            ),
        ] {
            let row = table.row(&id(model)).expect("a row");
            assert_eq!(
                input_price(&table, model, "").as_deref(),
                Some(price),
                "{model}"
            );
            assert_eq!(
                (row.context_window, row.max_output),
                (window, output),
                "{model}"
            );
        }
        let row = table.row(&id("anthropic.claude-opus-5")).expect("a row");
        let cached = Tokens {
            cache_read: 1,
            ..Tokens::default()
        };
        let cost = row
            .price
            .and_then(|price| price.cost(&cached, Tier::Default));
        assert_eq!(cost, None, "the old cache read price is removed");
    }

    #[test]
    fn every_family_has_a_context_window_or_a_reason() {
        let table = built_in();
        let families: toml::Table = include_str!("../models.toml").parse().expect("a table");
        let families = families["family"].as_array().expect("families");
        let families: Vec<&toml::Table> = families
            .iter()
            .flat_map(toml::Value::as_table)
            // Video models have no context window.
            .filter(|family| !family.contains_key("video"))
            .collect();
        let ids = families.iter().flat_map(|family| {
            let ids = family["ids"].as_array().into_iter().flatten();
            ids.map(|id| (id, family.contains_key("image")))
        });
        for (family, makes_images) in ids {
            let family = family.as_str().expect("an id prefix");
            if makes_images {
                let priced = table.find(family).and_then(|entry| entry.units?.image);
                assert!(priced.is_some(), "{family}");
                continue;
            }
            let mut rows = table.stems.iter().filter(|(stem, entry)| {
                (stem.starts_with(family) || matches_prefix(stem, family))
                    && entry.context_window.is_some()
            });
            let excused = WITHOUT_ROW.iter().any(|(stem, _)| *stem == family);
            assert_ne!(rows.next().is_some(), excused, "{family}");
        }
    }
}
