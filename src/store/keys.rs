use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{FromRow, Row};
use utoipa::ToSchema;

use super::identity::key_changes;
use super::{Store, StoreError, decoded};
use crate::allowances::Allowance;

/// A key, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// `key_…`; ids sort by the time of creation.
    pub id: String,
    /// Its name, which no other key has unless it is revoked.
    pub name: String,
    /// The visible characters that it begins with.
    pub prefix: String,
    /// Its digest.
    pub digest: StoredDigest,
    /// Its team; `None` for a key without one.
    pub team: Option<String>,
    /// The user within the team; `None` for a key of no single user.
    pub user: Option<String>,
    /// What it may use.
    pub allowance: Allowance,
    /// Settings of its chat requests.
    pub chat: StoredChatOverrides,
    /// Tags for records of its requests.
    pub tags: BTreeMap<String, String>,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// When it expires, in Unix seconds; `None` for never.
    pub expires_at: Option<i64>,
    /// When it was revoked, in Unix seconds; `None` if it was not.
    pub revoked_at: Option<i64>,
    /// The key before the last rotation.
    pub previous: Option<PreviousKey>,
    /// When it was used last, in Unix seconds, to the minute; `None` if it never was.
    pub last_used_at: Option<i64>,
}

/// The key before a rotation, which is valid for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousKey {
    /// The visible characters that it begins with.
    pub prefix: String,
    /// Its digest.
    pub digest: StoredDigest,
    /// When it stops to be valid, in Unix seconds.
    pub until: i64,
}

/// The SHA-256 digest of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StoredDigest(pub [u8; 32]);

/// Settings of a key's chat requests, as `[keys.NAME]` has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = ChatSettings)]
pub struct StoredChatOverrides {
    /// Whether cache points are added to requests without `cache_control`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<bool>,
    /// How a conversation that exceeds the context window is handled: `refuse` or `oldest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<String>,
    /// `maxTokens` of requests without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The upper limit of `maxTokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens_ceiling: Option<u32>,
    /// Whether a request that needs adjustments is refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// The name of the guardrail in the configuration that requests cannot override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<String>,
}

/// A query of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyPage<'a> {
    /// Only keys of this team.
    pub team: Option<&'a str>,
    /// Whether revoked keys are included.
    pub with_revoked: bool,
    /// Only keys after the one with this id.
    pub after: Option<&'a str>,
    /// The maximum number of keys.
    pub limit: u32,
}

