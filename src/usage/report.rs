//! Sums as clients and scripts receive them.

use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::models::Usd;
use crate::store::{UsageDimension, UsageSums};

/// A row of a report: the values of its dimensions, then the sums.
#[derive(Debug, Clone, Copy)]
pub struct ReportRow<'a> {
    /// The dimensions.
    pub by: &'a [UsageDimension],
    /// Their values; empty if there is none.
    pub group: &'a [String],
    /// The name of the key, if that is a dimension.
    pub key_name: Option<&'a str>,
    /// The sums.
    pub sums: &'a UsageSums,
}

/// An amount as a JSON number with all its digits.
#[derive(Debug, Clone, Copy)]
pub struct UsdNumber(pub Usd);

impl Serialize for ReportRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let UsageSums {
            requests,
            failed_requests,
            estimated_requests,
            unpriced_requests,
            input_tokens,
            cache_read_tokens,
            cache_write_tokens,
            output_tokens,
            reasoning_tokens,
            images,
            seconds,
            queries,
            text_units,
            cost,
            cache_savings,
        } = *self.sums;
        let mut row = serializer.serialize_map(None)?;
        for (dimension, value) in self.by.iter().zip(self.group) {
            let value = (!value.is_empty()).then_some(value);
            row.serialize_entry(dimension.as_str(), &value)?;
            if *dimension == UsageDimension::Key {
                row.serialize_entry("key_name", &self.key_name)?;
            }
        }
        for (name, sum) in [
            ("requests", requests),
            ("failed_requests", failed_requests),
            ("estimated_requests", estimated_requests),
            ("unpriced_requests", unpriced_requests),
            ("input_tokens", input_tokens),
            ("cache_read_tokens", cache_read_tokens),
            ("cache_write_tokens", cache_write_tokens),
            ("output_tokens", output_tokens),
            ("reasoning_tokens", reasoning_tokens),
            ("images", images),
            ("seconds", seconds),
            ("queries", queries),
            ("text_units", text_units),
        ] {
            row.serialize_entry(name, &sum)?;
        }
        let usd = |nanodollars| UsdNumber(Usd::from_nanodollars(nanodollars));
        row.serialize_entry("cost_usd", &usd(cost))?;
        row.serialize_entry("cache_savings_usd", &usd(cache_savings))?;
        row.end()
    }
}

impl Serialize for UsdNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.0.to_string());
        number.map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_numbers_with_all_digits() {
        let sums = UsageSums {
            requests: 2,
            cost: 1_000_000_000_000_000_001,
            cache_savings: -1,
            ..UsageSums::default()
        };
        let row = ReportRow {
            by: &[UsageDimension::Team, UsageDimension::Model],
            group: &["search".to_owned(), String::new()],
            key_name: None,
            sums: &sums,
        };
        let json = serde_json::to_string(&row).expect("JSON");
        assert!(
            json.starts_with(r#"{"team":"search","model":null,"requests":2,"#),
            "{json}"
        );
        let end = r#""cost_usd":1000000000.000000001,"cache_savings_usd":-0.000000001}"#;
        assert!(json.ends_with(end), "{json}");
    }
}
