//! Responses that are generated in the background: what is left to do, and the events so far. Only a
//! response that is queued or in progress changes, so that a cancelled one never completes.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, Sqlite, Transaction};

use super::responses::{insert_items, insert_response, length};
use super::{Lease, Store, StoreError, StoredItem, StoredResponse};

/// What a worker needs to generate a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseJob {
    /// The owner of the response.
    pub owner: Arc<str>,
    /// The status of the response, in OpenAI's words.
    pub status: Arc<str>,
    /// The response object without its output.
    pub response: Arc<str>,
    /// The request, with its caller: JSON.
    pub document: Arc<str>,
}

/// Some events of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseEvents {
    /// The number of the first one.
    pub first_number: u64,
    /// The events as they are sent.
    pub events: Arc<str>,
}

/// The end of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseEnd {
    /// Its status, in OpenAI's words.
    pub status: Arc<str>,
    /// The response object without its output.
    pub document: Arc<str>,
    /// Its output.
    pub output: Vec<StoredItem>,
    /// The last events.
    pub events: Option<ResponseEvents>,
}

impl Store {
    /// Stores a response that is queued, with its job and its first events.
    pub async fn add_queued_response(
        &self,
        response: &StoredResponse,
        job: &str,
        events: &ResponseEvents,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        insert_response(response, &mut transaction).await?;
        let insert = sqlx::query(
            "INSERT INTO response_jobs (response_id, document, lease_until) VALUES ($1, $2, 0)",
        );
        let insert = insert.bind(&*response.id).bind(job);
        insert.execute(&mut *transaction).await?;
        insert_events(&response.id, events, &mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The number of responses of `owner` that have not ended.
    pub async fn count_response_jobs(&self, owner: &str) -> Result<u64, StoreError> {
        let select = sqlx::query_scalar(
            "SELECT COUNT(*) FROM response_jobs
             JOIN responses ON responses.id = response_jobs.response_id
             WHERE responses.owner = $1",
        );
        let select = select.bind(owner);
        let count: i64 = select.fetch_one(self.pool().await?).await?;
        Ok(count.unsigned_abs())
    }

    /// The ids of responses that no worker generates at `now`, oldest first.
    pub async fn free_response_jobs(
        &self,
        now: i64,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let select = sqlx::query_scalar(
            "SELECT response_id FROM response_jobs
             WHERE lease_owner IS NULL OR lease_until <= $1 ORDER BY response_id LIMIT $2",
        );
        let select = select.bind(now).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// Acquires or renews the lease of a job; `None` if another worker has it or it has ended.
    pub async fn lease_response_job(
        &self,
        id: &str,
        lease: Lease<'_>,
    ) -> Result<Option<ResponseJob>, StoreError> {
        let Lease { owner, now, until } = lease;
        let update = sqlx::query(
            "UPDATE response_jobs SET lease_owner = $2, lease_until = $4
             WHERE response_id = $1
               AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until <= $3)",
        );
        let update = update.bind(id).bind(owner).bind(now).bind(until);
        let pool = self.pool().await?;
        if update.execute(pool).await?.rows_affected() == 0 {
            return Ok(None);
        }
        let select = sqlx::query_as(
            "SELECT responses.owner, responses.status, responses.document AS response,
                    response_jobs.document
             FROM response_jobs JOIN responses ON responses.id = response_jobs.response_id
             WHERE response_id = $1",
        );
        Ok(select.bind(id).fetch_optional(pool).await?)
    }

    /// Marks a queued response as in progress; `false` if it is not queued.
    pub async fn begin_response(&self, id: &str, document: &str) -> Result<bool, StoreError> {
        let update = sqlx::query(
            "UPDATE responses SET status = 'in_progress', document = $2
             WHERE id = $1 AND status = 'queued'",
        );
        let update = update.bind(id).bind(document);
        let done = update.execute(self.pool().await?).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Adds events of a response in progress; `false` if it is not.
    pub async fn add_response_events(
        &self,
        id: &str,
        events: &ResponseEvents,
    ) -> Result<bool, StoreError> {
        let insert = sqlx::query(
            "INSERT INTO response_events (response_id, first_number, events)
             SELECT $1, $2, $3 WHERE EXISTS
                 (SELECT 1 FROM responses WHERE id = $1 AND status = 'in_progress')",
        );
        let insert = insert.bind(id).bind(number(events.first_number));
        let insert = insert.bind(&*events.events);
        let done = insert.execute(self.pool().await?).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends a response; `false`, without writing, if it has ended already.
    pub async fn end_response(
        &self,
        owner: &str,
        id: &str,
        end: &ResponseEnd,
    ) -> Result<bool, StoreError> {
        let ResponseEnd {
            status,
            document,
            output,
            events,
        } = end;
        let mut transaction = self.pool().await?.begin().await?;
        let bytes = output.iter().map(|item| item.body.len()).sum();
        let update = sqlx::query(
            "UPDATE responses SET status = $3, document = $4, bytes = bytes + $5
             WHERE id = $1 AND owner = $2 AND status IN ('queued', 'in_progress')",
        );
        let update = update.bind(id).bind(owner).bind(&**status);
        let update = update.bind(&**document).bind(length(bytes));
        if update.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let select = sqlx::query_scalar(
            "SELECT COALESCE(MAX(position) + 1, 0) FROM response_items WHERE response_id = $1",
        );
        let position: i64 = select.bind(id).fetch_one(&mut *transaction).await?;
        insert_items(owner, id, position, output, &mut transaction).await?;
        if let Some(events) = events {
            insert_events(id, events, &mut transaction).await?;
        }
        let delete = sqlx::query("DELETE FROM response_jobs WHERE response_id = $1").bind(id);
        delete.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The events of a response of `owner`, in order, from the row that has the event `number` on.
    pub async fn response_events(
        &self,
        owner: &str,
        id: &str,
        from: u64,
    ) -> Result<Vec<ResponseEvents>, StoreError> {
        let select = sqlx::query_as(
            "SELECT first_number, events FROM response_events
             WHERE response_id = $1
               AND EXISTS (SELECT 1 FROM responses WHERE id = $1 AND owner = $2)
               AND first_number >= (
                   SELECT COALESCE(MAX(first_number), 0) FROM response_events
                   WHERE response_id = $1 AND first_number <= $3)
             ORDER BY first_number",
        );
        let select = select.bind(id).bind(owner).bind(number(from));
        Ok(select.fetch_all(self.pool().await?).await?)
    }
}

async fn insert_events(
    id: &str,
    events: &ResponseEvents,
    transaction: &mut Transaction<'_, Sqlite>,
) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO response_events (response_id, first_number, events) VALUES ($1, $2, $3)",
    );
    let insert = insert.bind(id).bind(number(events.first_number));
    let insert = insert.bind(&*events.events);
    insert.execute(&mut **transaction).await?;
    Ok(())
}

/// A number as a column has it.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl FromRow<'_, SqliteRow> for ResponseJob {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let text = |column: &str| row.try_get::<String, _>(column).map(Arc::from);
        Ok(Self {
            owner: text("owner")?,
            status: text("status")?,
            response: text("response")?,
            document: text("document")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for ResponseEvents {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let first_number: i64 = row.try_get("first_number")?;
        Ok(Self {
            first_number: first_number.unsigned_abs(),
            events: row.try_get::<String, _>("events")?.into(),
        })
    }
}
