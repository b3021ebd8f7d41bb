use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::{Store, StoreError};

/// A stored batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBatch {
    /// `batch_…`; ids sort by the time of creation.
    pub id: String,
    /// The caller that owns it.
    pub caller: String,
    /// Whether work on it remains.
    pub is_open: bool,
    /// The state written by the holder of the lease: JSON.
    pub document: String,
    /// When it was cancelled, in Unix seconds; `None` if it was not.
    pub cancelling_at: Option<i64>,
}

/// The lease of a worker on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease<'a> {
    /// The id of the process.
    pub owner: &'a str,
    /// The current time.
    pub now: i64,
    /// When the lease expires unless renewed.
    pub until: i64,
}

impl Store {
    /// Stores a new batch.
    pub async fn add_batch(&self, batch: &StoredBatch) -> Result<(), StoreError> {
        let StoredBatch {
            id,
            caller,
            is_open,
            document,
            cancelling_at,
        } = batch;
        let insert = sqlx::query(
            "INSERT INTO batches (id, caller, is_open, document, cancelling_at, lease_until)
             VALUES ($1, $2, $3, $4, $5, 0)",
        );
        let insert = insert.bind(id).bind(caller).bind(is_open);
        let insert = insert.bind(document).bind(cancelling_at);
        insert.execute(self.pool().await?).await?;
        Ok(())
    }

    /// Finds a batch of `caller`.
    pub async fn batch(&self, caller: &str, id: &str) -> Result<Option<StoredBatch>, StoreError> {
        let select = sqlx::query_as(
            "SELECT id, caller, is_open, document, cancelling_at FROM batches
             WHERE id = $1 AND caller = $2",
        );
        let select = select.bind(id).bind(caller);
        Ok(select.fetch_optional(self.pool().await?).await?)
    }

