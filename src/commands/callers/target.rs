//! What commands work on: the store directly, or a gateway's admin API. A command does not know
//! which of them it is.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use time::OffsetDateTime;

use super::CommandError;
use crate::admin::{Actor, AdminClient, AuditedAdministration, AuditedChange, CreatedKeyBody};
use crate::allowances::Team;
use crate::config::Config;
use crate::identity::administration::{
    BudgetFilter, BudgetView, KeyFilter, KeySettings, KeyView, NewKey, TeamView,
};
use crate::store::Store;

/// Teams and keys.
pub(super) enum Callers {
    /// Those of a configuration and its store.
    Store(Box<StoredCallers>),
    /// Those of a gateway.
    Api(Box<AdminClient>),
}

/// Teams and keys of a configuration and its store.
pub(super) struct StoredCallers {
    store: Arc<Store>,
    administration: AuditedAdministration,
}

type Result<T> = std::result::Result<T, CommandError>;

impl Callers {
    /// Those of `config` and its store.
    pub(super) fn of_store(config: &Config) -> Self {
        let store = Arc::new(Store::at(&config.store.path));
        Self::Store(Box::new(StoredCallers {
            administration: AuditedAdministration::new(config, &store, Actor::command()),
            store,
        }))
    }

    /// Completes pending writes.
    pub(super) async fn close(&self) {
        match self {
            Self::Store(stored) => stored.store.close().await,
            Self::Api(_) => {}
        }
    }

    /// All teams by name.
    pub(super) async fn teams(&self) -> Result<Vec<TeamView>> {
        Ok(match self {
            Self::Store(stored) => stored.administration.read().teams().await?,
            Self::Api(client) => client.teams().await?,
        })
    }

    /// Finds a team.
    pub(super) async fn team(&self, name: &str) -> Result<TeamView> {
        Ok(match self {
            Self::Store(stored) => stored.administration.read().team(name).await?,
            Self::Api(client) => client.team(name).await?,
        })
    }

    /// Creates a team.
    pub(super) async fn create_team(&self, name: &str, team: Team) -> Result<TeamView> {
        Ok(match self {
            Self::Store(stored) => {
                let created = stored.administration.create_team(name, team, now());
                done(created.await?)
            }
            Self::Api(client) => client.create_team(name, &team).await?,
        })
    }

    /// Changes a team. The error of `change` leaves it as it is.
    pub(super) async fn change_team(
        &self,
        name: &str,
        change: impl FnOnce(&mut Team) -> Result<()>,
    ) -> Result<TeamView> {
        Ok(match self {
            Self::Store(stored) => done(stored.administration.change_team(name, change).await?),
            Self::Api(client) => client.change_team(name, change).await?,
        })
    }

    /// Deletes a team that has no keys which can be used.
    pub(super) async fn delete_team(&self, name: &str) -> Result<TeamView> {
        Ok(match self {
            Self::Store(stored) => done(stored.administration.delete_team(name, now()).await?),
            Self::Api(client) => client.delete_team(name).await?,
        })
    }

    /// The keys of a choice.
    pub(super) async fn keys(&self, filter: KeyFilter<'_>) -> Result<Vec<KeyView>> {
        Ok(match self {
            Self::Store(stored) => stored.administration.read().keys(filter, now()).await?,
            Self::Api(client) => client.keys(filter).await?,
        })
    }

    /// Finds a key.
    pub(super) async fn key(&self, id_or_name: &str) -> Result<KeyView> {
        Ok(match self {
            Self::Store(stored) => stored.administration.read().key(id_or_name, now()).await?,
            Self::Api(client) => client.key(id_or_name).await?,
        })
    }

    /// The budgets of a choice, and what is left of them.
    pub(super) async fn budgets(&self, filter: BudgetFilter<'_>) -> Result<Vec<BudgetView>> {
        Ok(match self {
            Self::Store(stored) => {
                let administration = stored.administration.read();
                administration.budgets(filter, Timestamp::now()).await?
            }
            Self::Api(client) => client.budgets(filter).await?,
        })
    }

    /// Creates a key.
    pub(super) async fn create_key(&self, new: NewKey) -> Result<CreatedKeyBody> {
        Ok(match self {
            Self::Store(stored) => {
                let created = stored.administration.create_key(new, now());
                done(created.await?).into()
            }
            Self::Api(client) => client.create_key(new).await?,
        })
    }

    /// Changes a key. The error of `change` leaves it as it is.
    pub(super) async fn change_key(
        &self,
        id_or_name: &str,
        change: impl FnOnce(&mut KeySettings) -> Result<()>,
    ) -> Result<KeyView> {
        Ok(match self {
            Self::Store(stored) => {
                let changed = stored.administration.change_key(id_or_name, change, now());
                done(changed.await?)
            }
            Self::Api(client) => client.change_key(id_or_name, change).await?,
        })
    }

    /// Replaces a key. The replaced one is valid for `overlap`.
    pub(super) async fn rotate_key(
        &self,
        id_or_name: &str,
        overlap: Duration,
    ) -> Result<CreatedKeyBody> {
        Ok(match self {
            Self::Store(stored) => {
                let rotated = stored.administration.rotate_key(id_or_name, overlap, now());
                done(rotated.await?).into()
            }
            Self::Api(client) => client.rotate_key(id_or_name, overlap).await?,
        })
    }

    /// Revokes a key.
    pub(super) async fn revoke_key(&self, id_or_name: &str) -> Result<KeyView> {
        Ok(match self {
            Self::Store(stored) => {
                let revoked = stored.administration.revoke_key(id_or_name, now());
                done(revoked.await?)
            }
            Self::Api(client) => client.revoke_key(id_or_name).await?,
        })
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// What was changed, with a warning if the change could not be recorded.
fn done<T>(AuditedChange { value, recorded }: AuditedChange<T>) -> T {
    if let Err(error) = recorded {
        eprintln!("outcrop: the change is done, but not in the audit log: {error}");
    }
    value
}
