//! The sums of records, which are kept by hour and by day.

use std::collections::BTreeMap;

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{FromRow, Row};

use super::cell::{Cell, Column};
use super::record::StoredUsage;

/// The milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// What records are summed by, besides their time. Absent names are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageKey {
    /// The team.
    pub team: String,
    /// The user.
    pub user: String,
    /// The id of the caller.
    pub caller: String,
    /// The model name of the request; empty if it failed and used nothing.
    pub model: String,
    /// The model or guardrail that was called.
    pub model_id: String,
    /// The service tier.
    pub tier: String,
}

/// Declares the columns of sums once.
macro_rules! sums {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        /// The sums of some records.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct UsageSums {
            $($(#[$attribute])* pub $name: i64,)*
        }

        impl UsageSums {
            /// The names of the columns, in order.
            pub const COLUMNS: &[&str] = &[$(stringify!($name)),*];

            /// The values of the columns, in order.
            pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
                [$(self.$name.cell()),*].into_iter()
            }

            /// Adds `more`.
            pub fn add(&mut self, more: &Self) {
                $(self.$name = self.$name.saturating_add(more.$name);)*
            }

            fn bind<'q>(
                &self,
                query: Query<'q, Sqlite, SqliteArguments>,
            ) -> Query<'q, Sqlite, SqliteArguments> {
                query$(.bind(self.$name))*
            }
        }

        impl FromRow<'_, SqliteRow> for UsageSums {
            fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
                Ok(Self { $($name: row.try_get(stringify!($name))?,)* })
            }
        }
    };
}

sums! {
    /// Requests.
    requests,
    /// Of these, requests that ended with an error.
    failed_requests,
    /// Of these, requests whose tokens are an estimate.
    estimated_requests,
    /// Of these, requests whose price is unknown.
    unpriced_requests,
    /// Input tokens, those of the cache included.
    input_tokens,
    /// Of these, read from the cache.
    cache_read_tokens,
    /// Of these, written to the cache.
    cache_write_tokens,
    /// Output tokens, reasoning included.
    output_tokens,
    /// Of these, reasoning.
    reasoning_tokens,
    /// Images.
    images,
    /// Seconds of video.
    seconds,
    /// Rerank queries.
    queries,
    /// Text units of guardrails.
    text_units,
    /// The cost, in nanodollars.
    cost,
    /// What the cache saved, in nanodollars.
    cache_savings,
}

/// The sums of a batch of records, sorted by their key.
#[derive(Debug, Default)]
pub(super) struct Rollups {
    pub(super) hourly: BTreeMap<(i64, UsageKey), UsageSums>,
    pub(super) daily: BTreeMap<(String, UsageKey), UsageSums>,
}

impl Rollups {
    pub(super) fn add(&mut self, record: &StoredUsage) {
        let hour = record.at.div_euclid(HOUR) * (HOUR / 1000);
        let (key, sums) = (UsageKey::of(record), UsageSums::of(record));
        let daily = self.daily.entry((record.day.clone(), key.clone()));
        daily.or_default().add(&sums);
        self.hourly.entry((hour, key)).or_default().add(&sums);
    }
}

impl UsageKey {
    /// The names of the columns, in order.
    pub const COLUMNS: &[&str] = &["team", "user", "caller", "model", "model_id", "tier"];

    /// The values of the columns, in order.
    pub fn values(&self) -> [&str; 6] {
        let Self {
            team,
            user,
            caller,
            model,
            model_id,
            tier,
        } = self;
        [team, user, caller, model, model_id, tier]
    }

    fn of(record: &StoredUsage) -> Self {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let tier = record
            .tier_served
            .as_ref()
            .or(record.tier_requested.as_ref());
        let (model, model_id) = match record.has_usage() {
            true => (text(&record.model_requested), text(&record.model_id)),
            // Such names come from clients, in any number.
            false => Default::default(),
        };
        Self {
            team: text(&record.team),
            user: text(&record.user),
            caller: record.caller.clone(),
            model,
            model_id,
            tier: tier.map_or("default", String::as_str).to_owned(),
        }
    }
}

impl StoredUsage {
    /// Whether a model has run, or an error response would have come instead.
    fn has_usage(&self) -> bool {
        let is_success = self
            .status
            .is_some_and(|status| (200..300).contains(&status));
        is_success || self.input_tokens.is_some() || self.units.is_some()
    }
}

impl UsageSums {
    /// The sums of one record.
    pub(super) fn of(record: &StoredUsage) -> Self {
        let number = |field: Option<i64>| field.unwrap_or_default();
        let is_error = |status: i64| !(200..400).contains(&status);
        let failed = record.outcome == "broken" || record.status.is_some_and(is_error);
        let units = |unit: &str| match record.unit.as_deref() == Some(unit) {
            true => number(record.units),
            false => 0,
        };
        Self {
            requests: 1,
            failed_requests: i64::from(failed),
            estimated_requests: i64::from(record.estimated),
            unpriced_requests: i64::from(!record.priced),
            input_tokens: number(record.input_tokens),
            cache_read_tokens: number(record.cache_read_tokens),
            cache_write_tokens: number(record.cache_write_5m_tokens)
                .saturating_add(number(record.cache_write_1h_tokens)),
            output_tokens: number(record.output_tokens),
            reasoning_tokens: number(record.reasoning_tokens),
            images: units("images"),
            seconds: units("seconds"),
            queries: units("queries"),
            text_units: units("text_units"),
            cost: number(record.cost),
            cache_savings: number(record.cache_savings),
        }
    }

    /// The statement that adds sums to a row of `table`, whose time is in the column `time`.
    pub(super) fn upsert(table: &str, time: &str) -> String {
        let key = UsageKey::COLUMNS.join(", ");
        let places: Vec<String> = (1..=1 + UsageKey::COLUMNS.len() + Self::COLUMNS.len())
            .map(|number| format!("${number}"))
            .collect();
        let added: Vec<String> = Self::COLUMNS
            .iter()
            .map(|column| format!("{column} = {column} + excluded.{column}"))
            .collect();
        format!(
            "INSERT INTO {table} ({time}, {key}, {sums}) VALUES ({places})
             ON CONFLICT ({time}, {key}) DO UPDATE SET {added}",
            sums = Self::COLUMNS.join(", "),
            places = places.join(", "),
            added = added.join(", "),
        )
    }

    /// Binds the key and the sums after the time.
    pub(super) fn bind_with<'q>(
        &self,
        key: &UsageKey,
        mut query: Query<'q, Sqlite, SqliteArguments>,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        for value in key.values() {
            query = query.bind(value.to_owned());
        }
        self.bind(query)
    }
}
