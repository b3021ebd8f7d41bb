//! The rows of an export: what the columns of the store are called and mean outside of it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::models::Usd;
use crate::store::{Cell, DailyUsage, StoredUsage, UsageKey, UsageSums};
use crate::usage::report::UsdNumber;

/// A column of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExportColumn {
    pub(super) name: Cow<'static, str>,
    kind: ColumnKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnKind {
    Plain,
    /// Nanodollars, exported in dollars.
    Amount,
    /// Unix milliseconds, exported as in RFC 3339.
    Time,
    /// JSON.
    Json,
}

/// A value of an export.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Empty,
    Text(Cow<'a, str>),
    Integer(i64),
    Flag(bool),
    Amount(Usd),
    Json(&'a str),
}

/// A row as a JSON object.
pub(super) struct JsonRow<'a> {
    pub(super) columns: &'a [ExportColumn],
    pub(super) values: &'a [Value<'a>],
}

impl ExportColumn {
    /// The columns of records.
    pub(super) fn of_records() -> Vec<Self> {
        StoredUsage::COLUMNS
            .iter()
            .map(|name| Self::of(name))
            .collect()
    }

    /// The columns of sums by day.
    pub(super) fn of_days() -> Vec<Self> {
        let names = ["day"]
            .iter()
            .chain(UsageKey::COLUMNS)
            .chain(UsageSums::COLUMNS);
        names.map(|name| Self::of(name)).collect()
    }

    fn of(name: &'static str) -> Self {
        let is_amount = name.ends_with("cost") || name == "cache_savings";
        let kind = match name {
            _ if is_amount => ColumnKind::Amount,
            "at" => ColumnKind::Time,
            "tags" => ColumnKind::Json,
            _ => ColumnKind::Plain,
        };
        let name = match name {
            // The id of the caller is that of its key.
            "caller" => Cow::Borrowed("key"),
            "caller_name" => Cow::Borrowed("key_name"),
            _ if is_amount => Cow::Owned(format!("{name}_usd")),
            _ => Cow::Borrowed(name),
        };
        Self { name, kind }
    }

    fn value<'a>(&self, cell: Cell<'a>) -> Value<'a> {
        match (cell, self.kind) {
            (Cell::Empty, _) => Value::Empty,
            (Cell::Text(json), ColumnKind::Json) => Value::Json(json),
            (Cell::Text(text), _) => Value::Text(Cow::Borrowed(text)),
            (Cell::Integer(nanodollars), ColumnKind::Amount) => {
                Value::Amount(Usd::from_nanodollars(nanodollars))
            }
            (Cell::Integer(at), ColumnKind::Time) => match Timestamp::from_millisecond(at) {
                Ok(at) => Value::Text(Cow::Owned(format!("{at:.3}"))),
                Err(_) => Value::Integer(at),
            },
            (Cell::Integer(number), _) => Value::Integer(number),
            (Cell::Flag(flag), _) => Value::Flag(flag),
        }
    }
}

/// The values of a record.
pub(super) fn record_values<'a>(
    columns: &[ExportColumn],
    record: &'a StoredUsage,
) -> Vec<Value<'a>> {
    let cells = columns.iter().zip(record.cells());
    cells.map(|(column, cell)| column.value(cell)).collect()
}

/// The values of the sums of a day.
pub(super) fn day_values<'a>(columns: &[ExportColumn], day: &'a DailyUsage) -> Vec<Value<'a>> {
    let names = day.key.values().into_iter().map(|name| match name {
        "" => Cell::Empty,
        name => Cell::Text(name),
    });
    let cells = std::iter::once(Cell::Text(&day.day))
        .chain(names)
        .chain(day.sums.cells());
    let cells = columns.iter().zip(cells);
    cells.map(|(column, cell)| column.value(cell)).collect()
}

impl Value<'_> {
    /// The value in a CSV file.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Json(json) => Cow::Borrowed(json),
            Self::Integer(0) => Cow::Borrowed("0"),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Flag(true) => Cow::Borrowed("true"),
            Self::Flag(false) => Cow::Borrowed("false"),
            Self::Amount(amount) => Cow::Owned(amount.to_string()),
        }
    }
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, value) in self.columns.iter().zip(self.values) {
            row.serialize_entry(&column.name, value)?;
        }
        row.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Amount(amount) => UsdNumber(*amount).serialize(serializer),
            Self::Json(json) => {
                let json: &RawValue = serde_json::from_str(json).map_err(S::Error::custom)?;
                json.serialize(serializer)
            }
        }
    }
}
