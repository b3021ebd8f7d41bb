use std::iter::Sum;
use std::ops::Add;

use serde::{Serialize, Serializer};

use crate::models::Usd;

const MILLION: u64 = 1_000_000;

/// The price of batch jobs, as a share of the default price, if the table has no other.
const BATCH_FACTOR: Factor = Factor(MILLION / 2);

/// The tokens of one call, as counted by Bedrock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Prompt tokens processed without the cache: Bedrock's `inputTokens`, which includes neither
    /// cache reads nor cache writes.
    pub input: u64,
    /// Completion tokens, including reasoning.
    pub output: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Tokens written to the cache for five minutes, or for the model's only TTL: all writes that
    /// `cacheDetails` does not list with a TTL of one hour.
    pub cache_write_5m: u64,
    /// Tokens written to the cache for an hour.
    pub cache_write_1h: u64,
}

/// The cost of calls by what is billed; the total is its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CostBreakdown {
    /// Prompt tokens processed without the cache.
    pub input: Usd,
    /// Tokens read from the cache.
    pub cache_read: Usd,
    /// Tokens written to the cache, whatever their TTL.
    pub cache_write: Usd,
    /// Completion tokens.
    pub output: Usd,
    /// What is not billed by the token: images, seconds, queries.
    pub units: Usd,
}

/// The tier that served a call, from the response's `serviceTier`; it may differ from the
/// requested tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// At list price.
    Default,
    /// Cheaper, with higher latency.
    Flex,
    /// More expensive, with lower latency.
    Priority,
    /// Provisioned capacity, billed by the hour regardless of use.
    Reserved,
    /// The records of batch jobs.
    Batch,
}

impl Tier {
    /// The tier that Bedrock or an OpenAI endpoint of AWS calls `name`.
    pub fn named(name: &str) -> Self {
        match name {
            "flex" => Self::Flex,
            "priority" => Self::Priority,
            "reserved" | "scale" => Self::Reserved,
            _ => Self::Default,
        }
    }

    /// Bedrock's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Reserved => "reserved",
            Self::Batch => "batch",
        }
    }
}

/// Token prices of a model in one location, for each tier.
///
/// Excludes what AWS bills in other units: grounding searches, guardrails, and the surcharge for
/// latency-optimized inference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Price {
    pub(super) default: TierPrices,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flex: Option<TierPrices>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<TierPrices>,
    /// The prices of batch jobs, if they are not [`BATCH_FACTOR`] of the default prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<TierPrices>,
}

/// Prices of models billed in units other than tokens; `None` if unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnitPrices {
    /// A generated image.
    pub image: Option<Usd>,
    /// A second of generated video.
    pub second: Option<Usd>,
    /// A rerank query with up to 100 documents.
    pub query: Option<Usd>,
}

/// Token prices of one tier, by prompt length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct TierPrices {
    #[serde(flatten)]
    pub(super) prices: TokenPrices,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) long_prompt: Option<Box<LongPromptPrices>>,
}

/// The prices of all tokens of a call with a long prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct LongPromptPrices {
    /// The maximum prompt length in tokens for which the normal prices apply.
    pub(super) above: u64,
    #[serde(flatten)]
    pub(super) prices: TokenPrices,
}

/// The prices of each kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct TokenPrices {
    pub(super) input: TokenPrice,
    pub(super) output: TokenPrice,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_read: Option<TokenPrice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_write_5m: Option<TokenPrice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_write_1h: Option<TokenPrice>,
}

/// The price of one token, in picodollars; serialized as published, per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenPrice(pub(super) u64);

/// A multiplier, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Factor(pub(super) u64);

impl Price {
    /// The cost of a call.
    ///
    /// `None` if the tier's price or the price of a used token kind is unknown, or if the tier is
    /// [`Tier::Reserved`], which is not billed per call.
    pub fn cost(&self, tokens: &Tokens, tier: Tier) -> Option<CostBreakdown> {
        self.prices(tokens, tier)?.cost(tokens)
    }

