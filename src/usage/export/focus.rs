//! Sums by day in the columns of FOCUS, the FinOps Open Cost and Usage Specification (1.2), which
//! tools for cloud costs import. Columns that begin with `x_` are additions, as FOCUS names them.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;

use crate::models::Usd;
use crate::store::DailyUsage;

/// The columns.
pub(super) const COLUMNS: &[&str] = &[
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "ChargeFrequency",
    "ChargeDescription",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ProviderName",
    "PublisherName",
    "InvoiceIssuerName",
    "ServiceCategory",
    "ServiceName",
    "ResourceId",
    "ResourceName",
    "Tags",
    "x_InputTokens",
    "x_CacheReadTokens",
    "x_CacheWriteTokens",
    "x_OutputTokens",
    "x_Requests",
    "x_ServiceTier",
];

/// The row of a day; `None` if the day is not a date.
pub(super) fn row(usage: &DailyUsage) -> Option<Vec<String>> {
    let DailyUsage { day, key, sums } = usage;
    let date: Date = day.parse().ok()?;
    let month = date.first_of_month();
    // Days are those of the operator; FOCUS has no time zones.
    let time = |date: Date| format!("{date}T00:00:00Z");
    let cost = Usd::from_nanodollars(sums.cost).to_string();
    let tokens = sums.input_tokens.saturating_add(sums.output_tokens);
    let quantities = [
        (tokens, "Tokens"),
        (sums.images, "Images"),
        (sums.seconds, "Seconds"),
        (sums.queries, "Queries"),
        (sums.text_units, "Text Units"),
    ];
    let quantity = quantities.into_iter().find(|(quantity, _)| *quantity > 0);
    let (quantity, unit) = quantity.unwrap_or((sums.requests, "Requests"));
    let tags = [
        ("team", &key.team),
        ("user", &key.user),
        ("key", &key.caller),
    ];
    let tags = tags.into_iter().filter(|(_, value)| !value.is_empty());
    let tags: serde_json::Map<_, _> = tags
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let description = format!("Bedrock requests to {}", key.model);
    Some(vec![
        cost.clone(),
        cost.clone(),
        cost.clone(),
        cost,
        "USD".to_owned(),
        time(month),
        time(month.checked_add(1.month()).ok()?),
        time(date),
        time(date.tomorrow().ok()?),
        "Usage".to_owned(),
        "Usage-Based".to_owned(),
        description.trim_end().to_owned(),
        quantity.to_string(),
        unit.to_owned(),
        "AWS".to_owned(),
        "AWS".to_owned(),
        "AWS".to_owned(),
        "AI and Machine Learning".to_owned(),
        "Amazon Bedrock".to_owned(),
        key.model_id.clone(),
        key.model.clone(),
        serde_json::Value::Object(tags).to_string(),
        sums.input_tokens.to_string(),
        sums.cache_read_tokens.to_string(),
        sums.cache_write_tokens.to_string(),
        sums.output_tokens.to_string(),
        sums.requests.to_string(),
        key.tier.clone(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{UsageKey, UsageSums};

    #[test]
    fn a_day_has_a_value_in_each_column_of_focus() {
        let usage = DailyUsage {
            day: "2026-12-31".to_owned(),
            key: UsageKey {
                team: "search".to_owned(),
                caller: "key_1".to_owned(),
                model: "gpt-4o".to_owned(),
                ..UsageKey::default()
            },
            sums: UsageSums {
                input_tokens: 7,
                output_tokens: 2,
                cost: 1_500,
                ..UsageSums::default()
            },
        };
        let row = row(&usage).expect("a row");
        assert_eq!(row.len(), COLUMNS.len());
        let value = |name: &str| {
            let index = COLUMNS.iter().position(|column| *column == name);
            row[index.expect("a column")].as_str()
        };
        for (column, expected) in [
            ("BilledCost", "0.0000015"),
            ("BillingPeriodStart", "2026-12-01T00:00:00Z"),
            ("BillingPeriodEnd", "2027-01-01T00:00:00Z"),
            ("ChargePeriodStart", "2026-12-31T00:00:00Z"),
            ("ChargePeriodEnd", "2027-01-01T00:00:00Z"),
            ("ConsumedQuantity", "9"),
            ("ConsumedUnit", "Tokens"),
            ("Tags", r#"{"team":"search","key":"key_1"}"#),
        ] {
            assert_eq!(value(column), expected, "{column}");
        }
    }
}
