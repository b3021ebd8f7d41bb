use sqlx::AssertSqlSafe;

use super::super::{Store, StoreError};

/// Pages that a slice of the vacuum returns to the file system.
const VACUUM_PAGES: u32 = 256;

/// A table whose old rows are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageTable {
    /// Records.
    Records,
    /// Sums by hour.
    Hourly,
    /// Sums by day.
    Daily,
}

impl Store {
    /// Deletes at most `limit` rows that are older than `before`, in Unix seconds; returns their
    /// number.
    pub async fn remove_usage(
        &self,
        table: UsageTable,
        before: i64,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let delete = sqlx::query(match table {
            UsageTable::Records => {
                "DELETE FROM usage_records WHERE rowid IN (
                     SELECT rowid FROM usage_records WHERE at < $1 * 1000 ORDER BY at LIMIT $2)"
            }
            UsageTable::Hourly => {
                "DELETE FROM usage_hourly
                 WHERE (hour, team, user, caller, model, model_id, tier) IN (
                     SELECT hour, team, user, caller, model, model_id, tier FROM usage_hourly
                     WHERE hour < $1 ORDER BY hour LIMIT $2)"
            }
            UsageTable::Daily => {
                "DELETE FROM usage_daily
                 WHERE (day, team, user, caller, model, model_id, tier) IN (
                     SELECT day, team, user, caller, model, model_id, tier FROM usage_daily
                     WHERE day < date($1, 'unixepoch') ORDER BY day LIMIT $2)"
            }
        });
        let delete = delete.bind(before).bind(limit);
        let deleted = delete.execute(self.pool().await?).await?;
        Ok(deleted.rows_affected())
    }

    /// Returns some of the space of deleted rows to the file system; `false` if there was none.
    pub async fn shrink(&self) -> Result<bool, StoreError> {
        let free = self.free_pages().await?;
        if free == 0 {
            return Ok(false);
        }
        let vacuum = format!("PRAGMA incremental_vacuum({VACUUM_PAGES})");
        let vacuum = sqlx::query(AssertSqlSafe(vacuum));
        vacuum.execute(self.pool().await?).await?;
        Ok(self.free_pages().await? < free)
    }

    async fn free_pages(&self) -> Result<i64, StoreError> {
        let select = sqlx::query_scalar("PRAGMA freelist_count");
        Ok(select.fetch_one(self.pool().await?).await?)
    }
}