    /// The cost of the same call without the cache, minus its actual cost.
    ///
    /// Negative if cache writes cost more than cache reads saved. `None` if [`Price::cost`] is
    /// `None`.
    pub fn cache_saving(&self, tokens: &Tokens, tier: Tier) -> Option<Usd> {
        let prices = self.prices(tokens, tier)?;
        let uncached = Tokens {
            input: tokens.prompt(),
            output: tokens.output,
            ..Tokens::default()
        };
        Some(prices.cost(&uncached)?.total() - prices.cost(tokens)?.total())
    }

    /// Multiplies all prices by `factor`.
    pub(super) fn scaled(&self, factor: Factor) -> Self {
        let scaled = |prices: &TierPrices| prices.scaled(factor);
        Self {
            default: scaled(&self.default),
            flex: self.flex.as_ref().map(scaled),
            priority: self.priority.as_ref().map(scaled),
            batch: self.batch.as_ref().map(scaled),
        }
    }

    fn prices(&self, tokens: &Tokens, tier: Tier) -> Option<TokenPrices> {
        match (tier, &self.batch) {
            (Tier::Default, _) => Some(self.default.of(tokens)),
            (Tier::Flex, _) => Some(self.flex.as_ref()?.of(tokens)),
            (Tier::Priority, _) => Some(self.priority.as_ref()?.of(tokens)),
            (Tier::Reserved, _) => None,
            (Tier::Batch, Some(batch)) => Some(batch.of(tokens)),
            (Tier::Batch, None) => Some(self.default.of(tokens).scaled(BATCH_FACTOR)),
        }
    }
}

impl TierPrices {
    /// The prices of the tokens of a call.
    fn of(&self, tokens: &Tokens) -> TokenPrices {
        match &self.long_prompt {
            Some(long) if tokens.prompt() > long.above => long.prices,
            _ => self.prices,
        }
    }

    pub(super) fn scaled(&self, factor: Factor) -> Self {
        Self {
            prices: self.prices.scaled(factor),
            long_prompt: self.long_prompt.as_ref().map(|long| {
                Box::new(LongPromptPrices {
                    above: long.above,
                    prices: long.prices.scaled(factor),
                })
            }),
        }
    }
}

impl TokenPrices {
    fn scaled(&self, factor: Factor) -> Self {
        let scaled = |price: TokenPrice| price.scaled(factor);
        Self {
            input: scaled(self.input),
            output: scaled(self.output),
            cache_read: self.cache_read.map(scaled),
            cache_write_5m: self.cache_write_5m.map(scaled),
            cache_write_1h: self.cache_write_1h.map(scaled),
        }
    }

    fn cost(&self, tokens: &Tokens) -> Option<CostBreakdown> {
        Some(CostBreakdown {
            input: self.input.times(tokens.input),
            cache_read: cost(self.cache_read, tokens.cache_read)?,
            cache_write: cost(self.cache_write_5m, tokens.cache_write_5m)?
                + cost(self.cache_write_1h, tokens.cache_write_1h)?,
            output: self.output.times(tokens.output),
            units: Usd::default(),
        })
    }
}

impl TokenPrice {
    /// The price times a factor, rounded to the nearest picodollar.
    fn scaled(self, factor: Factor) -> Self {
        let product = u128::from(self.0) * u128::from(factor.0);
        let rounded = (product + u128::from(MILLION / 2)) / u128::from(MILLION);
        Self(u64::try_from(rounded).unwrap_or(u64::MAX))
    }

    fn times(self, count: u64) -> Usd {
        Usd::from_picodollars(self.0.into()).times(count)
    }
}

impl Serialize for TokenPrice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.times(MILLION).serialize(serializer)
    }
}