    /// A page of the batches of `caller`, newest first, after the batch `after`.
    pub async fn batches(
        &self,
        caller: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredBatch>, StoreError> {
        let select = sqlx::query_as(
            "SELECT id, caller, is_open, document, cancelling_at FROM batches
             WHERE caller = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        );
        let select = select.bind(caller).bind(after).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// The ids of open batches that no other process has leased, oldest first.
    pub async fn free_batches(
        &self,
        owner: &str,
        now: i64,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let select = sqlx::query_scalar(
            "SELECT id FROM batches
             WHERE is_open AND (lease_owner IS NULL OR lease_owner = $1 OR lease_until <= $2)
             ORDER BY id LIMIT $3",
        );
        let select = select.bind(owner).bind(now).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// Acquires or renews the lease of a batch; `None` if another process has it or no work
    /// remains.
    pub async fn lease_batch(
        &self,
        id: &str,
        lease: Lease<'_>,
    ) -> Result<Option<StoredBatch>, StoreError> {
        let update = sqlx::query_as(
            "UPDATE batches SET lease_owner = $2, lease_until = $4
             WHERE id = $1 AND is_open
               AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until <= $3)
             RETURNING id, caller, is_open, document, cancelling_at",
        );
        let Lease { owner, now, until } = lease;
        let update = update.bind(id).bind(owner).bind(now).bind(until);
        Ok(update.fetch_optional(self.pool().await?).await?)
    }

    /// Releases the lease of a batch.
    pub async fn release_batch(&self, id: &str, owner: &str) -> Result<(), StoreError> {
        let update =
            sqlx::query("UPDATE batches SET lease_owner = NULL WHERE id = $1 AND lease_owner = $2");
        let update = update.bind(id).bind(owner);
        update.execute(self.pool().await?).await?;
        Ok(())
    }

    /// Updates the state of a batch; `false`, without writing, if another process has the lease.
    pub async fn save_batch(
        &self,
        id: &str,
        owner: &str,
        document: &str,
        is_open: bool,
    ) -> Result<bool, StoreError> {
        let update = sqlx::query(
            "UPDATE batches SET document = $3, is_open = $4 WHERE id = $1 AND lease_owner = $2",
        );
        let update = update.bind(id).bind(owner).bind(document).bind(is_open);
        let done = update.execute(self.pool().await?).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Marks a batch of `caller` as cancelled; a finished batch does not change.
    pub async fn cancel_batch(&self, caller: &str, id: &str, now: i64) -> Result<(), StoreError> {
        let update = sqlx::query(
            "UPDATE batches SET cancelling_at = $3
             WHERE id = $1 AND caller = $2 AND is_open AND cancelling_at IS NULL",
        );
        let update = update.bind(id).bind(caller).bind(now);
        update.execute(self.pool().await?).await?;
        Ok(())
    }
}

impl FromRow<'_, SqliteRow> for StoredBatch {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            caller: row.try_get("caller")?,
            is_open: row.try_get("is_open")?,
            document: row.try_get("document")?,
            cancelling_at: row.try_get("cancelling_at")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch;
    use super::*;

    fn batch(id: &str) -> StoredBatch {
        StoredBatch {
            id: id.to_owned(),
            caller: "a".to_owned(),
            is_open: true,
            document: "{}".to_owned(),
            cancelling_at: None,
        }
    }

    fn lease(owner: &str, now: i64) -> Lease<'_> {
        Lease {
            owner,
            now,
            until: now + 10,
        }
    }

    #[tokio::test]
    async fn a_batch_is_leased_to_one_process_at_a_time() {
        let store = scratch();
        store.add_batch(&batch("1")).await.expect("kept");
        let take = async |owner, now| {
            let leased = store.lease_batch("1", lease(owner, now)).await;
            leased.expect("a query").is_some()
        };
        assert!(take("one", 0).await);
        assert!(take("one", 5).await, "the holder renews it");
        assert!(!take("two", 14).await, "another process has the lease");
        let free = store.free_batches("two", 14, 10).await.expect("a query");
        assert!(free.is_empty());
        assert!(take("two", 15).await, "the lease has expired");
        assert!(
            !store
                .save_batch("1", "one", "[]", true)
                .await
                .expect("a query")
        );
        assert!(
            store
                .save_batch("1", "two", "[1]", true)
                .await
                .expect("a query")
        );
        store.release_batch("1", "two").await.expect("released");
        assert!(take("one", 16).await);
        assert!(
            store
                .save_batch("1", "one", "[2]", false)
                .await
                .expect("a query")
        );
        assert!(!take("one", 17).await, "no work remains");
        let stored = store.batch("a", "1").await.expect("a query");
        assert_eq!(stored.map(|batch| batch.document).as_deref(), Some("[2]"));
    }

    #[tokio::test]
    async fn a_batch_is_cancelled_once_and_only_by_its_caller() {
        let store = scratch();
        store.add_batch(&batch("1")).await.expect("kept");
        store.cancel_batch("b", "1", 3).await.expect("a query");
        assert_eq!(
            store.batch("a", "1").await.expect("a query"),
            Some(batch("1"))
        );
        store.cancel_batch("a", "1", 4).await.expect("a query");
        store.cancel_batch("a", "1", 5).await.expect("a query");
        let stored = store.batch("a", "1").await.expect("a query");
        assert_eq!(stored.and_then(|batch| batch.cancelling_at), Some(4));
    }

    #[tokio::test]
    async fn a_caller_lists_its_own_batches_newest_first() {
        let store = scratch();
        for id in ["1", "2", "3"] {
            store.add_batch(&batch(id)).await.expect("kept");
        }
        let ids = async |caller, after| {
            let page = store.batches(caller, after, 2).await.expect("a query");
            page.into_iter().map(|batch| batch.id).collect::<Vec<_>>()
        };
        assert_eq!(ids("a", None).await, ["3", "2"]);
        assert_eq!(ids("a", Some("2")).await, ["1"]);
        assert!(ids("b", None).await.is_empty());
    }
}
