//! Responses of the Responses API, with the items of their requests and of their output. A response
//! has a pointer to its predecessor, so that a conversation is stored once.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Row, Sqlite, Transaction};

use super::{Store, StoreError};

/// Items that are written by one statement.
const ITEMS_PER_INSERT: usize = 100;

/// A stored response. Its texts are shared, so that a store in memory need not copy them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// `resp_…`; ids sort by the time of creation.
    pub id: Arc<str>,
    /// Who can read it: a caller, or a team.
    pub owner: Arc<str>,
    /// The response that its request continued.
    pub previous_id: Option<Arc<str>>,
    /// Its status, in OpenAI's words.
    pub status: Arc<str>,
    /// The response object as JSON, without its output.
    pub document: Arc<str>,
    /// The items of its request, without those of its predecessors, and then its output.
    pub items: Vec<StoredItem>,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// When it expires, in Unix seconds; `None` for never.
    pub expires_at: Option<i64>,
}

/// An item of a stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredItem {
    /// Its id.
    pub id: Arc<str>,
    /// Whether it is output of the model.
    pub is_output: bool,
    /// The item as JSON.
    pub body: Arc<str>,
}

/// A stored response among those that it continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseLink {
    /// Its id.
    pub id: Arc<str>,
    /// The response before it.
    pub previous_id: Option<Arc<str>>,
    /// Its status, in OpenAI's words.
    pub status: Arc<str>,
    /// The length of its items, in bytes.
    pub bytes: usize,
}

impl StoredResponse {
    /// The length of all items, in bytes.
    pub fn item_bytes(&self) -> usize {
        self.items.iter().map(|item| item.body.len()).sum()
    }
}

/// A query of the response `$1` of `$2` and its predecessors at the time `$3`, at most `$4` of them.
/// `depth` is the distance.
macro_rules! of_chain {
    ($select:literal) => {
        concat!(
            "WITH RECURSIVE chain (id, previous_id, status, bytes, depth) AS (
                 SELECT id, previous_id, status, bytes, 0 FROM responses
                 WHERE id = $1 AND owner = $2 AND (expires_at IS NULL OR expires_at > $3)
                 UNION ALL
                 SELECT earlier.id, earlier.previous_id, earlier.status, earlier.bytes,
                        chain.depth + 1
                 FROM chain JOIN responses AS earlier ON earlier.id = chain.previous_id
                 WHERE earlier.owner = $2
                   AND (earlier.expires_at IS NULL OR earlier.expires_at > $3)
                   AND chain.depth + 1 < $4) ",
            $select
        )
    };
}

/// A deletion of what belongs to up to `$2` responses that have expired at `$1`.
macro_rules! of_expired {
    ($delete:literal) => {
        concat!(
            $delete,
            " (SELECT id FROM responses WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2)"
        )
    };
}