/// Zero tokens cost nothing, even if their price is unknown.
fn cost(price: Option<TokenPrice>, count: u64) -> Option<Usd> {
    match count {
        0 => Some(Usd::default()),
        _ => price.map(|price| price.times(count)),
    }
}

impl CostBreakdown {
    /// The sum of all kinds.
    pub fn total(self) -> Usd {
        let Self {
            input,
            cache_read,
            cache_write,
            output,
            units,
        } = self;
        input + cache_read + cache_write + output + units
    }
}

impl Add for CostBreakdown {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            cache_read: self.cache_read + other.cache_read,
            cache_write: self.cache_write + other.cache_write,
            output: self.output + other.output,
            units: self.units + other.units,
        }
    }
}

impl Sum for CostBreakdown {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

impl Tokens {
    /// The total prompt length, cached or not, which determines whether `long_prompt` rates
    /// apply.
    fn prompt(&self) -> u64 {
        [self.cache_read, self.cache_write_5m, self.cache_write_1h]
            .into_iter()
            .fold(self.input, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{ModelId, PriceTable};

    /// Claude Sonnet 4.5 through `global.`, in dollars per million tokens: 3 in, 15 out, 0.3 read
    /// from the cache, 3.75 and 6 written; above 200,000 tokens twice as much, output 22.50.
    fn sonnet() -> Price {
        let prices = |input, output| TokenPrices {
            input: TokenPrice(input),
            output: TokenPrice(output),
            cache_read: Some(TokenPrice(input / 10)),
            cache_write_5m: Some(TokenPrice(input * 5 / 4)),
            cache_write_1h: Some(TokenPrice(input * 2)),
        };
        let default = TierPrices {
            prices: prices(3_000_000, 15_000_000),
            long_prompt: Some(Box::new(LongPromptPrices {
                above: 200_000,
                prices: prices(6_000_000, 22_500_000),
            })),
        };
        Price {
            flex: Some(default.scaled(Factor(500_000))),
            priority: None,
            batch: None,
            default,
        }
    }

    fn tokens(counts: [u64; 5]) -> Tokens {
        let [input, output, cache_read, cache_write_5m, cache_write_1h] = counts;
        Tokens {
            input,
            output,
            cache_read,
            cache_write_5m,
            cache_write_1h,
        }
    }

    fn text(amount: Option<Usd>) -> String {
        amount.map_or("unknown".to_owned(), |amount| amount.to_string())
    }

    /// The total cost of a call.
    fn total(price: &Price, tokens: &Tokens, tier: Tier) -> String {
        text(price.cost(tokens, tier).map(CostBreakdown::total))
    }

    #[test]
    fn a_call_costs_the_sum_of_its_tokens() {
        for (counts, cost) in [
            ([0, 0, 0, 0, 0], "0"),
            // 1,000 at 3 and 200 at 15 a million: 0.003 + 0.003.
            ([1_000, 200, 0, 0, 0], "0.006"),
            // 7 * 0.000003 + 1 * 0.000015
            ([7, 1, 0, 0, 0], "0.000036"),
            // 0.0003 + 0.00075 + 10,000 at 0.3: 0.003 + 2,000 at 3.75: 0.0075 + 500 at 6: 0.003
            ([100, 50, 10_000, 2_000, 500], "0.01455"),
        ] {
            let total = total(&sonnet(), &tokens(counts), Tier::Default);
            assert_eq!(total, cost, "{counts:?}");
        }
    }

    #[test]
    fn a_cost_is_broken_down_by_what_is_billed() {
        let calls = [
            tokens([100, 50, 10_000, 2_000, 500]),
            tokens([7, 1, 0, 0, 0]),
        ];
        let price = sonnet();
        let costs = calls.iter().map(|call| price.cost(call, Tier::Default));
        let cost: CostBreakdown = costs.sum::<Option<_>>().expect("a cost");
        let kinds = [
            // 107 at 3
            (cost.input, "0.000321"),
            // 10,000 at 0.3
            (cost.cache_read, "0.003"),
            // 2,000 at 3.75 and 500 at 6
            (cost.cache_write, "0.0105"),
            // 51 at 15
            (cost.output, "0.000765"),
            (cost.units, "0"),
            (cost.total(), "0.014586"),
        ];
        for (amount, expected) in kinds {
            assert_eq!(amount.to_string(), expected);
        }
    }

    #[test]
    fn a_long_prompt_raises_the_price_of_every_token() {
        for (counts, cost) in [
            // 200,000 at 3: 0.6, and 10 at 15: 0.00015.
            ([200_000, 10, 0, 0, 0], "0.60015"),
            // 200,001 at 6: 1.200006, and 10 at 22.50: 0.000225.
            ([200_001, 10, 0, 0, 0], "1.200231"),
            // 1 at 6 and 200,000 at 0.6: 0.000006 + 0.12.
            ([1, 0, 200_000, 0, 0], "0.120006"),
        ] {
            let total = total(&sonnet(), &tokens(counts), Tier::Default);
            assert_eq!(total, cost, "{counts:?}");
        }
    }

    #[test]
    fn cache_savings_are_reads_saved_minus_write_surcharge() {
        for (counts, saving) in [
            ([1_000, 200, 0, 0, 0], "0"),
            // 10,000 at 3 less 10,000 at 0.3: 0.03 - 0.003.
            ([100, 50, 10_000, 0, 0], "0.027"),
            // 2,000 at 3 less 2,000 at 3.75: 0.006 - 0.0075.
            ([100, 50, 0, 2_000, 0], "-0.0015"),
            // 500 at 3 less 500 at 6.
            ([100, 50, 0, 0, 500], "-0.0015"),
            // 0.027 - 0.0015
            ([100, 50, 10_000, 2_000, 0], "0.0255"),
            // Above 200,000 tokens: 200,000 at 6 less 200,000 at 0.6.
            ([1, 50, 200_000, 0, 0], "1.08"),
        ] {
            let saved = sonnet().cache_saving(&tokens(counts), Tier::Default);
            assert_eq!(text(saved), saving, "{counts:?}");
        }
    }

    #[test]
    fn a_tier_without_a_published_price_is_unknown() {
        let tokens = tokens([1_000, 200, 10_000, 0, 0]);
        for (tier, cost, saving) in [
            // 0.003 + 0.003 + 0.003, saved 0.027
            (Tier::Default, "0.009", "0.027"),
            (Tier::Flex, "0.0045", "0.0135"),
            (Tier::Priority, "unknown", "unknown"),
            (Tier::Reserved, "unknown", "unknown"),
            // Half, if the table does not say otherwise.
            (Tier::Batch, "0.0045", "0.0135"),
        ] {
            assert_eq!(total(&sonnet(), &tokens, tier), cost, "{tier:?}");
            assert_eq!(
                text(sonnet().cache_saving(&tokens, tier)),
                saving,
                "{tier:?}"
            );
        }
    }

    #[test]
    fn unpriced_tokens_make_the_cost_unknown_only_when_present() {
        let mut price = sonnet();
        price.default.prices.cache_write_1h = None;
        for (counts, cost) in [
            ([1_000, 0, 1_000, 0, 0], "0.0033"),
            ([1_000, 0, 1_000, 0, 1], "unknown"),
        ] {
            let total = total(&price, &tokens(counts), Tier::Default);
            assert_eq!(total, cost);
        }
    }

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
        assert_eq!(
            serde_json::json!(price),
            serde_json::json!({
                "default": {
                    "input": "0.035", "output": "15", "cache_read": "0.3",
                    "long_prompt": {"above": 200_000, "input": "6", "output": "22.5"},
                },
                "flex": {
                    "input": "0.0175", "output": "7.5", "cache_read": "0.15",
                    "long_prompt": {"above": 200_000, "input": "3", "output": "11.25"},
                },
            })
        );
    }
}
