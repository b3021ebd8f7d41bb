use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::snapshot::{FOREVER, KeySnapshot, KeyState};
use crate::allowances::{Allowance, Level, LevelAllowance, Organization};
use crate::config::{ChatOverrides, Config, Guardrails, KeyDigest, Truncate};
use crate::identity::caller::CallerProfile;
use crate::limits::LimitRegistry;
use crate::store::{IdentityRow, StoredChatOverrides, StoredKey, StoredTeam};
use crate::usage::Principal;

/// What the configuration states about callers.
#[derive(Debug)]
pub(super) struct Configuration {
    /// The keys.
    pub(super) keys: Arc<KeySnapshot>,
    guardrails: Guardrails,
    /// The meters of limits.
    pub(super) limits: Arc<LimitRegistry>,
}

impl Configuration {
    /// The callers of `config`.
    pub(super) fn of(config: &Config, limits: Arc<LimitRegistry>) -> Self {
        Self {
            keys: Arc::new(KeySnapshot::of_configuration(
                &config.keys,
                &config.organization,
                &limits,
            )),
            guardrails: config.guardrails.clone(),
            limits,
        }
    }
}

/// Makes the next snapshot of rows of the store. Keys of the same team and user share what they have
/// in common.
#[derive(Debug)]
pub(super) struct SnapshotBuilder<'a> {
    configuration: &'a Configuration,
    /// The teams of the configuration and of the store.
    organization: Arc<Organization>,
    /// The snapshot, if all keys follow.
    complete: Option<KeySnapshot>,
    /// The changed keys otherwise.
    changed: Vec<StoredKey>,
    owners: HashMap<(Option<String>, Option<String>), Owner>,
    /// The first key that cannot be used, and their number.
    unusable: Option<(String, usize)>,
}

/// What keys of the same team and user have in common.
#[derive(Debug, Clone)]
struct Owner {
    team: Option<Arc<str>>,
    user: Option<Arc<str>>,
    levels: Vec<LevelAllowance>,
}

impl<'a> SnapshotBuilder<'a> {
    /// A snapshot with changed keys of the teams of `organization`, unless rows of all teams and
    /// keys follow.
    pub(super) fn new(configuration: &'a Configuration, organization: Arc<Organization>) -> Self {
        Self {
            configuration,
            organization,
            complete: None,
            changed: Vec::new(),
            owners: HashMap::new(),
            unusable: None,
        }
    }

    /// Takes the next row.
    pub(super) fn read(&mut self, row: IdentityRow) {
        match row {
            IdentityRow::All => {
                self.organization = Arc::clone(&self.configuration.keys.organization);
                self.complete = Some(KeySnapshot::clone(&self.configuration.keys));
            }
            // What the file names, it owns.
            IdentityRow::Team(team) => {
                let StoredTeam { name, team, .. } = *team;
                let organization = Arc::make_mut(&mut self.organization);
                organization.teams.entry(name).or_insert(team);
            }
            IdentityRow::Key(key) => match self.complete.take() {
                Some(mut snapshot) => {
                    self.add(&mut snapshot, &key);
                    self.complete = Some(snapshot);
                }
                None => self.changed.push(*key),
            },
        }
    }

    /// The snapshot after `current`. `has_keys` is whether a key has ever been in the store.
    pub(super) fn finish(mut self, current: &KeySnapshot, has_keys: bool) -> KeySnapshot {
        let mut snapshot = match self.complete.take() {
            Some(snapshot) => snapshot,
            None => {
                let mut snapshot = current.clone();
                let changed = std::mem::take(&mut self.changed);
                snapshot.remove(&changed);
                for key in &changed {
                    self.add(&mut snapshot, key);
                }
                snapshot
            }
        };
        snapshot.has_stored_keys = has_keys || current.has_stored_keys;
        snapshot.organization = Arc::clone(&self.organization);
        if let Some((first, count)) = &self.unusable {
            tracing::error!(
                key = first.as_str(),
                count,
                "requests with keys are refused whose guardrail is not configured; add it under \
                 `[guardrails]`, or revoke the keys"
            );
        }
        snapshot
    }

    /// Adds a key, unless it is revoked.
    fn add(&mut self, snapshot: &mut KeySnapshot, key: &StoredKey) {
        if key.revoked_at.is_some() {
            return;
        }
        let profile = self.profile(key);
        if let Some(profile) = &profile {
            snapshot.add_caller(profile);
        } else {
            let (_, count) = self.unusable.get_or_insert((key.id.clone(), 0));
            *count += 1;
        }
        let end = key.expires_at.unwrap_or(FOREVER);
        let previous = key.previous.as_ref();
        let previous = previous.map(|previous| (previous.digest, previous.until.min(end)));
        for (digest, until) in [(key.digest, end)].into_iter().chain(previous) {
            let state = match &profile {
                Some(profile) => KeyState::Usable {
                    profile: Arc::clone(profile),
                    until,
                },
                None => KeyState::Unusable(key.id.as_str().into()),
            };
            snapshot.add(KeyDigest::from(digest.0), state);
        }
    }

    /// `None` for a key that cannot be used.
    fn profile(&mut self, key: &StoredKey) -> Option<Arc<CallerProfile>> {
        let chat = chat_overrides(&key.chat, &self.configuration.guardrails)?;
        let organization = &self.organization;
        let owner = (key.team.clone(), key.user.clone());
        let owner = self
            .owners
            .entry(owner)
            .or_insert_with_key(|(team, user)| Owner {
                team: team.as_deref().map(Arc::from),
                user: user.as_deref().map(Arc::from),
                levels: organization.levels(team.as_deref(), user.as_deref()),
            });
        let id: Arc<str> = key.id.as_str().into();
        let own = (key.allowance != Allowance::default()).then(|| LevelAllowance {
            level: Level::Key,
            name: Arc::clone(&id),
            allowance: Arc::new(key.allowance.clone()),
        });
        let mut levels = Vec::with_capacity(owner.levels.len() + usize::from(own.is_some()));
        levels.extend(owner.levels.iter().cloned());
        levels.extend(own);
        let expires_at = key.expires_at.and_then(|end| {
            let end = Duration::from_secs(u64::try_from(end).ok()?);
            UNIX_EPOCH.checked_add(end)
        });
        let profile = CallerProfile {
            principal: Arc::new(Principal {
                key_id: Some(Arc::clone(&id)),
                id,
                name: key.name.as_str().into(),
                team: owner.team.clone(),
                user: owner.user.clone(),
                tags: key.tags.clone(),
            }),
            expires_at,
            levels,
            limits: None,
            chat,
        };
        Some(Arc::new(profile.limited_by(&self.configuration.limits)))
    }
}

/// The settings of a key; `None` if its guardrail does not exist.
fn chat_overrides(stored: &StoredChatOverrides, guardrails: &Guardrails) -> Option<ChatOverrides> {
    let StoredChatOverrides {
        cache,
        truncate,
        max_tokens,
        max_tokens_ceiling,
        strict,
        guardrail,
    } = stored;
    let guardrail = match guardrail {
        Some(name) => Some(guardrails.get(name)?.clone()),
        None => None,
    };
    Some(ChatOverrides {
        cache: *cache,
        truncate: truncate.as_deref().and_then(Truncate::parse),
        max_tokens: *max_tokens,
        max_tokens_ceiling: *max_tokens_ceiling,
        strict: *strict,
        guardrail,
    })
}