impl Store {
    /// Stores a new key; `false` if there is one with its name that is not revoked.
    pub async fn add_key(&self, key: &StoredKey) -> Result<bool, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        let revision = key_changes(&mut transaction).await?;
        let insert = sqlx::query(
            "INSERT INTO keys (id, name, created_at, prefix, digest, team, user_name, allowance,
               chat, tags, revision)
             VALUES ($1, $2, $3, '', '', NULL, NULL, '', '', '', $4)
             ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING",
        );
        let insert = insert.bind(&key.id).bind(&key.name).bind(key.created_at);
        let insert = insert.bind(revision).execute(&mut *transaction);
        // Everything else is what a change writes, too.
        if insert.await?.rows_affected() == 0 {
            return Ok(false);
        }
        write(&mut transaction, key, revision).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Finds a key by its id, or by its name if it is not revoked.
    pub async fn key(&self, id_or_name: &str) -> Result<Option<StoredKey>, StoreError> {
        let mut connection = self.pool().await?.acquire().await?;
        find(&mut connection, id_or_name).await
    }

    /// A page of the keys, oldest first.
    pub async fn keys(&self, page: KeyPage<'_>) -> Result<Vec<StoredKey>, StoreError> {
        let KeyPage {
            team,
            with_revoked,
            after,
            limit,
        } = page;
        let select = sqlx::query_as(
            "SELECT * FROM keys
             WHERE ($1 IS NULL OR team = $1) AND ($2 OR revoked_at IS NULL)
               AND ($3 IS NULL OR id > $3)
             ORDER BY id LIMIT $4",
        );
        let select = select.bind(team).bind(with_revoked).bind(after).bind(limit);
        Ok(select.fetch_all(self.pool().await?).await?)
    }

    /// Changes everything of a key but id, name and times of creation and use, without changes by
    /// others in between; returns the key before and after, and `None` if there is no such key. The
    /// error of `change` leaves it as it is.
    pub async fn change_key<E>(
        &self,
        id_or_name: &str,
        change: impl FnOnce(&mut StoredKey) -> Result<(), E>,
    ) -> Result<Option<Result<(StoredKey, StoredKey), E>>, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        let revision = key_changes(&mut transaction).await?;
        let Some(mut key) = find(&mut transaction, id_or_name).await? else {
            return Ok(None);
        };
        let before = key.clone();
        if let Err(error) = change(&mut key) {
            return Ok(Some(Err(error)));
        }
        write(&mut transaction, &key, revision).await?;
        transaction.commit().await?;
        Ok(Some(Ok((before, key))))
    }

    /// Notes when keys were used last, by id, to the minute. Unknown ids are ignored.
    pub async fn keys_used(&self, used: &[(&str, i64)]) -> Result<(), StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        for (id, at) in used {
            // Most uses are within a minute that is known.
            let update = sqlx::query(
                "UPDATE keys SET last_used_at = $2
                 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
            );
            let update = update.bind(id).bind(at - at.rem_euclid(60));
            update.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn find(
    connection: &mut SqliteConnection,
    id_or_name: &str,
) -> Result<Option<StoredKey>, StoreError> {
    let select = sqlx::query_as(
        "SELECT * FROM keys WHERE id = $1 OR (name = $1 AND revoked_at IS NULL)
         ORDER BY id = $1 DESC LIMIT 1",
    );
    Ok(select.bind(id_or_name).fetch_optional(connection).await?)
}

/// Writes everything of a key that can change.
async fn write(
    connection: &mut SqliteConnection,
    key: &StoredKey,
    revision: i64,
) -> Result<(), StoreError> {
    let previous = key.previous.as_ref();
    let update = sqlx::query(
        "UPDATE keys SET prefix = $2, digest = $3, team = $4, user_name = $5, allowance = $6,
           chat = $7, tags = $8, expires_at = $9, revoked_at = $10, previous_prefix = $11,
           previous_digest = $12, previous_until = $13, revision = $14
         WHERE id = $1",
    );
    let update = update
        .bind(&key.id)
        .bind(&key.prefix)
        .bind(key.digest.0.as_slice())
        .bind(&key.team)
        .bind(&key.user)
        .bind(serde_json::to_string(&key.allowance)?)
        .bind(serde_json::to_string(&key.chat)?)
        .bind(serde_json::to_string(&key.tags)?)
        .bind(key.expires_at)
        .bind(key.revoked_at)
        .bind(previous.map(|previous| &previous.prefix))
        .bind(previous.map(|previous| previous.digest.0.as_slice()))
        .bind(previous.map(|previous| previous.until))
        .bind(revision);
    update.execute(connection).await?;
    Ok(())
}

impl fmt::Debug for StoredDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StoredDigest(..)")
    }
}

impl FromRow<'_, SqliteRow> for StoredKey {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let previous = match row.try_get("previous_until")? {
            Some(until) => Some(PreviousKey {
                prefix: row.try_get("previous_prefix")?,
                digest: digest(row, "previous_digest")?,
                until,
            }),
            None => None,
        };
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            prefix: row.try_get("prefix")?,
            digest: digest(row, "digest")?,
            team: row.try_get("team")?,
            user: row.try_get("user_name")?,
            allowance: decoded(row, "allowance")?,
            chat: decoded(row, "chat")?,
            tags: decoded(row, "tags")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
            previous,
            last_used_at: row.try_get("last_used_at")?,
        })
    }
}

