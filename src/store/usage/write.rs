use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use sqlx::sqlite::SqliteConnection;
use sqlx::{Acquire, AssertSqlSafe, QueryBuilder};

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
        // Nearly always, all of them are new, and are not read back one by one to find that out.
        let mut savepoint = transaction.begin().await?;
        let mut new: Vec<&StoredUsage> = records.iter().collect();
        if insert(&new, &mut savepoint).await? == new.len() {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
            new = new_records(records, &mut transaction).await?;
            insert(&new, &mut transaction).await?;
        }
        let mut rollups = Rollups::default();
        for record in &new {
            rollups.add(record);
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
        Ok(new.len())
    }
}

/// Inserts records that are not there yet; returns their number.
async fn insert(
    records: &[&StoredUsage],
    connection: &mut SqliteConnection,
) -> Result<usize, StoreError> {
    let columns = StoredUsage::COLUMNS.join(", ");
    let mut count = 0;
    for rows in records.chunks(ROWS) {
        let mut insert = QueryBuilder::new(format!("INSERT INTO usage_records ({columns}) "));
        insert.push_values(rows, |mut row, record| record.bind(&mut row));
        insert.push(" ON CONFLICT (at, id) DO NOTHING");
        count += insert
            .build()
            .execute(&mut *connection)
            .await?
            .rows_affected();
    }
    Ok(count as usize)
}

/// The records that are not in the store, each once.
async fn new_records<'a>(
    records: &'a [StoredUsage],
    connection: &mut SqliteConnection,
) -> Result<Vec<&'a StoredUsage>, StoreError> {
    let mut known = BTreeSet::<(i64, String)>::new();
    for rows in records.chunks(ROWS) {
        let mut select = QueryBuilder::new("SELECT at, id FROM usage_records WHERE (at, id) IN ");
        select.push_tuples(rows, |mut row, record| {
            row.push_bind(record.at).push_bind(&record.id);
        });
        known.extend(
            select
                .build_query_as::<(i64, String)>()
                .fetch_all(&mut *connection)
                .await?,
        );
    }
    let is_new = |record: &&StoredUsage| known.insert((record.at, record.id.clone()));
    Ok(records.iter().filter(is_new).collect())
}
