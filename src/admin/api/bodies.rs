//! The JSON of requests and responses that the admin API and its clients have in common.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::AdminError;
use super::super::tokens::rfc3339;
use super::request::expiry;
use crate::allowances::{Allowance, Team};
use crate::identity::administration::{CreatedKey, KeySettings, KeyView};
use crate::store::StoredChatOverrides;

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::admin) struct Page<T> {
    /// The items.
    pub(in crate::admin) data: Vec<T>,
    /// Whether there are more after the last one.
    pub(in crate::admin) has_more: bool,
}

/// A team to create.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct NewTeam<'a> {
    /// Its name, which identifies it.
    #[schema(min_length = 1, max_length = 64)]
    pub(in crate::admin) name: &'a str,
    /// What the team and its users may use.
    #[serde(flatten)]
    pub(in crate::admin) team: &'a Team,
}

/// A key to create.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::admin) struct NewKeyBody {
    /// Its name, which no other key may have.
    #[schema(min_length = 1, max_length = 128)]
    pub(in crate::admin) name: String,
    /// Its team, of the store or of the configuration.
    pub(in crate::admin) team: Option<String>,
    /// The user within the team.
    pub(in crate::admin) user: Option<String>,
    /// What it may use.
    #[serde(default)]
    pub(in crate::admin) allowance: Allowance,
    /// Settings of its chat requests.
    #[serde(default)]
    pub(in crate::admin) chat: StoredChatOverrides,
    /// Tags for the records of its requests.
    #[serde(default)]
    pub(in crate::admin) tags: BTreeMap<String, String>,
    /// When it expires, as RFC 3339 has it; never without.
    #[schema(format = DateTime)]
    pub(in crate::admin) expires_at: Option<String>,
}

/// What can be changed of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct KeySettingsBody {
    /// What it may use.
    pub(in crate::admin) allowance: Allowance,
    /// Settings of its chat requests.
    pub(in crate::admin) chat: StoredChatOverrides,
    /// Tags for the records of its requests.
    pub(in crate::admin) tags: BTreeMap<String, String>,
    /// When it expires, as RFC 3339 has it; `None` for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::admin) expires_at: Option<String>,
}

/// How a key is rotated.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::admin) struct RotationBody {
    /// For how many seconds the replaced key stays valid; 0 ends it at once.
    #[schema(maximum = 7_776_000)]
    pub(in crate::admin) overlap_seconds: u64,
}

/// A key that was created or rotated.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct CreatedKeyBody {
    /// The key itself, which is shown only now.
    pub key: String,
    /// What is stored.
    #[serde(flatten)]
    pub view: KeyView,
}

impl From<CreatedKey> for CreatedKeyBody {
    fn from(created: CreatedKey) -> Self {
        let CreatedKey { key, view, .. } = created;
        Self {
            key: key.expose().to_owned(),
            view,
        }
    }
}

impl fmt::Debug for CreatedKeyBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CreatedKeyBody({}, ..)", self.view.id)
    }
}

impl<T> Page<T> {
    /// A page of `limit` items. `items` has one more if it is not the last page.
    pub(super) fn of(mut items: Vec<T>, limit: u32) -> Self {
        let has_more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Self {
            data: items,
            has_more,
        }
    }
}

impl KeySettingsBody {
    /// The settings of a key.
    pub(in crate::admin) fn of_settings(settings: &KeySettings) -> Self {
        let KeySettings {
            allowance,
            chat,
            tags,
            expires_at,
        } = settings.clone();
        Self {
            allowance,
            chat,
            tags,
            expires_at: expires_at.map(rfc3339),
        }
    }

    /// The settings of a key that was read.
    pub(in crate::admin) fn of_view(view: &KeyView) -> Self {
        Self {
            allowance: view.allowance.clone(),
            chat: view.chat.clone(),
            tags: view.tags.clone(),
            expires_at: view.expires_at.clone(),
        }
    }

    /// The settings; the error names the field.
    pub(in crate::admin) fn settings(self) -> Result<KeySettings, AdminError> {
        let Self {
            allowance,
            chat,
            tags,
            expires_at,
        } = self;
        Ok(KeySettings {
            allowance,
            chat,
            tags,
            expires_at: expiry(expires_at.as_deref())?,
        })
    }
}
