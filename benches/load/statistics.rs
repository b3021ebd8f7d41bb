use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// The rounds' values of a figure.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        Self {
            median: median(values.clone()),
            min: values.clone().fold(f64::INFINITY, f64::min),
            max: values.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// The ratio within each round.
    pub(crate) fn of_ratios(
        dividends: impl Iterator<Item = f64> + Clone,
        divisors: impl Iterator<Item = f64> + Clone,
    ) -> Self {
        Self::of(
            dividends
                .zip(divisors)
                .map(|(dividend, divisor)| dividend / divisor),
        )
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = self;
        write!(f, "{median:.2} ({min:.2}–{max:.2})")
    }
}

/// The median, the lower one for an even number of values; 0 without values.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or_default()
}

/// The percentile of sorted values; `None` without values.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let position = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(position).copied()
}

pub(crate) fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
