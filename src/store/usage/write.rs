use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use sqlx::sqlite::Sqlite;
use sqlx::{AssertSqlSafe, QueryBuilder, Transaction};

use super::super::{Store, StoreError};
use super::record::StoredUsage;
use super::sums::{Rollups, UsageSums};

/// Records in a statement. SQLite allows 32,766 values in one; a few sizes stay prepared.
const ROWS: usize = 25;

static ADD_HOURLY: LazyLock<Arc<str>> =
    LazyLock::new(|| UsageSums::upsert("usage_hourly", "hour").into());
static ADD_DAILY: LazyLock<Arc<str>> =
    LazyLock::new(|| UsageSums::upsert("usage_daily", "day").into());

impl Store {
    /// Stores records and adds them to the sums, in one transaction. Records that are there already
    /// change nothing. Returns the number of new records.
    pub async fn add_usage(&self, records: &[StoredUsage]) -> Result<usize, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        let mut rollups = Rollups::default();
        let mut count = 0;
        for rows in records.chunks(ROWS) {
            let mut added = insert(rows, &mut transaction).await?;
            for record in rows {
                if added.remove(&(record.at, record.id.clone())) {
                    rollups.add(record);
                    count += 1;
                }
            }
        }
        for ((hour, key), sums) in &rollups.hourly {
            let upsert = sqlx::query(AssertSqlSafe(Arc::clone(&ADD_HOURLY))).bind(hour);
            let upsert = sums.bind_with(key, upsert);
            upsert.execute(&mut *transaction).await?;
        }
        for ((day, key), sums) in &rollups.daily {
            let upsert = sqlx::query(AssertSqlSafe(Arc::clone(&ADD_DAILY))).bind(day);
            let upsert = sums.bind_with(key, upsert);
            upsert.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(count)
    }
}

/// Inserts records; returns the time and the id of each new one.
async fn insert(
    records: &[StoredUsage],
    transaction: &mut Transaction<'static, Sqlite>,
) -> Result<BTreeSet<(i64, String)>, StoreError> {
    let columns = StoredUsage::COLUMNS.join(", ");
    let mut insert = QueryBuilder::new(format!("INSERT INTO usage_records ({columns}) "));
    insert.push_values(records, |mut row, record| record.bind(&mut row));
    insert.push(" ON CONFLICT (at, id) DO NOTHING RETURNING at, id");
    let added: Vec<(i64, String)> = insert
        .build_query_as()
        .fetch_all(&mut **transaction)
        .await?;
    Ok(added.into_iter().collect())
}
