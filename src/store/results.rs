use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::{Store, StoreError};

/// The result of one request of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    /// The index of the request in the input, from 0.
    pub line: i64,
    /// Whether it belongs in the output file rather than the error file.
    pub succeeded: bool,
    /// The line in that file.
    pub result: String,
}

impl Store {
    /// Stores results in one transaction. An existing result does not change.
    pub async fn add_results(
        &self,
        batch: &str,
        results: &[StoredResult],
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        for StoredResult {
            line,
            succeeded,
            result,
        } in results
        {
            let insert = sqlx::query(
                "INSERT INTO batch_results (batch_id, line, succeeded, result)
                 VALUES ($1, $2, $3, $4) ON CONFLICT (batch_id, line) DO NOTHING",
            );
            let insert = insert.bind(batch).bind(line).bind(succeeded).bind(result);
            insert.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// A page of the results of a batch, by line, from `from`.
    pub async fn results(
        &self,
        batch: &str,
        from: i64,
        limit: u32,
    ) -> Result<Vec<StoredResult>, StoreError> {
        let select = sqlx::query_as(
            "SELECT line, succeeded, result FROM batch_results
             WHERE batch_id = $1 AND line >= $2 ORDER BY line LIMIT $3",
        );
        let select = select.bind(batch).bind(from).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// The lines of a batch that have a result.
    pub async fn completed_lines(&self, batch: &str) -> Result<Vec<i64>, StoreError> {
        let select = sqlx::query_scalar("SELECT line FROM batch_results WHERE batch_id = $1");
        Ok(select.bind(batch).fetch_all(self.pool().await?).await?)
    }

    /// The number of successful and of failed results of a batch.
    pub async fn count_results(&self, batch: &str) -> Result<(u64, u64), StoreError> {
        let select = sqlx::query_as(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN succeeded THEN 1 ELSE 0 END), 0)
             FROM batch_results WHERE batch_id = $1",
        );
        let counts = select.bind(batch).fetch_one(self.pool().await?).await?;
        let (all, succeeded): (i64, i64) = counts;
        let succeeded = succeeded.unsigned_abs();
        Ok((succeeded, all.unsigned_abs().saturating_sub(succeeded)))
    }

    /// Deletes the results of a batch after they have been written to its files.
    pub async fn remove_results(&self, batch: &str) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM batch_results WHERE batch_id = $1");
        delete.bind(batch).execute(self.pool().await?).await?;
        Ok(())
    }
}

impl FromRow<'_, SqliteRow> for StoredResult {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            line: row.try_get("line")?,
            succeeded: row.try_get("succeeded")?,
            result: row.try_get("result")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch;
    use super::*;

    fn result(line: i64, succeeded: bool, result: &str) -> StoredResult {
        StoredResult {
            line,
            succeeded,
            result: result.to_owned(),
        }
    }

    #[tokio::test]
    async fn results_are_ordered_by_line_and_the_first_one_is_kept() {
        let store = scratch();
        let (first, second) = (result(2, true, "{}"), result(0, false, "[]"));
        let results = [first.clone(), second.clone(), result(2, false, "again")];
        store.add_results("b", &results).await.expect("kept");
        assert_eq!(
            store.results("b", 0, 10).await.expect("a query"),
            [second, first.clone()]
        );
        assert_eq!(store.results("b", 1, 10).await.expect("a query"), [first]);
        assert_eq!(store.count_results("b").await.expect("a query"), (1, 1));
        assert_eq!(store.count_results("other").await.expect("a query"), (0, 0));
        store.remove_results("b").await.expect("removed");
        assert!(
            store
                .completed_lines("b")
                .await
                .expect("a query")
                .is_empty()
        );
    }
}