impl Store {
    /// Stores a response with its items, in one transaction.
    pub async fn add_response(&self, response: &StoredResponse) -> Result<(), StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        insert_response(response, &mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The object of a response of `owner` that has not expired at `now`, without its output.
    pub async fn response_document(
        &self,
        owner: &str,
        id: &str,
        now: i64,
    ) -> Result<Option<Arc<str>>, StoreError> {
        let select = sqlx::query_scalar::<_, String>(
            "SELECT document FROM responses
             WHERE id = $1 AND owner = $2 AND (expires_at IS NULL OR expires_at > $3)",
        );
        let select = select.bind(id).bind(owner).bind(now);
        let document = select.fetch_optional(self.pool().await?).await?;
        Ok(document.map(Arc::from))
    }

    /// The items of a response of `owner`, in order.
    pub async fn response_items(
        &self,
        owner: &str,
        id: &str,
    ) -> Result<Vec<StoredItem>, StoreError> {
        let select = sqlx::query_as(
            "SELECT id, is_output, body FROM response_items
             WHERE response_id = $1 AND owner = $2 ORDER BY position",
        );
        let select = select.bind(id).bind(owner);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// A response of `owner` and those that it continues, the newest first, at most `limit`. It ends
    /// early if one of them is unknown or has expired at `now`.
    pub async fn response_chain(
        &self,
        owner: &str,
        id: &str,
        now: i64,
        limit: u32,
    ) -> Result<Vec<ResponseLink>, StoreError> {
        let select = sqlx::query_as(of_chain!(
            "SELECT id, previous_id, status, bytes FROM chain ORDER BY depth"
        ));
        let select = select.bind(id).bind(owner).bind(now).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// The items of the same responses, the oldest first.
    pub async fn chain_items(
        &self,
        owner: &str,
        id: &str,
        now: i64,
        limit: u32,
    ) -> Result<Vec<StoredItem>, StoreError> {
        let select = sqlx::query_as(of_chain!(
            "SELECT items.id, items.is_output, items.body
             FROM chain JOIN response_items AS items ON items.response_id = chain.id
             ORDER BY chain.depth DESC, items.position"
        ));
        let select = select.bind(id).bind(owner).bind(now).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// The item `id` of `owner` in the newest response with it that has not expired at `now`.
    pub async fn response_item(
        &self,
        owner: &str,
        id: &str,
        now: i64,
    ) -> Result<Option<StoredItem>, StoreError> {
        let select = sqlx::query_as(
            "SELECT items.id, items.is_output, items.body
             FROM response_items AS items JOIN responses ON responses.id = items.response_id
             WHERE items.owner = $1 AND items.id = $2
               AND (responses.expires_at IS NULL OR responses.expires_at > $3)
             ORDER BY items.response_id DESC, items.position LIMIT 1",
        );
        let select = select.bind(owner).bind(id).bind(now);
        Ok(select.fetch_optional(self.pool().await?).await?)
    }

    /// Deletes a response of `owner` with its items; `false` if there is none at `now`.
    pub async fn remove_response(
        &self,
        owner: &str,
        id: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        let delete = sqlx::query(
            "DELETE FROM responses
             WHERE id = $1 AND owner = $2 AND (expires_at IS NULL OR expires_at > $3)",
        );
        let delete = delete.bind(id).bind(owner).bind(now);
        let deleted = delete.execute(&mut *transaction).await?.rows_affected() > 0;
        if deleted {
            for delete in [
                "DELETE FROM response_items WHERE response_id = $1",
                "DELETE FROM response_events WHERE response_id = $1",
                "DELETE FROM response_jobs WHERE response_id = $1",
            ] {
                let delete = sqlx::query(delete).bind(id);
                delete.execute(&mut *transaction).await?;
            }
        }
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Deletes up to `limit` responses that have expired at `now`; returns their number.
    pub async fn remove_expired_responses(&self, now: i64, limit: u32) -> Result<u64, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        for delete in [
            of_expired!("DELETE FROM response_items WHERE response_id IN"),
            of_expired!("DELETE FROM response_events WHERE response_id IN"),
            of_expired!("DELETE FROM response_jobs WHERE response_id IN"),
        ] {
            let delete = sqlx::query(delete).bind(now).bind(limit);
            delete.execute(&mut *transaction).await?;
        }
        let responses = sqlx::query(of_expired!("DELETE FROM responses WHERE id IN"));
        let responses = responses.bind(now).bind(limit);
        let deleted = responses.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }
}

/// Adds a response with its items.
pub(super) async fn insert_response(
    response: &StoredResponse,
    transaction: &mut Transaction<'_, Sqlite>,
) -> Result<(), StoreError> {
    let StoredResponse {
        id,
        owner,
        previous_id,
        status,
        document,
        items,
        created_at,
        expires_at,
    } = response;
    let insert = sqlx::query(
        "INSERT INTO responses
             (id, owner, previous_id, status, document, bytes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let insert = insert.bind(&**id).bind(&**owner);
    let insert = insert.bind(previous_id.as_deref()).bind(&**status);
    let insert = insert.bind(&**document).bind(length(response.item_bytes()));
    let insert = insert.bind(created_at).bind(expires_at);
    insert.execute(&mut **transaction).await?;
    insert_items(owner, id, 0, items, transaction).await
}

/// Adds the items of a response from `position` on.
pub(super) async fn insert_items(
    owner: &str,
    id: &str,
    position: i64,
    items: &[StoredItem],
    transaction: &mut Transaction<'_, Sqlite>,
) -> Result<(), StoreError> {
    let mut positions = position..;
    for items in items.chunks(ITEMS_PER_INSERT) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO response_items (response_id, position, owner, id, is_output, body) ",
        );
        insert.push_values(
            items.iter().zip(&mut positions),
            |mut row, (item, position)| {
                row.push_bind(id).push_bind(position).push_bind(owner);
                row.push_bind(&*item.id).push_bind(item.is_output);
                row.push_bind(&*item.body);
            },
        );
        insert.build().execute(&mut **transaction).await?;
    }
    Ok(())
}

/// A length as a column has it.
pub(super) fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl FromRow<'_, SqliteRow> for StoredItem {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get::<String, _>("id")?.into(),
            is_output: row.try_get("is_output")?,
            body: row.try_get::<String, _>("body")?.into(),
        })
    }
}

impl FromRow<'_, SqliteRow> for ResponseLink {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let previous_id: Option<String> = row.try_get("previous_id")?;
        let bytes: i64 = row.try_get("bytes")?;
        Ok(Self {
            id: row.try_get::<String, _>("id")?.into(),
            previous_id: previous_id.map(Arc::from),
            status: row.try_get::<String, _>("status")?.into(),
            bytes: usize::try_from(bytes).unwrap_or_default(),
        })
    }
}
