//! What gateways read of teams and keys: everything once, then what has changed.

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteConnection;

use super::teams::all_teams;
use super::{Store, StoreError, StoredKey, StoredTeam};

/// A row of [`Store::read_identity`].
#[derive(Debug)]
pub enum IdentityRow {
    /// All teams follow, and then all keys that are not revoked, rather than changed keys.
    All,
    /// A team.
    Team(Box<StoredTeam>),
    /// A key.
    Key(Box<StoredKey>),
}

/// What [`Store::read_identity`] has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityChanges {
    /// The revision of teams and keys.
    pub revision: i64,
    /// Whether a key has ever been created.
    pub has_keys: bool,
}

impl Store {
    /// The number of changes to teams and keys so far, by any process.
    pub async fn identity_revision(&self) -> Result<i64, StoreError> {
        let select = sqlx::query_scalar("SELECT revision FROM identity_revision WHERE id = 1");
        Ok(select.fetch_one(self.pool().await?).await?)
    }

    /// Passes teams and keys to `read`, as of one moment: the keys that have changed after the
    /// revision `since`, or all teams and then all keys if there is none or a team has changed.
    pub async fn read_identity(
        &self,
        since: Option<i64>,
        mut read: impl FnMut(IdentityRow) + Send,
    ) -> Result<IdentityChanges, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        let select = sqlx::query_as(
            "SELECT revision, teams_revision, EXISTS (SELECT 1 FROM keys)
             FROM identity_revision WHERE id = 1",
        );
        let (revision, teams_revision, has_keys): (i64, i64, bool) =
            select.fetch_one(&mut *transaction).await?;
        // A revision that has gone back is that of another file.
        let since = since.filter(|since| (teams_revision..=revision).contains(since));
        if since.is_none() {
            read(IdentityRow::All);
            for team in all_teams(&mut transaction).await? {
                read(IdentityRow::Team(Box::new(team)));
            }
        }
        let keys = match since {
            None => sqlx::query_as("SELECT * FROM keys WHERE revoked_at IS NULL"),
            Some(since) => sqlx::query_as("SELECT * FROM keys WHERE revision > $1").bind(since),
        };
        let mut keys = keys.fetch(&mut *transaction);
        while let Some(key) = keys.try_next().await? {
            read(IdentityRow::Key(Box::new(key)));
        }
        Ok(IdentityChanges { revision, has_keys })
    }
}

/// Counts a change of a key; returns its revision. Every change begins with it, so that a
/// transaction waits for other writers before it reads.
pub(super) async fn key_changes(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let update = sqlx::query_scalar(
        "UPDATE identity_revision SET revision = revision + 1 WHERE id = 1 RETURNING revision",
    );
    Ok(update.fetch_one(connection).await?)
}

/// Counts a change of a team, as [`key_changes`].
pub(super) async fn team_changes(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let update = sqlx::query(
        "UPDATE identity_revision SET revision = revision + 1, teams_revision = revision + 1
         WHERE id = 1",
    );
    update.execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::key;
    use super::super::scratch;
    use super::super::teams::tests::team;
    use super::*;

    async fn read(store: &Store, since: Option<i64>) -> (IdentityChanges, Vec<String>) {
        let mut names = Vec::new();
        let rows = |row| {
            names.push(match row {
                IdentityRow::All => "all".to_owned(),
                IdentityRow::Team(team) => team.name,
                IdentityRow::Key(key) => key.id,
            });
        };
        let changes = store.read_identity(since, rows).await.expect("read");
        (changes, names)
    }

    #[tokio::test]
    async fn a_gateway_reads_everything_once_and_then_changed_keys() {
        let (store, other) = (scratch(), scratch());
        let (changes, rows) = read(&store, None).await;
        assert!(!changes.has_keys);
        assert_eq!(rows, ["all"]);
        assert!(store.add_team(&team("a")).await.expect("added"));
        assert!(store.add_key(&key("key_1", "one")).await.expect("added"));
        assert!(store.add_key(&key("key_2", "two")).await.expect("added"));
        let (complete, rows) = read(&store, Some(changes.revision)).await;
        assert!(complete.has_keys);
        assert_eq!(rows, ["all", "a", "key_1", "key_2"]);

        let since = Some(complete.revision);
        assert!(read(&store, since).await.1.is_empty());
        let revision = store.identity_revision().await.expect("read");
        assert_eq!(revision, complete.revision);
        let revoke = |key: &mut StoredKey| {
            key.revoked_at = Some(7);
            Ok::<_, ()>(())
        };
        store.change_key("key_2", revoke).await.expect("changed");
        let (changes, rows) = read(&store, since).await;
        assert_eq!(rows, ["key_2"]);
        let (_, rows) = read(&store, None).await;
        assert_eq!(rows, ["all", "a", "key_1"], "revoked keys are left out");

        // A use is no change, and a store with fewer changes is another one.
        store.keys_used(&[("key_1", 60)]).await.expect("written");
        let revision = store.identity_revision().await.expect("read");
        assert_eq!(revision, changes.revision);
        let (_, rows) = read(&other, Some(changes.revision)).await;
        assert_eq!(rows, ["all"]);
    }
}
