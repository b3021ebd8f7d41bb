use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::audit::{Actor, AuditLog, Change};
use crate::allowances::Team;
use crate::config::Config;
use crate::identity::administration::{
    Administration, AdministrationError, CreatedKey, KeySettings, KeyView, NewKey, TeamView,
};
use crate::store::{Store, StoreError};

/// Changes of teams and keys by one actor, each of them with an entry in the audit log. Times are
/// Unix seconds.
#[derive(Debug)]
pub struct AuditedAdministration {
    administration: Administration,
    audit: AuditLog,
    actor: Actor,
}

/// What was changed.
#[derive(Debug)]
pub struct AuditedChange<T> {
    /// What it is now.
    pub value: T,
    /// Whether the change is in the audit log. It is done in any case.
    pub recorded: Result<(), StoreError>,
}

impl AuditedAdministration {
    /// Changes by `actor` of the teams and keys of `config` and `store`.
    pub fn new(config: &Config, store: &Arc<Store>, actor: Actor) -> Self {
        Self {
            administration: Administration::new(config, Arc::clone(store)),
            audit: AuditLog::new(Arc::clone(store)),
            actor,
        }
    }

    /// What reads teams and keys.
    pub fn read(&self) -> &Administration {
        &self.administration
    }

    /// Creates a team.
    pub async fn create_team(
        &self,
        name: &str,
        team: Team,
        now: i64,
    ) -> Result<AuditedChange<TeamView>, AdministrationError> {
        let created = self.administration.create_team(name, team, now).await?;
        Ok(self.team("team.create", None, created).await)
    }

    /// Changes a team. The error of `change` leaves it as it is.
    pub async fn change_team<E: From<AdministrationError>>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Team) -> Result<(), E>,
    ) -> Result<AuditedChange<TeamView>, E> {
        let (before, after) = self.administration.change_team(name, change).await?;
        Ok(self.team("team.update", Some(before), after).await)
    }

    /// Deletes a team that has no keys which can be used; returns what it was.
    pub async fn delete_team(
        &self,
        name: &str,
        now: i64,
    ) -> Result<AuditedChange<TeamView>, AdministrationError> {
        let before = self.administration.delete_team(name, now).await?;
        let recorded = self.record("team.delete", name, Some(&before), None).await;
        Ok(AuditedChange {
            value: before,
            recorded,
        })
    }

    /// Creates a key.
    pub async fn create_key(
        &self,
        new: NewKey,
        now: i64,
    ) -> Result<AuditedChange<CreatedKey>, AdministrationError> {
        let created = self.administration.create_key(new, now).await?;
        Ok(self.created_key("key.create", created).await)
    }

    /// Changes a key. The error of `change` leaves it as it is.
    pub async fn change_key<E: From<AdministrationError>>(
        &self,
        id_or_name: &str,
        change: impl FnOnce(&mut KeySettings) -> Result<(), E>,
        now: i64,
    ) -> Result<AuditedChange<KeyView>, E> {
        let changed = self.administration.change_key(id_or_name, change, now);
        let (before, after) = changed.await?;
        Ok(self.key("key.update", before, after).await)
    }

    /// Replaces a key. The replaced one is valid for `overlap`.
    pub async fn rotate_key(
        &self,
        id_or_name: &str,
        overlap: Duration,
        now: i64,
    ) -> Result<AuditedChange<CreatedKey>, AdministrationError> {
        let rotated = self.administration.rotate_key(id_or_name, overlap, now);
        Ok(self.created_key("key.rotate", rotated.await?).await)
    }

    /// Revokes a key.
    pub async fn revoke_key(
        &self,
        id_or_name: &str,
        now: i64,
    ) -> Result<AuditedChange<KeyView>, AdministrationError> {
        let (before, after) = self.administration.revoke_key(id_or_name, now).await?;
        if before == after {
            return Ok(AuditedChange {
                value: after,
                recorded: Ok(()),
            });
        }
        Ok(self.key("key.revoke", before, after).await)
    }

    async fn team(
        &self,
        action: &'static str,
        before: Option<TeamView>,
        after: TeamView,
    ) -> AuditedChange<TeamView> {
        let recorded = self.record(action, &after.name, before.as_ref(), Some(&after));
        AuditedChange {
            recorded: recorded.await,
            value: after,
        }
    }

    async fn key(
        &self,
        action: &'static str,
        before: KeyView,
        after: KeyView,
    ) -> AuditedChange<KeyView> {
        let recorded = self.record(action, &after.id, Some(&before), Some(&after));
        AuditedChange {
            recorded: recorded.await,
            value: after,
        }
    }

    async fn created_key(
        &self,
        action: &'static str,
        created: CreatedKey,
    ) -> AuditedChange<CreatedKey> {
        let CreatedKey {
            key: _,
            view,
            before,
        } = &created;
        let recorded = self.record(action, &view.id, before.as_ref(), Some(view));
        AuditedChange {
            recorded: recorded.await,
            value: created,
        }
    }

    async fn record<View: Serialize>(
        &self,
        action: &'static str,
        subject: &str,
        before: Option<&View>,
        after: Option<&View>,
    ) -> Result<(), StoreError> {
        let change = Change {
            action,
            subject,
            before,
            after,
        };
        self.audit.record(&self.actor, change).await
    }
}
