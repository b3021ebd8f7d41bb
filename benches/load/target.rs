use std::fmt;

use serde::Serialize;

use crate::statistics::Spread;

/// A figure with its limit. Missed targets do not fail a run.
#[derive(Debug, Serialize)]
pub(crate) struct Target {
    pub(crate) figure: String,
    pub(crate) limit: f64,
    pub(crate) unit: String,
    pub(crate) measured: f64,
    /// The minimum and maximum of the rounds.
    pub(crate) range: Option<[f64; 2]>,
    pub(crate) met: bool,
}

impl Target {
    pub(crate) fn new(figure: String, limit: f64, unit: &str, measured: f64) -> Self {
        Self {
            figure,
            limit,
            unit: unit.to_owned(),
            measured,
            range: None,
            met: measured <= limit,
        }
    }

    pub(crate) fn of_ratio(figure: String, limit: f64, unit: &str, ratio: Spread) -> Self {
        Self {
            range: Some([ratio.min, ratio.max]),
            ..Self::new(figure, limit, unit, ratio.median)
        }
    }

    /// Prints a table in Markdown, if there are any.
    pub(crate) fn print_table(targets: &[Self]) {
        if targets.is_empty() {
            return;
        }
        println!("| figure | target | measured | |\n| --- | --- | --- | --- |");
        for target in targets {
            println!("{target}");
        }
    }
}

impl fmt::Display for Target {
    /// A row of a table in Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            figure,
            limit,
            unit,
            measured,
            ..
        } = self;
        let digits = if *limit < 10.0 { 2 } else { 0 };
        write!(
            f,
            "| {figure} | ≤ {limit} {unit} | {measured:.digits$} {unit}"
        )?;
        if let Some([min, max]) = self.range {
            write!(f, " ({min:.digits$}–{max:.digits$})")?;
        }
        write!(f, " | {} |", if self.met { "met" } else { "missed" })
    }
}
