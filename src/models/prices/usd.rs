use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Serialize, Serializer};

const PICODOLLARS: u128 = 1_000_000_000_000;

/// An exact amount of US dollars: a whole number of picodollars (10^-12 dollars).
///
/// Prices are published per million tokens with at most six decimals, so a token's price is a
/// whole number of picodollars and sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Usd(i128);

impl Usd {
    /// Converts from picodollars.
    pub fn from_picodollars(picodollars: i128) -> Self {
        Self(picodollars)
    }

    /// The amount in picodollars.
    pub fn picodollars(self) -> i128 {
        self.0
    }

    /// The amount in nanodollars, the unit of budgets and stored records, rounded half up.
    pub fn nanodollars(self) -> i64 {
        let rounded = self.0.saturating_add(500).div_euclid(1000);
        i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
    }

    /// Converts from nanodollars.
    pub fn from_nanodollars(nanodollars: i64) -> Self {
        Self(i128::from(nanodollars) * 1000)
    }

    /// The price of `count` units at this unit price.
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(i128::from(count)))
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Usd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// Plain decimals: no exponent, no trailing zeros, no currency sign.
impl fmt::Display for Usd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let amount = self.0.unsigned_abs();
        let (dollars, rest) = (amount / PICODOLLARS, amount % PICODOLLARS);
        if rest == 0 {
            return write!(formatter, "{sign}{dollars}");
        }
        let (mut decimals, mut width) = (rest, 12);
        while decimals % 10 == 0 {
            decimals /= 10;
            width -= 1;
        }
        write!(formatter, "{sign}{dollars}.{decimals:0width$}")
    }
}

/// Reads what `Display` writes.
impl FromStr for Usd {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not an amount in plain decimals";
        let (is_negative, amount) = match text.strip_prefix('-') {
            Some(amount) => (true, amount),
            None => (false, text),
        };
        let (dollars, decimals) = amount.split_once('.').unwrap_or((amount, "0"));
        let are_digits =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(dollars) || !are_digits(decimals) || decimals.len() > 12 {
            return Err(WRONG);
        }
        let amount: i128 = format!("{dollars}{decimals:0<12}")
            .parse()
            .map_err(|_| WRONG)?;
        Ok(Self(if is_negative { -amount } else { amount }))
    }
}

/// A decimal in a string: as a JSON number it would not stay exact.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOLLAR: i128 = 1_000_000_000_000;

    #[test]
    fn an_amount_is_written_in_plain_decimals() {
        for (picodollars, text) in [
            (0, "0"),
            (1, "0.000000000001"),
            (1_230_000_000, "0.00123"),
            (DOLLAR, "1"),
            (12 * DOLLAR + 500_000_000_000, "12.5"),
            (-40_000_000_000, "-0.04"),
        ] {
            let amount = Usd::from_picodollars(picodollars);
            assert_eq!(amount.to_string(), text);
            assert_eq!(text.parse(), Ok(amount));
        }
        for wrong in [
            "",
            "-",
            "1.",
            ".5",
            "1e3",
            "+1",
            "1,5",
            "0.0000000000001",
            "--1",
        ] {
            assert!(wrong.parse::<Usd>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn nanodollars_are_rounded_once() {
        for (picodollars, nanodollars) in [(0, 0), (499, 0), (500, 1), (1499, 1), (-500, 0)] {
            assert_eq!(
                Usd::from_picodollars(picodollars).nanodollars(),
                nanodollars
            );
        }
        let amount = Usd::from_nanodollars(7);
        assert_eq!(
            (amount.to_string().as_str(), amount.nanodollars()),
            ("0.000000007", 7)
        );
    }

    #[test]
    fn a_million_small_amounts_add_up_exactly() {
        let sum: Usd = (0..1_000_000).map(|_| Usd::from_picodollars(100_001)).sum();
        assert_eq!(sum.to_string(), "0.100001");
    }
}
