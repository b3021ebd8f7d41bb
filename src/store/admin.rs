use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::{Store, StoreError};

/// The maximum number of tokens that a list has.
const MAX_TOKENS: u32 = 1000;

/// A token of an operator, without the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAdminToken {
    /// `adm_…`; ids sort by the time of creation.
    pub id: String,
    /// Its name, for the audit log.
    pub name: String,
    /// What it may do: `read` or `all`.
    pub scope: String,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// When it expires, in Unix seconds; `None` for never.
    pub expires_at: Option<i64>,
    /// When it was revoked, in Unix seconds; `None` if it was not.
    pub revoked_at: Option<i64>,
}

/// A change by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// `aud_…`; ids sort by time.
    pub id: String,
    /// When, in Unix seconds.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What was done, such as `key.create`.
    pub action: String,
    /// The id or name of what was changed.
    pub subject: String,
    /// JSON of what it was before, without secrets.
    pub before: Option<String>,
    /// JSON of what it is now, without secrets.
    pub after: Option<String>,
}

impl Store {
    /// Stores a new token with the digest of its text.
    pub async fn add_admin_token(
        &self,
        token: &StoredAdminToken,
        digest: &[u8; 32],
    ) -> Result<(), StoreError> {
        let insert = sqlx::query(
            "INSERT INTO admin_tokens (id, name, digest, scope, created_at, expires_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        let insert = insert.bind(&token.id).bind(&token.name).bind(&digest[..]);
        let insert = insert.bind(&token.scope).bind(token.created_at);
        let insert = insert.bind(token.expires_at).bind(token.revoked_at);
        insert.execute(self.pool().await?).await?;
        Ok(())
    }

    /// Finds a token by the digest of its text.
    pub async fn admin_token(
        &self,
        digest: &[u8; 32],
    ) -> Result<Option<StoredAdminToken>, StoreError> {
        let select = sqlx::query_as("SELECT * FROM admin_tokens WHERE digest = $1");
        let select = select.bind(&digest[..]);
        Ok(select.fetch_optional(self.pool().await?).await?)
    }

    /// The tokens, newest first.
    pub async fn admin_tokens(&self) -> Result<Vec<StoredAdminToken>, StoreError> {
        let select = sqlx::query_as("SELECT * FROM admin_tokens ORDER BY id DESC LIMIT $1");
        Ok(select
            .bind(MAX_TOKENS)
            .fetch_all(self.pool().await?)
            .await?)
    }

    /// Revokes a token, unless it is revoked; returns it as it is now, and `None` if there is none.
    pub async fn revoke_admin_token(
        &self,
        id: &str,
        now: i64,
    ) -> Result<Option<StoredAdminToken>, StoreError> {
        let update = sqlx::query_as(
            "UPDATE admin_tokens SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1
             RETURNING *",
        );
        let update = update.bind(id).bind(now);
        Ok(update.fetch_optional(self.pool().await?).await?)
    }

    /// Adds an entry to the audit log.
    pub async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let insert = sqlx::query(
            "INSERT INTO audit_log (id, at, actor, action, subject, before_change, after_change)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        let insert = insert.bind(&entry.id).bind(entry.at).bind(&entry.actor);
        let insert = insert.bind(&entry.action).bind(&entry.subject);
        let insert = insert.bind(&entry.before).bind(&entry.after);
        insert.execute(self.pool().await?).await?;
        Ok(())
    }

    /// At most `limit` entries of the audit log, newest first, before the one with the id `before`,
    /// of `subject` if there is one.
    pub async fn audit(
        &self,
        before: Option<&str>,
        subject: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let select = sqlx::query_as(
            "SELECT * FROM audit_log
             WHERE ($1 IS NULL OR id < $1) AND ($2 IS NULL OR subject = $2)
             ORDER BY id DESC LIMIT $3",
        );
        let select = select.bind(before).bind(subject).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }
}

impl FromRow<'_, SqliteRow> for StoredAdminToken {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            scope: row.try_get("scope")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for AuditEntry {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            subject: row.try_get("subject")?,
            before: row.try_get("before_change")?,
            after: row.try_get("after_change")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch;
    use super::*;

    #[tokio::test]
    async fn a_token_is_found_by_its_digest_and_revoked_once() {
        let store = scratch();
        let token = StoredAdminToken {
            id: "adm_1".to_owned(),
            name: "terraform".to_owned(),
            scope: "all".to_owned(),
            created_at: 5,
            expires_at: Some(9),
            revoked_at: None,
        };
        store
            .add_admin_token(&token, &[1; 32])
            .await
            .expect("added");
        let found = store.admin_token(&[1; 32]).await.expect("read");
        assert_eq!(found.as_ref(), Some(&token));
        assert_eq!(store.admin_token(&[2; 32]).await.expect("read"), None);
        let revoked = StoredAdminToken {
            revoked_at: Some(7),
            ..token
        };
        for now in [7, 8] {
            let changed = store.revoke_admin_token("adm_1", now).await;
            assert_eq!(changed.expect("changed").as_ref(), Some(&revoked));
        }
        assert_eq!(
            store.revoke_admin_token("adm_2", 7).await.expect("read"),
            None
        );
        assert_eq!(store.admin_tokens().await.expect("read"), [revoked]);
    }

    #[tokio::test]
    async fn the_audit_log_is_read_in_pages_newest_first() {
        let store = scratch();
        for number in 1..=5 {
            let entry = AuditEntry {
                id: format!("aud_{number}"),
                at: number,
                actor: "someone".to_owned(),
                action: "key.create".to_owned(),
                subject: format!("key_{}", number % 2),
                before: None,
                after: Some("{}".to_owned()),
            };
            store.add_audit(&entry).await.expect("added");
        }
        let ids = async |before, subject, limit| -> Vec<i64> {
            let entries = store.audit(before, subject, limit).await.expect("read");
            entries.iter().map(|entry| entry.at).collect()
        };
        assert_eq!(ids(None, None, 2).await, [5, 4]);
        assert_eq!(ids(Some("aud_4"), None, 2).await, [3, 2]);
        assert_eq!(ids(None, Some("key_1"), 9).await, [5, 3, 1]);
        assert!(ids(Some("aud_1"), None, 2).await.is_empty());
    }
}
