use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::models::Usd;

/// Decimals of a dollar that an amount may have: the counters of budgets are whole nanodollars.
const MAX_DECIMALS: usize = 9;

/// The largest budget, in dollars: a thousandth of what the counters can hold.
const MAX_DOLLARS: i128 = 9_000_000;

/// The calendar period that a budget is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
    /// All time.
    Total,
}

/// An amount of money for a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The amount in dollars.
    #[serde(deserialize_with = "read_usd")]
    #[schema(value_type = String, example = "12.50")]
    pub usd: Usd,
    /// The period.
    pub per: BudgetPeriod,
    /// Whether requests beyond it are refused; otherwise its thresholds are only reported.
    #[serde(default = "hard")]
    pub hard: bool,
    /// A higher amount for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increase: Option<BudgetIncrease>,
}

/// A temporary increase of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetIncrease {
    /// What is added to the amount, in dollars.
    #[serde(deserialize_with = "read_usd")]
    #[schema(value_type = String, example = "12.50")]
    pub usd: Usd,
    /// When it ends, as RFC 3339 has it.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

impl Budget {
    /// The amount at a time in Unix milliseconds, with a temporary increase.
    pub fn limit_at(&self, unix_ms: i64) -> Usd {
        let increase = self.increase;
        match increase.filter(|increase| unix_ms < increase.until.as_millisecond()) {
            Some(increase) => self.usd + increase.usd,
            None => self.usd,
        }
    }
}

impl BudgetPeriod {
    /// Parses the word of the configuration and the command line.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "total" => Self::Total,
            _ => return None,
        })
    }

    /// The word for the period.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }
}

/// Parses an amount such as `12.50`; the error is the remedy.
pub fn parse_usd(text: &str) -> Result<Usd, String> {
    let remedy = || {
        format!(
            "write an amount in dollars such as \"12.50\", above 0 and up to {MAX_DOLLARS}, with \
             at most {MAX_DECIMALS} decimals"
        )
    };
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = !whole.is_empty() && !decimals.is_empty();
    if !is_decimal || !are_digits(whole) || !are_digits(decimals) || decimals.len() > MAX_DECIMALS {
        return Err(remedy());
    }
    let whole: i128 = whole.parse().map_err(|_| remedy())?;
    let picodollars: i128 = format!("{decimals:0<12}").parse().map_err(|_| remedy())?;
    match whole {
        0..MAX_DOLLARS => {}
        MAX_DOLLARS if picodollars == 0 => {}
        _ => return Err(remedy()),
    }
    match whole * 1_000_000_000_000 + picodollars {
        0 => Err(remedy()),
        amount => Ok(Usd::from_picodollars(amount)),
    }
}

fn read_usd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Usd, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_usd(&text).map_err(serde::de::Error::custom)
}

fn hard() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, expected) in [
            ("12.50", "12.5"),
            ("0.000000001", "0.000000001"),
            ("007", "7"),
            ("9000000", "9000000"),
        ] {
            let amount = parse_usd(text).map(|usd| usd.to_string());
            assert_eq!(amount.as_deref(), Ok(expected));
        }
        for wrong in [
            "",
            ".5",
            "5.",
            "0",
            "0.0",
            "-1",
            "1e3",
            "1,5",
            "0.0000000001",
            "9000000.1",
            "+1",
        ] {
            assert!(parse_usd(wrong).is_err(), "{wrong}");
        }
    }
}
