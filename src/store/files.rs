use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::{Store, StoreError};

/// The metadata of a file; its content is an object in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// `file-…`; ids sort by the time of creation.
    pub id: String,
    /// The caller that owns it.
    pub caller: String,
    /// Its purpose.
    pub purpose: String,
    /// Its name, from the upload.
    pub filename: String,
    /// Its size in bytes.
    pub bytes: i64,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// When it expires, in Unix seconds; `None` for never.
    pub expires_at: Option<i64>,
}

/// A query of a caller's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePage<'a> {
    /// Only files with this purpose.
    pub purpose: Option<&'a str>,
    /// Only files after this one in the list.
    pub after: Option<&'a str>,
    /// Whether the newest come first.
    pub newest_first: bool,
    /// The maximum number of files.
    pub limit: u32,
}

impl Store {
    /// Stores a new file.
    pub async fn add_file(&self, file: &StoredFile) -> Result<(), StoreError> {
        let StoredFile {
            id,
            caller,
            purpose,
            filename,
            bytes,
            created_at,
            expires_at,
        } = file;
        let insert = sqlx::query(
            "INSERT INTO files (id, caller, purpose, filename, bytes, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        );
        let insert = insert.bind(id).bind(caller).bind(purpose).bind(filename);
        let insert = insert.bind(bytes).bind(created_at).bind(expires_at);
        insert.execute(self.pool().await?).await?;
        Ok(())
    }

    /// Finds a file of `caller` that has not expired at `now`.
    pub async fn file(
        &self,
        caller: &str,
        id: &str,
        now: i64,
    ) -> Result<Option<StoredFile>, StoreError> {
        let select = sqlx::query_as(
            "SELECT * FROM files
             WHERE id = $1 AND caller = $2 AND (expires_at IS NULL OR expires_at > $3)",
        );
        let select = select.bind(id).bind(caller).bind(now);
        Ok(select.fetch_optional(self.pool().await?).await?)
    }

    /// A page of the files of `caller` that have not expired at `now`.
    pub async fn files(
        &self,
        caller: &str,
        page: FilePage<'_>,
        now: i64,
    ) -> Result<Vec<StoredFile>, StoreError> {
        let FilePage {
            purpose,
            after,
            newest_first,
            limit,
        } = page;
        let select = sqlx::query_as(match newest_first {
            true => {
                "SELECT * FROM files
                 WHERE caller = $1 AND (expires_at IS NULL OR expires_at > $2)
                   AND ($3 IS NULL OR purpose = $3) AND ($4 IS NULL OR id < $4)
                 ORDER BY id DESC LIMIT $5"
            }
            false => {
                "SELECT * FROM files
                 WHERE caller = $1 AND (expires_at IS NULL OR expires_at > $2)
                   AND ($3 IS NULL OR purpose = $3) AND ($4 IS NULL OR id > $4)
                 ORDER BY id LIMIT $5"
            }
        });
        let select = select.bind(caller).bind(now).bind(purpose).bind(after);
        Ok(select.bind(limit).fetch_all(self.pool().await?).await?)
    }

    /// Some of the files of all callers that have expired at `now`.
    pub async fn expired_files(&self, now: i64, limit: u32) -> Result<Vec<StoredFile>, StoreError> {
        let select = sqlx::query_as("SELECT * FROM files WHERE expires_at <= $1 LIMIT $2");
        let select = select.bind(now).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// Deletes a file.
    pub async fn remove_file(&self, id: &str) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM files WHERE id = $1").bind(id);
        delete.execute(self.pool().await?).await?;
        Ok(())
    }
}

impl FromRow<'_, SqliteRow> for StoredFile {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            caller: row.try_get("caller")?,
            purpose: row.try_get("purpose")?,
            filename: row.try_get("filename")?,
            bytes: row.try_get("bytes")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch;
    use super::*;

    fn file(id: &str, caller: &str, expires_at: Option<i64>) -> StoredFile {
        StoredFile {
            id: id.to_owned(),
            caller: caller.to_owned(),
            purpose: "batch".to_owned(),
            filename: "a.jsonl".to_owned(),
            bytes: 3,
            created_at: 10,
            expires_at,
        }
    }

    const ALL: FilePage<'_> = FilePage {
        purpose: None,
        after: None,
        newest_first: true,
        limit: 10,
    };

    async fn ids(store: &Store, page: FilePage<'_>) -> Vec<String> {
        let files = store.files("a", page, 100).await.expect("files");
        files.into_iter().map(|file| file.id).collect()
    }

    #[tokio::test]
    async fn a_caller_sees_its_own_files_until_they_expire() {
        let store = scratch();
        for stored in [
            file("1", "a", None),
            file("2", "b", None),
            file("3", "a", Some(100)),
        ] {
            store.add_file(&stored).await.expect("kept");
        }
        let one = file("1", "a", None);
        assert_eq!(store.file("a", "1", 100).await.expect("a query"), Some(one));
        for (caller, id) in [("b", "1"), ("a", "2"), ("a", "3")] {
            assert_eq!(store.file(caller, id, 100).await.expect("a query"), None);
        }
        assert_eq!(ids(&store, ALL).await, ["1"]);
        let over = store.expired_files(100, 10).await.expect("a query");
        assert_eq!(over, [file("3", "a", Some(100))]);
    }

    #[tokio::test]
    async fn files_are_listed_in_pages_in_both_orders() {
        let store = scratch();
        for id in ["1", "2", "3"] {
            store.add_file(&file(id, "a", None)).await.expect("kept");
        }
        let two = FilePage { limit: 2, ..ALL };
        assert_eq!(ids(&store, two).await, ["3", "2"]);
        let rest = FilePage {
            after: Some("2"),
            ..two
        };
        assert_eq!(ids(&store, rest).await, ["1"]);
        let oldest = FilePage {
            newest_first: false,
            ..rest
        };
        assert_eq!(ids(&store, oldest).await, ["3"]);
        let other = FilePage {
            purpose: Some("batch_output"),
            ..ALL
        };
        assert!(ids(&store, other).await.is_empty());
        store.remove_file("3").await.expect("removed");
        assert_eq!(ids(&store, ALL).await, ["2", "1"]);
    }
}
