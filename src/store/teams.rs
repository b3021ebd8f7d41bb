use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::identity::team_changes;
use super::{Store, StoreError, decoded};
use crate::allowances::Team;

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTeam {
    /// Its name, which identifies it.
    pub name: String,
    /// What it and its users may use.
    pub team: Team,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
}

/// What has become of the removal of a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamRemoval {
    /// The team is removed.
    Removed,
    /// There is no such team.
    NotFound,
    /// The team has so many keys that can be used.
    HasKeys(i64),
}

impl Store {
    /// Stores a new team; `false` if there is one with its name.
    pub async fn add_team(&self, team: &StoredTeam) -> Result<bool, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        team_changes(&mut transaction).await?;
        let insert = sqlx::query(
            "INSERT INTO teams (name, allowance, user_allowance, created_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
        );
        let insert = insert
            .bind(&team.name)
            .bind(serde_json::to_string(&team.team.allowance)?)
            .bind(serde_json::to_string(&team.team.user)?)
            .bind(team.created_at);
        if insert.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        add_users(&mut transaction, team).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Finds a team.
    pub async fn team(&self, name: &str) -> Result<Option<StoredTeam>, StoreError> {
        let mut connection = self.pool().await?.acquire().await?;
        find(&mut connection, name).await
    }

    /// A page of the teams by name, after the team `after`.
    pub async fn teams(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredTeam>, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        let select =
            sqlx::query("SELECT * FROM teams WHERE $1 IS NULL OR name > $1 ORDER BY name LIMIT $2");
        let select = select.bind(after).bind(limit);
        let mut teams = Vec::new();
        for row in select.fetch_all(&mut *transaction).await? {
            teams.push(with_users(&mut transaction, &row).await?);
        }
        Ok(teams)
    }

    /// Changes a team, without changes by others in between; returns the team before and after, and
    /// `None` if there is no such team. The error of `change` leaves it as it is.
    pub async fn change_team<E>(
        &self,
        name: &str,
        change: impl FnOnce(&mut StoredTeam) -> Result<(), E>,
    ) -> Result<Option<Result<(StoredTeam, StoredTeam), E>>, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        team_changes(&mut transaction).await?;
        let Some(mut team) = find(&mut transaction, name).await? else {
            return Ok(None);
        };
        let before = team.clone();
        if let Err(error) = change(&mut team) {
            return Ok(Some(Err(error)));
        }
        let update =
            sqlx::query("UPDATE teams SET allowance = $2, user_allowance = $3 WHERE name = $1");
        let update = update
            .bind(name)
            .bind(serde_json::to_string(&team.team.allowance)?)
            .bind(serde_json::to_string(&team.team.user)?);
        update.execute(&mut *transaction).await?;
        let delete = sqlx::query("DELETE FROM team_users WHERE team = $1").bind(name);
        delete.execute(&mut *transaction).await?;
        add_users(&mut transaction, &team).await?;
        transaction.commit().await?;
        Ok(Some(Ok((before, team))))
    }

    /// Removes a team, unless it has keys that can be used at `now`.
    pub async fn remove_team(&self, name: &str, now: i64) -> Result<TeamRemoval, StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        team_changes(&mut transaction).await?;
        let select = sqlx::query_scalar(
            "SELECT COUNT(*) FROM keys WHERE team = $1 AND revoked_at IS NULL
               AND (expires_at IS NULL OR expires_at > $2)",
        );
        let select = select.bind(name).bind(now);
        let keys: i64 = select.fetch_one(&mut *transaction).await?;
        if keys > 0 {
            return Ok(TeamRemoval::HasKeys(keys));
        }
        let delete = sqlx::query("DELETE FROM teams WHERE name = $1").bind(name);
        if delete.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(TeamRemoval::NotFound);
        }
        transaction.commit().await?;
        Ok(TeamRemoval::Removed)
    }
}

/// All teams with their users.
pub(super) async fn all_teams(
    connection: &mut SqliteConnection,
) -> Result<Vec<StoredTeam>, StoreError> {
    let rows = sqlx::query("SELECT * FROM teams")
        .fetch_all(&mut *connection)
        .await?;
    let mut teams = Vec::with_capacity(rows.len());
    for row in rows {
        teams.push(with_users(connection, &row).await?);
    }
    Ok(teams)
}

