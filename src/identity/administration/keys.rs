use std::collections::BTreeMap;
use std::time::Duration;

use super::checks;
use super::error::Subject::{Key as KEY, Team as TEAM};
use super::view::rfc3339;
use super::{Administration, AdministrationError, KeyView};
use crate::allowances::{Allowance, check_user_name};
use crate::identity::keys::IssuedKey;
use crate::resources::ids::stored_id;
use crate::store::{KeyPage, PreviousKey, StoredChatOverrides, StoredDigest, StoredKey};

/// Keys that are read at a time.
const PAGE: u32 = 1000;

/// A key to create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewKey {
    /// Its name, which no other key may have.
    pub name: String,
    /// Its team, of the store or of the configuration.
    pub team: Option<String>,
    /// The user within the team.
    pub user: Option<String>,
    /// What can be changed later.
    pub settings: KeySettings,
}

/// What can be changed of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySettings {
    /// What it may use.
    pub allowance: Allowance,
    /// Settings of its chat requests.
    pub chat: StoredChatOverrides,
    /// Tags for records of its requests.
    pub tags: BTreeMap<String, String>,
    /// When it expires; `None` for never.
    pub expires_at: Option<i64>,
}

/// A key that was created or rotated. The key itself is known only now.
#[derive(Debug)]
pub struct CreatedKey {
    /// The key itself.
    pub key: IssuedKey,
    /// What is stored.
    pub view: KeyView,
    /// What was stored before a rotation.
    pub before: Option<KeyView>,
}

/// A choice of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyFilter<'a> {
    /// Only keys of this team.
    pub team: Option<&'a str>,
    /// Whether revoked keys are included.
    pub with_revoked: bool,
}

impl Administration {
    /// Creates a key.
    pub async fn create_key(
        &self,
        new: NewKey,
        now: i64,
    ) -> Result<CreatedKey, AdministrationError> {
        let NewKey {
            name,
            team,
            user,
            settings,
        } = new;
        checks::key_name(&name)?;
        if self.keys.iter().any(|key| key.name() == name) {
            return Err(AdministrationError::OwnedByFile(KEY, name));
        }
        if let Some(user) = &user {
            check_user_name(user).map_err(|remedy| {
                AdministrationError::invalid("user", "not a valid name", remedy)
            })?;
        }
        if let Some(team) = &team {
            self.require_team(team).await?;
        }
        self.check_settings(&settings)?;
        checks::expires_at(settings.expires_at, now)?;
        let key = IssuedKey::generate()?;
        let KeySettings {
            allowance,
            chat,
            tags,
            expires_at,
        } = settings;
        let stored = StoredKey {
            id: stored_id("key_"),
            name,
            prefix: key.prefix().to_owned(),
            digest: StoredDigest(key.digest().bytes()),
            team,
            user,
            allowance,
            chat,
            tags,
            created_at: now,
            expires_at,
            revoked_at: None,
            previous: None,
            last_used_at: None,
        };
        match self.store.add_key(&stored).await? {
            true => Ok(CreatedKey {
                key,
                view: KeyView::of_store(stored, now),
                before: None,
            }),
            false => Err(AdministrationError::NameInUse(KEY, stored.name)),
        }
    }

    /// The keys of a choice, those of the configuration first.
    pub async fn keys(
        &self,
        filter: KeyFilter<'_>,
        now: i64,
    ) -> Result<Vec<KeyView>, AdministrationError> {
        let mut keys: Vec<KeyView> = Vec::new();
        loop {
            let after = keys.last().map(|key| key.id.clone());
            let page = self.key_page(filter, after.as_deref(), PAGE, now).await?;
            let is_last = page.len() < PAGE as usize;
            keys.extend(page);
            if is_last {
                return Ok(keys);
            }
        }
    }

    /// At most `limit` keys of a choice, those after the key with the id `after` if there is one.
    pub async fn key_page(
        &self,
        filter: KeyFilter<'_>,
        after: Option<&str>,
        limit: u32,
        now: i64,
    ) -> Result<Vec<KeyView>, AdministrationError> {
        let position = after.and_then(|id| self.keys.iter().position(|key| key.name() == id));
        let (skipped, after) = match position {
            Some(position) => (position + 1, None),
            None if after.is_some() => (self.keys.len(), after),
            None => (0, None),
        };
        let configured = self.keys.iter().skip(skipped);
        let configured =
            configured.filter(|key| filter.team.is_none() || key.team() == filter.team);
        let configured = configured.take(limit as usize);
        let mut keys: Vec<KeyView> = configured.map(|key| key.at(now)).collect();
        let rest = limit.saturating_sub(u32::try_from(keys.len()).unwrap_or(limit));
        // Reading does not create the file.
        if rest > 0 && self.store.exists() {
            let page = KeyPage {
                team: filter.team,
                with_revoked: filter.with_revoked,
                after,
                limit: rest,
            };
            let stored = self.store.keys(page).await?.into_iter();
            keys.extend(stored.map(|key| KeyView::of_store(key, now)));
        }
        Ok(keys)
    }