fn digest(row: &SqliteRow, column: &str) -> sqlx::Result<StoredDigest> {
    let bytes: Vec<u8> = row.try_get(column)?;
    match bytes.try_into() {
        Ok(digest) => Ok(StoredDigest(digest)),
        Err(_) => Err(sqlx::Error::Decode("a digest without 32 bytes".into())),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::scratch;
    use super::*;

    pub(crate) fn key(id: &str, name: &str) -> StoredKey {
        let mut digest = [0; 32];
        for (byte, character) in digest.iter_mut().zip(id.bytes()) {
            *byte = character;
        }
        StoredKey {
            id: id.to_owned(),
            name: name.to_owned(),
            prefix: "sk-oc-abcdefgh".to_owned(),
            digest: StoredDigest(digest),
            team: None,
            user: None,
            allowance: Allowance::default(),
            chat: StoredChatOverrides::default(),
            tags: BTreeMap::new(),
            created_at: 5,
            expires_at: None,
            revoked_at: None,
            previous: None,
            last_used_at: None,
        }
    }

    fn full() -> StoredKey {
        StoredKey {
            team: Some("a".to_owned()),
            user: Some("alice".to_owned()),
            chat: StoredChatOverrides {
                strict: true,
                guardrail: Some("strict".to_owned()),
                max_tokens_ceiling: Some(100),
                ..StoredChatOverrides::default()
            },
            tags: BTreeMap::from([("cost".to_owned(), "42".to_owned())]),
            expires_at: Some(90),
            previous: Some(PreviousKey {
                prefix: "sk-oc-12345678".to_owned(),
                digest: StoredDigest([9; 32]),
                until: 80,
            }),
            ..key("key_2", "two")
        }
    }

    #[tokio::test]
    async fn a_key_is_stored_with_everything() {
        let store = scratch();
        for stored in [key("key_1", "one"), full()] {
            assert!(store.add_key(&stored).await.expect("added"));
            for id_or_name in [&stored.id, &stored.name] {
                let found = store.key(id_or_name).await.expect("a query");
                assert_eq!(found.as_ref(), Some(&stored));
            }
        }
        assert_eq!(store.key("three").await.expect("a query"), None);
        let debug_output = format!("{:?}", full());
        assert!(!debug_output.contains("9, 9"), "{debug_output}");
    }

    #[tokio::test]
    async fn the_name_of_a_revoked_key_is_free() {
        let store = scratch();
        let (first, second) = (key("key_1", "one"), key("key_2", "one"));
        assert!(store.add_key(&first).await.expect("added"));
        assert!(!store.add_key(&second).await.expect("a query"));
        let revoke = |key: &mut StoredKey| {
            key.revoked_at = Some(7);
            Ok::<_, ()>(())
        };
        store.change_key("one", revoke).await.expect("revoked");
        assert!(store.add_key(&second).await.expect("added"));
        assert_eq!(store.key("one").await.expect("a query"), Some(second));
    }

    #[tokio::test]
    async fn keys_are_listed_in_pages() {
        let store = scratch();
        for (id, team) in [("key_1", "a"), ("key_2", "b"), ("key_3", "a")] {
            let mut of_team = key(id, id);
            of_team.team = Some(team.to_owned());
            of_team.revoked_at = (id == "key_2").then_some(7);
            assert!(store.add_key(&of_team).await.expect("added"));
        }
        let page = KeyPage {
            limit: 10,
            ..KeyPage::default()
        };
        for (page, expected) in [
            (page, &["key_1", "key_3"][..]),
            (
                KeyPage {
                    with_revoked: true,
                    ..page
                },
                &["key_1", "key_2", "key_3"],
            ),
            (
                KeyPage {
                    after: Some("key_1"),
                    ..page
                },
                &["key_3"],
            ),
            (
                KeyPage {
                    team: Some("b"),
                    ..page
                },
                &[],
            ),
            (KeyPage { limit: 1, ..page }, &["key_1"]),
        ] {
            let keys = store.keys(page).await.expect("a page");
            let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
            assert_eq!(ids, expected, "{page:?}");
        }
    }

    #[tokio::test]
    async fn the_last_use_is_kept_to_the_minute() {
        let store = scratch();
        store.add_key(&key("key_1", "one")).await.expect("added");
        for (at, expected) in [(119, 60), (130, 120), (61, 120)] {
            let used = [("key_1", at), ("key_2", at)];
            store.keys_used(&used).await.expect("written");
            let last = store.key("key_1").await.expect("a query");
            assert_eq!(last.and_then(|key| key.last_used_at), Some(expected));
        }
    }
}
