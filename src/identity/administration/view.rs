use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::allowances::{Allowance, Team};
use crate::config::{ChatOverrides, Guardrails, KeyEntry};
use crate::store::{StoredChatOverrides, StoredKey, StoredTeam};

/// A team, for people and scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamView {
    /// Its name.
    pub name: String,
    /// Who can change it.
    pub owner: Owner,
    /// What it may use.
    #[serde(flatten)]
    pub team: Team,
    /// When it was created; `None` in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// A key without its secret part, for people and scripts. Times are those of RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Its id, which does not change; in the configuration, its name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who can change it.
    pub owner: Owner,
    /// Whether it can be used.
    pub status: KeyStatus,
    /// The visible characters that it begins with; `None` in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Its team.
    pub team: Option<String>,
    /// The user within the team.
    pub user: Option<String>,
    /// What it may use.
    pub allowance: Allowance,
    /// Settings of its chat requests.
    pub chat: StoredChatOverrides,
    /// Tags for records of its requests.
    pub tags: BTreeMap<String, String>,
    /// When it was created; `None` in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When it expires.
    pub expires_at: Option<String>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<String>,
    /// The key before the last rotation, while it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousKeyView>,
}

/// A key of the configuration.
#[derive(Debug)]
pub(super) struct ConfiguredKey {
    view: KeyView,
    /// When it expires, in Unix seconds.
    expires_at: Option<i64>,
}

/// A key that was rotated, while it is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviousKeyView {
    /// The visible characters that it begins with.
    pub prefix: String,
    /// When it stops to be valid.
    pub until: String,
}

/// Who can change a team or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Whoever edits the configuration.
    Configuration,
    /// Commands and the admin API.
    Store,
}

/// Whether a key can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// The key can be used.
    Active,
    /// The key has expired.
    Expired,
    /// The key was revoked.
    Revoked,
}

impl TeamView {
    /// A team of the configuration.
    pub(super) fn of_configuration(name: &str, team: &Team) -> Self {
        Self {
            name: name.to_owned(),
            owner: Owner::Configuration,
            team: team.clone(),
            created_at: None,
        }
    }
}

impl From<StoredTeam> for TeamView {
    fn from(stored: StoredTeam) -> Self {
        let StoredTeam {
            name,
            team,
            created_at,
        } = stored;
        Self {
            name,
            owner: Owner::Store,
            team,
            created_at: Some(rfc3339(created_at)),
        }
    }
}

impl ConfiguredKey {
    /// The key of `entry`.
    pub(super) fn new(entry: &KeyEntry, guardrails: &Guardrails) -> Self {
        let grant = &entry.grant;
        let expires_at = grant.expires_at.map(unix_seconds);
        let view = KeyView {
            id: entry.caller.clone(),
            name: entry.caller.clone(),
            owner: Owner::Configuration,
            status: KeyStatus::Active,
            prefix: None,
            team: grant.team.clone(),
            user: grant.user.clone(),
            allowance: grant.allowance.clone(),
            chat: chat_view(&entry.chat, guardrails),
            tags: grant.tags.clone(),
            created_at: None,
            expires_at: expires_at.map(rfc3339),
            revoked_at: None,
            last_used_at: None,
            previous: None,
        };
        Self { view, expires_at }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.view.name
    }

    /// Its team.
    pub(super) fn team(&self) -> Option<&str> {
        self.view.team.as_deref()
    }

    /// The key at `now`.
    pub(super) fn at(&self, now: i64) -> KeyView {
        KeyView {
            status: KeyStatus::of(None, self.expires_at, now),
            ..self.view.clone()
        }
    }
}

impl KeyView {
    /// A key of the store at `now`.
    pub(super) fn of_store(key: StoredKey, now: i64) -> Self {
        let previous = key.previous.filter(|previous| previous.until > now);
        let status = KeyStatus::of(key.revoked_at, key.expires_at, now);
        Self {
            id: key.id,
            name: key.name,
            owner: Owner::Store,
            prefix: Some(key.prefix),
            team: key.team,
            user: key.user,
            allowance: key.allowance,
            chat: key.chat,
            tags: key.tags,
            created_at: Some(rfc3339(key.created_at)),
            expires_at: key.expires_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
            last_used_at: key.last_used_at.map(rfc3339),
            previous: previous
                .filter(|_| status == KeyStatus::Active)
                .map(|previous| PreviousKeyView {
                    prefix: previous.prefix,
                    until: rfc3339(previous.until),
                }),
            status,
        }
    }
}

impl KeyStatus {
    fn of(revoked_at: Option<i64>, expires_at: Option<i64>, now: i64) -> Self {
        match (revoked_at, expires_at) {
            (Some(_), _) => Self::Revoked,
            (None, Some(end)) if end <= now => Self::Expired,
            _ => Self::Active,
        }
    }

    /// The word for the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Owner {
    /// The word for the owner.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Store => "store",
        }
    }
}

/// A time in the format of RFC 3339.
pub(super) fn rfc3339(unix_seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(unix_seconds).ok();
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| unix_seconds.to_string())
}

fn unix_seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The settings of a configured key, with the name of its guardrail.
fn chat_view(chat: &ChatOverrides, guardrails: &Guardrails) -> StoredChatOverrides {
    let ChatOverrides {
        cache,
        truncate,
        max_tokens,
        max_tokens_ceiling,
        strict,
        guardrail,
    } = chat;
    let mut names = guardrails.iter();
    let guardrail = guardrail.as_ref().and_then(|policy| {
        let (name, _) = names.find(|(_, configured)| *configured == policy)?;
        Some(name.clone())
    });
    StoredChatOverrides {
        cache: *cache,
        truncate: truncate.map(|truncate| truncate.as_str().to_owned()),
        max_tokens: *max_tokens,
        max_tokens_ceiling: *max_tokens_ceiling,
        strict: *strict,
        guardrail,
    }
}