async fn find(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<StoredTeam>, StoreError> {
    let select = sqlx::query("SELECT * FROM teams WHERE name = $1").bind(name);
    match select.fetch_optional(&mut *connection).await? {
        Some(row) => with_users(connection, &row).await.map(Some),
        None => Ok(None),
    }
}

async fn with_users(
    connection: &mut SqliteConnection,
    row: &SqliteRow,
) -> Result<StoredTeam, StoreError> {
    let name: String = row.try_get("name")?;
    let select = sqlx::query("SELECT name, allowance FROM team_users WHERE team = $1").bind(&name);
    let mut users = BTreeMap::new();
    for user in select.fetch_all(connection).await? {
        users.insert(user.try_get("name")?, decoded(&user, "allowance")?);
    }
    Ok(StoredTeam {
        team: Team {
            allowance: decoded(row, "allowance")?,
            user: decoded(row, "user_allowance")?,
            users,
        },
        created_at: row.try_get("created_at")?,
        name,
    })
}

async fn add_users(connection: &mut SqliteConnection, team: &StoredTeam) -> Result<(), StoreError> {
    for (name, allowance) in &team.team.users {
        let insert =
            sqlx::query("INSERT INTO team_users (team, name, allowance) VALUES ($1, $2, $3)");
        let insert = insert.bind(&team.name).bind(name);
        let insert = insert.bind(serde_json::to_string(allowance)?);
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::keys::tests::key;
    use super::super::scratch;
    use super::*;
    use crate::allowances::{Allowance, UsageAllowance};

    pub(crate) fn team(name: &str) -> StoredTeam {
        StoredTeam {
            name: name.to_owned(),
            team: Team {
                allowance: requests(60),
                users: BTreeMap::from([("alice".to_owned(), requests(10))]),
                ..Team::default()
            },
            created_at: 5,
        }
    }

    fn requests(per_minute: u32) -> Allowance {
        Allowance {
            usage: UsageAllowance {
                requests_per_minute: Some(per_minute),
                ..UsageAllowance::default()
            },
            ..Allowance::default()
        }
    }

    #[tokio::test]
    async fn teams_are_stored_with_their_users() {
        let store = scratch();
        for name in ["b", "a", "c"] {
            assert!(store.add_team(&team(name)).await.expect("added"));
        }
        assert!(
            !store.add_team(&team("a")).await.expect("a query"),
            "the name is in use"
        );
        assert_eq!(store.team("a").await.expect("a query"), Some(team("a")));
        assert_eq!(store.team("d").await.expect("a query"), None);
        let page = store.teams(Some("a"), 1).await.expect("a page");
        assert_eq!(page, [team("b")]);

        let change = |team: &mut StoredTeam| {
            team.team.users = BTreeMap::from([("bob".to_owned(), requests(20))]);
            team.team.user = requests(30);
            Ok::<_, ()>(())
        };
        let changed = store.change_team("a", change).await.expect("changed");
        let after = store.team("a").await.expect("a query").expect("the team");
        assert_eq!(changed, Some(Ok((team("a"), after))));
        let refused = store.change_team("b", |team| {
            team.team.users.clear();
            Err("no")
        });
        assert_eq!(refused.await.expect("a query"), Some(Err("no")));
        assert_eq!(store.team("b").await.expect("a query"), Some(team("b")));
        let absent = store.change_team("d", |_| Ok::<_, ()>(())).await;
        assert_eq!(absent.expect("a query"), None);
    }

    #[tokio::test]
    async fn a_team_with_keys_stays() {
        let store = scratch();
        store.add_team(&team("a")).await.expect("added");
        let mut of_team = key("key_1", "one");
        of_team.team = Some("a".to_owned());
        of_team.expires_at = Some(100);
        store.add_key(&of_team).await.expect("added");
        for (name, now, expected) in [
            ("a", 99, TeamRemoval::HasKeys(1)),
            ("a", 100, TeamRemoval::Removed),
            ("a", 100, TeamRemoval::NotFound),
        ] {
            let removal = store.remove_team(name, now).await.expect("a query");
            assert_eq!(removal, expected);
        }
        // Its users went with it.
        let mut again = team("a");
        again.team.users.clear();
        assert!(store.add_team(&again).await.expect("added"));
        assert_eq!(store.team("a").await.expect("a query"), Some(again));
    }
}
