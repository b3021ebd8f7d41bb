//! Queries of records and of sums by day, in pages.

use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{FromRow, QueryBuilder, Row};

use super::super::{Store, StoreError};
use super::record::StoredUsage;
use super::sums::{UsageKey, UsageSums};

/// More than the difference between the days of any time zone and those of UTC, in milliseconds.
const MAX_OFFSET: i64 = 26 * 3_600_000;

/// The name of the caller of a row, which is the name of its key if the store has it.
const KEY_NAME: &str = "COALESCE((SELECT name FROM keys WHERE id = usage_daily.caller), caller) \
                        AS key_name";

/// What sums can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageDimension {
    /// The day.
    Day,
    /// The team.
    Team,
    /// The user within the team.
    User,
    /// The id of the caller.
    Key,
    /// The model name of the request.
    Model,
}

/// A query of the sums by day.
#[derive(Debug, Clone, Copy)]
pub struct UsageQuery<'a> {
    /// The first day; `None` for the first there is.
    pub from: Option<&'a str>,
    /// The last day; `None` for the last there is.
    pub to: Option<&'a str>,
    /// Only usage of the caller with this id.
    pub caller: Option<&'a str>,
    /// The dimensions of the rows, which are sorted by them.
    pub by: &'a [UsageDimension],
    /// The maximum number of rows.
    pub limit: u32,
}

/// Sums, by the dimensions of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The values of the dimensions, in their order; empty if there is none.
    pub group: Vec<String>,
    /// If the key is a dimension, its name: that of a key in the store, otherwise its id.
    pub key_name: Option<String>,
    /// The sums.
    pub sums: UsageSums,
}

/// The sums of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DailyUsage {
    /// The day.
    pub day: String,
    /// What is summed.
    pub key: UsageKey,
    /// The sums.
    pub sums: UsageSums,
}

/// The position of a record in the order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPosition {
    /// Its time, in Unix milliseconds.
    pub at: i64,
    /// Its id.
    pub id: String,
}

impl UsageDimension {
    /// All dimensions.
    pub const ALL: [Self; 5] = [Self::Day, Self::Team, Self::User, Self::Key, Self::Model];

    /// The word for the dimension.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Team => "team",
            Self::User => "user",
            Self::Key => "key",
            Self::Model => "model",
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Key => "caller",
            other => other.as_str(),
        }
    }
}

impl Store {
    /// Whether there is a record with this time, in Unix milliseconds, and this id.
    pub async fn has_usage(&self, at: i64, id: &str) -> Result<bool, StoreError> {
        let select = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM usage_records WHERE at = $1 AND id = $2)",
        );
        let found = select.bind(at).bind(id).fetch_one(self.pool().await?);
        Ok(found.await?)
    }

    /// Sums of usage.
    pub async fn usage(&self, query: UsageQuery<'_>) -> Result<Vec<UsageRow>, StoreError> {
        let UsageQuery {
            from,
            to,
            caller,
            by,
            limit,
        } = query;
        let columns: Vec<&str> = by.iter().map(|dimension| dimension.column()).collect();
        let mut select = QueryBuilder::new("SELECT ");
        for column in &columns {
            select.push(*column).push(", ");
        }
        let names_keys = by.contains(&UsageDimension::Key);
        if names_keys {
            select.push(KEY_NAME).push(", ");
        }
        let sums = UsageSums::COLUMNS.iter();
        let sums: Vec<String> = sums
            .map(|column| format!("COALESCE(SUM({column}), 0) AS {column}"))
            .collect();
        select.push(sums.join(", ")).push(" FROM usage_daily");
        within(&mut select, from, to);
        if let Some(caller) = caller {
            select.push(" AND caller = ").push_bind(caller.to_owned());
        }
        if !columns.is_empty() {
            let columns = columns.join(", ");
            select.push(format!(" GROUP BY {columns} ORDER BY {columns}"));
        }
        select.push(" LIMIT ").push_bind(limit);
        let rows = select.build().fetch_all(self.pool().await?).await?;
        let row = |row: &SqliteRow| {
            let group = (0..columns.len()).map(|index| row.try_get(index));
            Ok(UsageRow {
                group: group.collect::<sqlx::Result<_>>()?,
                key_name: names_keys.then(|| row.try_get("key_name")).transpose()?,
                sums: UsageSums::from_row(row)?,
            })
        };
        rows.iter().map(row).collect()
    }

    /// The sums of days after `after`, in the order of day and key.
    pub async fn daily_usage(
        &self,
        (from, to): (Option<&str>, Option<&str>),
        after: Option<&DailyUsage>,
        limit: u32,
    ) -> Result<Vec<DailyUsage>, StoreError> {
        let key = format!("day, {}", UsageKey::COLUMNS.join(", "));
        let sums = UsageSums::COLUMNS.join(", ");
        let mut select = QueryBuilder::new(format!("SELECT {key}, {sums} FROM usage_daily"));
        within(&mut select, from, to);
        if let Some(after) = after {
            select.push(format!(" AND ({key}) > ("));
            let mut values = select.separated(", ");
            values.push_bind(after.day.clone());
            for value in after.key.values() {
                values.push_bind(value.to_owned());
            }
            select.push(")");
        }
        select
            .push(format!(" ORDER BY {key} LIMIT "))
            .push_bind(limit);
        let select = select.build_query_as();
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// Records after `after`, the oldest first.
    pub async fn usage_records(
        &self,
        (from, to): (Option<&str>, Option<&str>),
        after: Option<&RecordPosition>,
        limit: u32,
    ) -> Result<Vec<StoredUsage>, StoreError> {
        let columns = StoredUsage::COLUMNS.join(", ");
        let mut select = QueryBuilder::new(format!("SELECT {columns} FROM usage_records"));
        within(&mut select, from, to);
        match (after, from) {
            (Some(RecordPosition { at, id }), _) => {
                select.push(" AND (at, id) > (").push_bind(*at);
                select.push(", ").push_bind(id.clone()).push(")");
            }
            // The index is by time: it skips most of what is older than the first day.
            (None, Some(from)) => {
                select
                    .push(" AND at >= unixepoch(")
                    .push_bind(from.to_owned());
                select.push(") * 1000 - ").push_bind(MAX_OFFSET);
            }
            (None, None) => {}
        }
        select.push(" ORDER BY at, id LIMIT ").push_bind(limit);
        let select = select.build_query_as();
        Ok(select.fetch_all(self.pool().await?).await?)
    }
}

/// Adds the condition for the days.
fn within(select: &mut QueryBuilder<Sqlite>, from: Option<&str>, to: Option<&str>) {
    // Every text is at least empty.
    select
        .push(" WHERE day >= ")
        .push_bind(from.unwrap_or_default().to_owned());
    if let Some(to) = to {
        select.push(" AND day <= ").push_bind(to.to_owned());
    }
}

impl FromRow<'_, SqliteRow> for DailyUsage {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let text = |name: &str| row.try_get::<String, _>(name);
        Ok(Self {
            day: text("day")?,
            key: UsageKey {
                team: text("team")?,
                user: text("user")?,
                caller: text("caller")?,
                model: text("model")?,
                model_id: text("model_id")?,
                tier: text("tier")?,
            },
            sums: UsageSums::from_row(row)?,
        })
    }
}