    /// Finds a key by its id, or by its name if it is not revoked.
    pub async fn key(&self, id_or_name: &str, now: i64) -> Result<KeyView, AdministrationError> {
        if let Some(key) = self.keys.iter().find(|key| key.name() == id_or_name) {
            return Ok(key.at(now));
        }
        match self.store.exists() {
            true => self.store.key(id_or_name).await?,
            false => None,
        }
        .map(|key| KeyView::of_store(key, now))
        .ok_or_else(|| not_found(id_or_name))
    }

    /// Changes the settings of a key that is not revoked; returns the key before and after. The
    /// error of `change` leaves it as it is.
    pub async fn change_key<E: From<AdministrationError>>(
        &self,
        id_or_name: &str,
        change: impl FnOnce(&mut KeySettings) -> Result<(), E>,
        now: i64,
    ) -> Result<(KeyView, KeyView), E> {
        self.change(id_or_name, now, |key| {
            let mut settings = KeySettings {
                allowance: key.allowance.clone(),
                chat: key.chat.clone(),
                tags: key.tags.clone(),
                expires_at: key.expires_at,
            };
            change(&mut settings)?;
            self.check_settings(&settings)?;
            if settings.expires_at != key.expires_at {
                checks::expires_at(settings.expires_at, now)?;
            }
            key.allowance = settings.allowance;
            key.chat = settings.chat;
            key.tags = settings.tags;
            key.expires_at = settings.expires_at;
            Ok(())
        })
        .await
    }

    /// Replaces a key by a new one with the same id. The replaced one is valid for `overlap`.
    pub async fn rotate_key(
        &self,
        id_or_name: &str,
        overlap: Duration,
        now: i64,
    ) -> Result<CreatedKey, AdministrationError> {
        let new = IssuedKey::generate()?;
        let (prefix, digest) = (new.prefix().to_owned(), StoredDigest(new.digest().bytes()));
        let rotated = self.change(id_or_name, now, |key| {
            if key.expires_at.is_some_and(|end| end <= now) {
                return Err(AdministrationError::Conflict(format!(
                    "key `{}` has expired; create another one",
                    key.name
                )));
            }
            if let Some(previous) = &key.previous
                && previous.until > now
                && !overlap.is_zero()
            {
                return Err(AdministrationError::Conflict(format!(
                    "key `{}` was rotated, and the one before is valid until {}; rotate it \
                     afterwards, or without an overlap, which ends both at once",
                    key.name,
                    rfc3339(previous.until)
                )));
            }
            let seconds = i64::try_from(overlap.as_secs()).unwrap_or(i64::MAX);
            let previous = PreviousKey {
                prefix: std::mem::replace(&mut key.prefix, prefix),
                digest: std::mem::replace(&mut key.digest, digest),
                until: now.saturating_add(seconds),
            };
            key.previous = Some(previous).filter(|_| !overlap.is_zero());
            Ok(())
        });
        let (before, view) = rotated.await?;
        Ok(CreatedKey {
            key: new,
            view,
            before: Some(before),
        })
    }

    /// Revokes a key, and the one before its rotation; returns the key before and after. A revoked
    /// key stays as it is.
    pub async fn revoke_key(
        &self,
        id_or_name: &str,
        now: i64,
    ) -> Result<(KeyView, KeyView), AdministrationError> {
        if self.store.exists()
            && let Some(key) = self.store.key(id_or_name).await?
            && key.revoked_at.is_some()
        {
            let view = KeyView::of_store(key, now);
            return Ok((view.clone(), view));
        }
        self.change(id_or_name, now, |key| {
            key.revoked_at = Some(now);
            Ok(())
        })
        .await
    }

    /// Changes a key that is not revoked; returns the key before and after.
    async fn change<E: From<AdministrationError>>(
        &self,
        id_or_name: &str,
        now: i64,
        change: impl FnOnce(&mut StoredKey) -> Result<(), E>,
    ) -> Result<(KeyView, KeyView), E> {
        if self.keys.iter().any(|key| key.name() == id_or_name) {
            let error = AdministrationError::OwnedByFile(KEY, id_or_name.to_owned());
            return Err(error.into());
        }
        let changed = self.store.change_key(id_or_name, |key| {
            if key.revoked_at.is_some() {
                let error = AdministrationError::Conflict(format!(
                    "key `{}` is revoked, for good; create another one",
                    key.id
                ));
                return Err(error.into());
            }
            change(key)
        });
        let changed = changed.await.map_err(AdministrationError::from)?;
        let (before, after) = changed.ok_or_else(|| not_found(id_or_name))??;
        Ok((
            KeyView::of_store(before, now),
            KeyView::of_store(after, now),
        ))
    }

    async fn require_team(&self, team: &str) -> Result<(), AdministrationError> {
        match self.teams.contains_key(team) || self.store.team(team).await?.is_some() {
            true => Ok(()),
            false => Err(AdministrationError::NotFound(TEAM, team.to_owned())),
        }
    }

    fn check_settings(&self, settings: &KeySettings) -> Result<(), AdministrationError> {
        let KeySettings {
            allowance,
            chat,
            tags,
            expires_at: _,
        } = settings;
        checks::allowance("allowance", allowance)?;
        checks::chat(chat, &self.guardrails)?;
        checks::tags(tags)
    }
}

fn not_found(id_or_name: &str) -> AdministrationError {
    AdministrationError::NotFound(KEY, id_or_name.to_owned())
}
