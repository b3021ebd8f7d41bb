//! The audit log: who changed what, and when.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::resources::ids::stored_id;
use crate::store::{AuditEntry, Store, StoreError};

/// The maximum length of a name of an actor.
const MAX_ACTOR: usize = 128;

/// Who changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// The holder of a token of the store.
    pub(super) fn token(name: &str) -> Self {
        Self(format!("token {name}"))
    }

    /// The holder of the token of the configuration.
    pub(super) fn configured_token() -> Self {
        Self("token of the configuration".to_owned())
    }

    /// The user of a command, as the environment names it.
    pub fn command() -> Self {
        let user = ["SUDO_USER", "USER", "LOGNAME"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
        let user = user.unwrap_or_else(|| "unknown".to_owned());
        let user: String = user
            .chars()
            .filter(|character| !character.is_control())
            .take(MAX_ACTOR)
            .collect();
        Self(format!("command of {user}"))
    }

    /// The text of the audit log.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A change. What it changes is given as it is shown to operators, so that it has no secret.
#[derive(Debug)]
pub struct Change<'a, Before, After> {
    /// What was done, such as `key.create`.
    pub action: &'static str,
    /// The id or name of what was changed.
    pub subject: &'a str,
    /// What it was; `None` if it is new.
    pub before: Option<&'a Before>,
    /// What it is; `None` if it is gone.
    pub after: Option<&'a After>,
}

/// The audit log of a store.
#[derive(Debug, Clone)]
pub struct AuditLog(Arc<Store>);

impl AuditLog {
    /// The log in `store`.
    pub fn new(store: Arc<Store>) -> Self {
        Self(store)
    }

    /// Records a change that `actor` made. The change is done: if it cannot be recorded, it is
    /// logged as an error.
    pub async fn record<Before: Serialize, After: Serialize>(
        &self,
        actor: &Actor,
        change: Change<'_, Before, After>,
    ) -> Result<(), StoreError> {
        let Change {
            action,
            subject,
            before,
            after,
        } = change;
        let entry = AuditEntry {
            id: stored_id("aud_"),
            at: unix_now(),
            actor: actor.0.clone(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            before: before.map(serde_json::to_string).transpose()?,
            after: after.map(serde_json::to_string).transpose()?,
        };
        tracing::info!(
            actor = entry.actor,
            action,
            subject,
            "changed by an operator"
        );
        let added = self.0.add_audit(&entry).await;
        added.inspect_err(|error| {
            tracing::error!(%error, actor = entry.actor, action, subject, "a change is not in the audit log");
        })
    }

    /// At most `limit` entries, newest first.
    pub async fn entries(
        &self,
        before: Option<&str>,
        subject: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.0.audit(before, subject, limit).await
    }
}

/// The time in Unix seconds.
pub(super) fn unix_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.ok()
        .and_then(|now| i64::try_from(now.as_secs()).ok())
        .unwrap_or_default()
}
