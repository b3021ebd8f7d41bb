use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use time::Date;
use time::macros::format_description;

use super::cost::{
    Factor, LongPromptPrices, Price, TierPrices, TokenPrice, TokenPrices, UnitPrices,
};
use super::table::{PriceEntry, PriceTable, PriceTableError, Prices};
use crate::models::built_in::rows;
use crate::models::{ModelId, Usd};

/// Above any real price in dollars per million tokens: a higher value has the wrong unit.
const MAX_PRICE: f64 = 100_000.0;

/// Above any real price in dollars per image, second or query.
const MAX_UNIT_PRICE: f64 = 1_000.0;

/// The maximum factor, for the same reason.
const MAX_FACTOR: f64 = 100.0;

/// The built-in table.
const BUILT_IN: &str = include_str!("../prices.toml");

impl PriceTable {
    /// Parses the built-in table.
    pub fn built_in() -> Result<Self, PriceTableError> {
        Ok(Self::new(entries(rows(BUILT_IN))?))
    }

    /// Parses a table.
    pub fn parse(text: &str) -> Result<Self, PriceTableError> {
        Ok(Self::new(entries([text])?))
    }
}

/// The entries of a table in one document or several, one for each id prefix.
fn entries<'a>(
    documents: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(String, Arc<PriceEntry>)>, PriceTableError> {
    let mut models = Vec::new();
    for document in documents {
        let file: PriceFile =
            toml::from_str(document).map_err(|error| PriceTableError(error.to_string()))?;
        models.extend(file.model);
    }
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    for (position, row) in models.into_iter().enumerate() {
        let first = row.ids.first().map_or("no ids", String::as_str);
        let name = format!("row {} ({first})", position + 1);
        let named = |problem: String| PriceTableError(format!("{name}: {problem}"));
        let entry = Arc::new(row.entry().map_err(named)?);
        for id in row.ids {
            check_id(&id).map_err(named)?;
            if !seen.insert(id.clone()) {
                return Err(named(format!(
                    "`ids` has `{id}`, which is in the table twice"
                )));
            }
            entries.push((id, Arc::clone(&entry)));
        }
    }
    Ok(entries)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    #[serde(default)]
    model: Vec<PriceRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRow {
    ids: Vec<String>,
    context_window: Option<u32>,
    max_output: Option<u32>,
    end_of_life: Option<String>,
    legacy: Option<bool>,
    input: Option<f64>,
    output: Option<f64>,
    cache_read: Option<f64>,
    cache_write_5m: Option<f64>,
    cache_write_1h: Option<f64>,
    image: Option<f64>,
    second: Option<f64>,
    query: Option<f64>,
    long_prompt: Option<LongPrompt>,
    flex: Option<PriceOverride>,
    priority: Option<PriceOverride>,
    batch: Option<PriceOverride>,
    regional_factor: Option<f64>,
    #[serde(default)]
    locations: BTreeMap<String, PriceOverride>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongPrompt {
    above: u64,
    input: Option<f64>,
    output: Option<f64>,
    cache_read: Option<f64>,
    cache_write_5m: Option<f64>,
    cache_write_1h: Option<f64>,
}

/// Prices that replace the row's: a factor of the row's prices, or explicit prices.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceOverride {
    factor: Option<f64>,
    input: Option<f64>,
    output: Option<f64>,
    cache_read: Option<f64>,
    cache_write_5m: Option<f64>,
    cache_write_1h: Option<f64>,
}

/// A validated [`PriceOverride`].
#[derive(Clone, Copy)]
enum Change {
    Factor(Factor),
    Own(TokenPrices),
}

/// What the tiers change.
#[derive(Clone, Copy)]
struct TierChanges {
    flex: Option<Change>,
    priority: Option<Change>,
    batch: Option<Change>,
}

impl PriceRow {
    fn entry(&self) -> Result<PriceEntry, String> {
        if self.ids.is_empty() {
            return Err("`ids` is empty; name at least one model".to_owned());
        }
        if let Some(date) = &self.end_of_life {
            check_date(date)?;
        }
        Ok(PriceEntry {
            context_window: self.context_window,
            max_output: self.max_output,
            end_of_life: self.end_of_life.clone(),
            legacy: self.legacy,
            prices: self.prices()?,
            units: self.units()?,
        })
    }

    fn units(&self) -> Result<Option<UnitPrices>, String> {
        let price = |name: &str, value: Option<f64>| value.map(|value| unit(name, value));
        let units = UnitPrices {
            image: price("image", self.image).transpose()?,
            second: price("second", self.second).transpose()?,
            query: price("query", self.query).transpose()?,
        };
        Ok((units != UnitPrices::default()).then_some(units))
    }

    fn prices(&self) -> Result<Option<Prices>, String> {
        let cache = [self.cache_read, self.cache_write_5m, self.cache_write_1h];
        let Some(prices) = token_prices("the row", self.input, self.output, cache)? else {
            return match self.changes_a_price() {
                true => Err("has dependent prices, but no `input` and `output`".to_owned()),
                false => Ok(None),
            };
        };
        let long_prompt = self.long_prompt.as_ref().map(LongPrompt::read);
        let long_prompt = long_prompt.transpose()?.map(Box::new);
        let tier =
            |name, other: Option<&PriceOverride>| other.map(|other| self.change(name, other));
        let tiers = TierChanges {
            flex: tier("flex", self.flex.as_ref()).transpose()?,
            priority: tier("priority", self.priority.as_ref()).transpose()?,
            batch: tier("batch", self.batch.as_ref()).transpose()?,
        };
        let global = tiers.price(TierPrices {
            prices,
            long_prompt,
        });
        let regional = match self.regional_factor {
            Some(value) => global.scaled(factor("regional_factor", value)?),
            None => global.clone(),
        };
        let mut locations = Vec::with_capacity(self.locations.len());
        for (location, other) in &self.locations {
            let there = match self.change(location, other)? {
                Change::Factor(factor) => global.scaled(factor),
                Change::Own(prices) => tiers.with_factors().price(TierPrices {
                    prices,
                    long_prompt: None,
                }),
            };
            locations.push((location.clone(), there));
        }
        Ok(Some(Prices {
            global,
            regional,
            locations,
        }))
    }

    fn changes_a_price(&self) -> bool {
        self.long_prompt.is_some()
            || self.flex.is_some()
            || self.priority.is_some()
            || self.batch.is_some()
            || self.regional_factor.is_some()
            || !self.locations.is_empty()
    }

    /// Validates `other`. Explicit prices do not cover long prompts, so models with `long_prompt`
    /// prices accept only a factor.
    fn change(&self, field: &str, other: &PriceOverride) -> Result<Change, String> {
        let cache = [other.cache_read, other.cache_write_5m, other.cache_write_1h];
        let own = token_prices(field, other.input, other.output, cache)?;
        match (other.factor, own) {
            (Some(value), None) => Ok(Change::Factor(factor(field, value)?)),
            (None, Some(_)) if self.long_prompt.is_some() => Err(format!(
                "`{field}` sets prices, which leaves those of `long_prompt` unknown; \
                 give a `factor`"
            )),
            (None, Some(prices)) => Ok(Change::Own(prices)),
            _ => Err(format!(
                "`{field}` needs either a `factor`, or `input` and `output`"
            )),
        }
    }
}

impl LongPrompt {
    fn read(&self) -> Result<LongPromptPrices, String> {
        let cache = [self.cache_read, self.cache_write_5m, self.cache_write_1h];
        let prices = token_prices("long_prompt", self.input, self.output, cache)?;
        let prices = prices.ok_or("`long_prompt` needs `input` and `output`")?;
        Ok(LongPromptPrices {
            above: self.above,
            prices,
        })
    }
}

impl TierChanges {
    /// The price of all tiers, from that of the default one.
    fn price(self, default: TierPrices) -> Price {
        let tier = |change: Change| match change {
            Change::Factor(factor) => default.scaled(factor),
            Change::Own(prices) => TierPrices {
                prices,
                long_prompt: None,
            },
        };
        Price {
            flex: self.flex.map(tier),
            priority: self.priority.map(tier),
            batch: self.batch.map(tier),
            default,
        }
    }

    /// What applies in a location with explicit prices: a tier's factor applies there too, a tier's
    /// explicit prices do not.
    fn with_factors(self) -> Self {
        let factor = |change: &Change| matches!(change, Change::Factor(_));
        Self {
            flex: self.flex.filter(factor),
            priority: self.priority.filter(factor),
            batch: self.batch.filter(factor),
        }
    }
}

/// The price of one token of each kind, from dollars per million; `None` if no price is given.
fn token_prices(
    field: &str,
    input: Option<f64>,
    output: Option<f64>,
    cache: [Option<f64>; 3],
) -> Result<Option<TokenPrices>, String> {
    let price = |name: &str, value: Option<f64>| {
        let price = value.map(|value| token_price(field, name, value));
        price.transpose()
    };
    let [cache_read, cache_write_5m, cache_write_1h] = cache;
    let (Some(input), Some(output)) = (price("input", input)?, price("output", output)?) else {
        return match (input, output, cache) {
            (None, None, [None, None, None]) => Ok(None),
            _ => Err(format!(
                "{field} has a price, but not both `input` and `output`"
            )),
        };
    };
    Ok(Some(TokenPrices {
        input,
        output,
        cache_read: price("cache_read", cache_read)?,
        cache_write_5m: price("cache_write_5m", cache_write_5m)?,
        cache_write_1h: price("cache_write_1h", cache_write_1h)?,
    }))
}

fn token_price(field: &str, name: &str, value: f64) -> Result<TokenPrice, String> {
    if !(0.0..=MAX_PRICE).contains(&value) {
        return Err(format!(
            "`{name}` of {field} is `{value}`; give dollars per million tokens, at most {MAX_PRICE}"
        ));
    }
    millionths(value)
        .map(TokenPrice)
        .ok_or_else(|| format!("`{name}` of {field} is `{value}`; give at most six decimals"))
}

/// The price of one image, second or query, from dollars.
fn unit(name: &str, value: f64) -> Result<Usd, String> {
    let fits = (0.0..=MAX_UNIT_PRICE).contains(&value);
    millionths(value)
        .filter(|_| fits)
        .map(|millionths| Usd::from_picodollars(i128::from(millionths) * 1_000_000))
        .ok_or_else(|| {
            format!(
                "`{name}` is `{value}`; give dollars per unit, at most {MAX_UNIT_PRICE}, with \
                 at most six decimals"
            )
        })
}

fn factor(field: &str, value: f64) -> Result<Factor, String> {
    let fits = value > 0.0 && value <= MAX_FACTOR;
    millionths(value)
        .filter(|_| fits)
        .map(Factor)
        .ok_or_else(|| {
            format!(
                "the factor of `{field}` is `{value}`; give one above 0 and at most \
                 {MAX_FACTOR}, with at most six decimals"
            )
        })
}

/// Converts a number with at most six decimals to whole millionths. For a price in dollars per
/// million tokens, that is picodollars per token.
fn millionths(value: f64) -> Option<u64> {
    let scaled = value * 1e6;
    let rounded = scaled.round();
    // The remainder is binary rounding error, far below one millionth.
    ((scaled - rounded).abs() < 1e-3).then_some(rounded as u64)
}

/// Checks an id prefix of a foundation model.
fn check_id(id: &str) -> Result<(), String> {
    let model = ModelId::parse(id).map_err(|error| format!("`{id}` in `ids` {error}"))?;
    match model.foundation_id() == id {
        true => Ok(()),
        false => Err(format!(
            "`{id}` in `ids` is not a foundation model id; write `{}`, and prices of single \
             geographies under `locations`",
            model.foundation_id()
        )),
    }
}

/// Checks a date in the form `YYYY-MM-DD`, which sorts as text.
fn check_date(date: &str) -> Result<(), String> {
    match Date::parse(date, format_description!("[year]-[month]-[day]")) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "`end_of_life` is `{date}`; write a date as `2026-11-30`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::BUILT_IN;
    use crate::models::{ModelId, PriceTable, Tier, Tokens};

    #[test]
    fn the_built_in_rows_are_the_same_one_by_one_and_together() {
        assert_eq!(PriceTable::built_in(), PriceTable::parse(BUILT_IN));
    }

    #[test]
    fn an_invalid_row_is_rejected_with_its_name_field_and_remedy() {
        for (row, message) in [
            ("ids = []", "row 1 (no ids): `ids` is empty"),
            (
                "ids = ['us.a.b']",
                "`us.a.b` in `ids` is not a foundation model id; write `a.b`",
            ),
            ("ids = ['a b']", "`a b` in `ids` contains characters"),
            (
                "ids = ['a.b', 'a.b']",
                "row 1 (a.b): `ids` has `a.b`, which is in the table twice",
            ),
            ("ids = ['a.b']\nprize = 1", "unknown field `prize`"),
            (
                "ids = ['a.b']\nend_of_life = '2026-13-01'",
                "`end_of_life` is `2026-13-01`",
            ),
            ("ids = ['a.b']\ninput = 1", "not both `input` and `output`"),
            (
                "ids = ['a.b']\ncache_read = 1",
                "not both `input` and `output`",
            ),
            (
                "ids = ['a.b']\nregional_factor = 1.1",
                "no `input` and `output`",
            ),
            (
                "ids = ['a.b']\ninput = -1\noutput = 1",
                "`input` of the row is `-1`",
            ),
            (
                "ids = ['a.b']\ninput = nan\noutput = 1",
                "`input` of the row is `NaN`",
            ),
            (
                "ids = ['a.b']\ninput = 1\noutput = 1e9",
                "dollars per million tokens",
            ),
            (
                "ids = ['a.b']\nimage = 2000",
                "`image` is `2000`; give dollars per unit",
            ),
            (
                "ids = ['a.b']\ninput = 1\noutput = 0.0000001",
                "at most six decimals",
            ),
            (
                "ids = ['a.b']\ninput = 1\noutput = 1\nflex = { factor = 0 }",
                "the factor of `flex` is `0`",
            ),
            (
                "ids = ['a.b']\ninput = 1\noutput = 1\nlocations = { eu = {} }",
                "`eu` needs either a `factor`, or `input` and `output`",
            ),
            (
                "ids = ['a.b']\ninput = 1\noutput = 1\nlong_prompt = { above = 9 }",
                "`long_prompt` needs `input` and `output`",
            ),
            (
                "ids = ['a.b']\ninput = 1\noutput = 1\n\
                 long_prompt = { above = 9, input = 2, output = 2 }\n\
                 flex = { input = 1, output = 1 }",
                "`flex` sets prices",
            ),
        ] {
            let error = PriceTable::parse(&format!("[[model]]\n{row}")).expect_err(row);
            assert!(error.to_string().contains(message), "{row}: {error}");
        }
    }

    #[test]
    fn tier_factors_multiply_and_explicit_tier_prices_override() {
        let text = "[[model]]
            ids = ['a.b']
            input = 0.15
            output = 1
            regional_factor = 1.1
            locations = { eu = { input = 0.18, output = 2 }, us-gov = { factor = 1.2 } }
            flex = { input = 0.07, output = 0.5 }
            priority = { factor = 1.75 }
            batch = { factor = 0.4 }";
        let table = PriceTable::parse(text).expect("a table");
        let million = Tokens {
            input: 1_000_000,
            ..Tokens::default()
        };
        for (model, default, flex, priority, batch) in [
            ("global.a.b", "0.15", Some("0.07"), "0.2625", "0.06"),
            // 0.15 * 1.1, 0.07 * 1.1, 0.2625 * 1.1, 0.06 * 1.1
            ("us.a.b", "0.165", Some("0.077"), "0.28875", "0.066"),
            // 0.15 * 1.2, 0.07 * 1.2, 0.2625 * 1.2, 0.06 * 1.2
            ("us-gov.a.b", "0.18", Some("0.084"), "0.315", "0.072"),
            // 0.18 * 1.75, 0.18 * 0.4; the flex price there is unknown.
            ("eu.a.b", "0.18", None, "0.315", "0.072"),
        ] {
            let model = ModelId::parse(model).expect("an id");
            let price = table
                .row(&model)
                .and_then(|row| row.price)
                .expect("a price");
            for (tier, expected) in [
                (Tier::Default, Some(default)),
                (Tier::Flex, flex),
                (Tier::Priority, Some(priority)),
                (Tier::Batch, Some(batch)),
            ] {
                let cost = price
                    .cost(&million, tier)
                    .map(|cost| cost.total().to_string());
                assert_eq!(cost.as_deref(), expected, "{model} {tier:?}");
            }
        }
    }
}
