//! Sums as clients and scripts receive them.

use serde::de::Error as _;
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::models::Usd;
use crate::store::{UsageDimension, UsageRow, UsageSums};

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

/// A row of a report as its reader receives it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = UsageRow)]
pub struct ReceivedRow {
    /// The day; only if rows are by day, as all dimensions.
    #[serde(default)]
    pub day: Option<String>,
    /// The team; `null` for callers without one.
    #[serde(default)]
    pub team: Option<String>,
    /// The user; `null` for callers without one.
    #[serde(default)]
    pub user: Option<String>,
    /// The id of the key or of the caller.
    #[serde(default)]
    pub key: Option<String>,
    /// The name of the key, or its id if the store does not have the key.
    #[serde(default)]
    pub key_name: Option<String>,
    /// The model, as requests name it.
    #[serde(default)]
    pub model: Option<String>,
    /// Requests.
    pub requests: i64,
    /// Those that failed.
    pub failed_requests: i64,
    /// Those whose usage is estimated, since Bedrock did not report it.
    pub estimated_requests: i64,
    /// Those whose price is not known; the cost does not include them.
    pub unpriced_requests: i64,
    /// Input tokens, with those of the cache.
    pub input_tokens: i64,
    /// Input tokens that were read from the cache.
    pub cache_read_tokens: i64,
    /// Input tokens that were written to the cache.
    pub cache_write_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Output tokens of reasoning.
    pub reasoning_tokens: i64,
    /// Images.
    pub images: i64,
    /// Seconds of video or audio.
    pub seconds: i64,
    /// Queries of reranking.
    pub queries: i64,
    /// Text units of guardrails.
    pub text_units: i64,
    /// The cost in dollars.
    #[serde(rename = "cost_usd", deserialize_with = "nanodollars")]
    #[schema(value_type = f64)]
    pub cost: i64,
    /// What the cache has saved, in dollars.
    #[serde(rename = "cache_savings_usd", deserialize_with = "nanodollars")]
    #[schema(value_type = f64)]
    pub cache_savings: i64,
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

impl ReceivedRow {
    /// The row of a report by these dimensions.
    pub fn into_row(self, by: &[UsageDimension]) -> UsageRow {
        let Self {
            day,
            team,
            user,
            key,
            key_name,
            model,
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
        } = self;
        let name = |dimension: &UsageDimension| match dimension {
            UsageDimension::Day => &day,
            UsageDimension::Team => &team,
            UsageDimension::User => &user,
            UsageDimension::Key => &key,
            UsageDimension::Model => &model,
        };
        let group = by.iter().map(|dimension| name(dimension).clone());
        UsageRow {
            group: group.map(Option::unwrap_or_default).collect(),
            key_name,
            sums: UsageSums {
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
            },
        }
    }
}

/// Reads an amount with all its digits.
fn nanodollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = Box::<RawValue>::deserialize(deserializer)?;
    let amount: Usd = number.get().parse().map_err(D::Error::custom)?;
    Ok(amount.nanodollars())
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
            by: &[UsageDimension::Team, UsageDimension::Key],
            group: &["search".to_owned(), String::new()],
            key_name: Some("nightly"),
            sums: &sums,
        };
        let json = serde_json::to_string(&row).expect("JSON");
        assert!(
            json.starts_with(r#"{"team":"search","key":null,"key_name":"nightly","requests":2,"#),
            "{json}"
        );
        let end = r#""cost_usd":1000000000.000000001,"cache_savings_usd":-0.000000001}"#;
        assert!(json.ends_with(end), "{json}");
        let received: ReceivedRow = serde_json::from_str(&json).expect("a row");
        let expected = UsageRow {
            group: row.group.to_vec(),
            key_name: Some("nightly".to_owned()),
            sums,
        };
        assert_eq!(received.into_row(row.by), expected);
    }
}
