use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::allowances::Organization;
use crate::config::{AccessKey, KeyDigest, KeyEntry};
use crate::identity::caller::{Caller, CallerProfile};
use crate::limits::LimitRegistry;
use crate::store::StoredKey;
use crate::usage::Identity;

/// The keys of the configuration and of the store at one moment. It never changes, so that requests
/// look keys up without a lock.
#[derive(Debug, Clone, Default)]
pub(in crate::identity) struct KeySnapshot {
    by_digest: HashMap<KeyDigest, KeyState>,
    by_id: HashMap<Arc<str>, Arc<CallerProfile>>,
    by_access_key: HashMap<String, (Caller, AccessKey)>,
    /// The organization with the teams of the configuration and of the store.
    pub(super) organization: Arc<Organization>,
    has_configured_keys: bool,
    /// Whether a key has ever been in the store.
    pub(super) has_stored_keys: bool,
}

/// What is known about a key.
#[derive(Debug, Clone)]
pub(super) enum KeyState {
    /// The key works before `until`, in Unix seconds.
    Usable {
        profile: Arc<CallerProfile>,
        until: i64,
    },
    /// A setting of the stored key with this id needs something that the configuration no longer
    /// has.
    Unusable(Arc<str>),
}

/// The `until` of keys that do not expire.
pub(super) const FOREVER: i64 = i64::MAX;

/// The result of looking a key up.
#[derive(Debug)]
pub(in crate::identity) enum KeyLookup<'a> {
    /// The key works.
    Usable(&'a Arc<CallerProfile>),
    /// The key has expired, or was replaced by another one.
    Expired,
    /// The operator has to correct the settings of the key.
    Unusable,
    /// There is no such key.
    Unknown,
}

impl KeySnapshot {
    /// The keys of the configuration.
    pub(in crate::identity) fn of_configuration(
        keys: &[KeyEntry],
        organization: &Organization,
        limits: &LimitRegistry,
    ) -> Self {
        let mut snapshot = Self {
            organization: Arc::new(organization.clone()),
            has_configured_keys: !keys.is_empty(),
            ..Self::default()
        };
        for key in keys {
            let profile = CallerProfile::of_key(key, organization);
            let profile = Arc::new(profile.limited_by(limits));
            if let Some(access_key) = &key.access_key {
                let caller = Caller::new(Arc::clone(&profile), Some(Identity::Signature));
                let entry = (caller, access_key.clone());
                snapshot.by_access_key.insert(access_key.id.clone(), entry);
            }
            let until = profile.expires_at.map_or(FOREVER, unix_seconds);
            snapshot.add_caller(&profile);
            snapshot.add(key.digest, KeyState::Usable { profile, until });
        }
        snapshot
    }

    /// Looks up the key with this digest. The lookup takes the same time for every wrong key.
    pub(in crate::identity) fn find(&self, digest: &KeyDigest) -> KeyLookup<'_> {
        match self.by_digest.get(digest) {
            // Reading the clock is only worth it for keys that expire.
            Some(KeyState::Usable { until, .. })
                if *until != FOREVER && *until <= unix_seconds(SystemTime::now()) =>
            {
                KeyLookup::Expired
            }
            Some(KeyState::Usable { profile, .. }) => KeyLookup::Usable(profile),
            Some(KeyState::Unusable(_)) => KeyLookup::Unusable,
            None => KeyLookup::Unknown,
        }
    }

    /// The caller with this id.
    pub(in crate::identity) fn of_id(&self, id: &str) -> Option<&Arc<CallerProfile>> {
        self.by_id.get(id)
    }

    /// The caller with this access key.
    pub(in crate::identity) fn of_access_key(&self, id: &str) -> Option<&(Caller, AccessKey)> {
        self.by_access_key.get(id)
    }

    /// Whether there are keys. A gateway that has had keys of the store never serves requests
    /// without one.
    pub(in crate::identity) fn has_keys(&self) -> bool {
        self.has_configured_keys || self.has_stored_keys
    }

    /// Whether a key has ever been in the store.
    pub(in crate::identity) fn has_stored_keys(&self) -> bool {
        self.has_stored_keys
    }

    /// The organization with the teams of the configuration and of the store.
    pub(in crate::identity) fn organization(&self) -> &Arc<Organization> {
        &self.organization
    }

    /// These keys, and those of the store that `other` has.
    pub(super) fn with_stored_keys_of(&self, other: &Self) -> Self {
        let mut snapshot = self.clone();
        snapshot.has_stored_keys = other.has_stored_keys;
        for (digest, state) in &other.by_digest {
            let is_stored = match state {
                KeyState::Usable { profile, .. } => profile.principal.key_id.is_some(),
                KeyState::Unusable(_) => true,
            };
            if is_stored {
                snapshot.add(*digest, state.clone());
            }
        }
        let stored = other.by_id.values();
        for profile in stored.filter(|profile| profile.principal.key_id.is_some()) {
            snapshot.add_caller(profile);
        }
        snapshot
    }

    /// Adds a key, unless the configuration has the same one.
    pub(super) fn add(&mut self, digest: KeyDigest, state: KeyState) {
        self.by_digest.entry(digest).or_insert(state);
    }

    /// Adds the owner of a key.
    pub(super) fn add_caller(&mut self, profile: &Arc<CallerProfile>) {
        let id = Arc::clone(&profile.principal.id);
        self.by_id.entry(id).or_insert_with(|| Arc::clone(profile));
    }

    /// Removes stored keys.
    pub(super) fn remove(&mut self, keys: &[StoredKey]) {
        let ids: HashSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        let stays = |profile: &CallerProfile| match profile.principal.key_id.as_deref() {
            Some(id) => !ids.contains(id),
            None => true,
        };
        self.by_digest.retain(|_, state| match state {
            KeyState::Usable { profile, .. } => stays(profile),
            KeyState::Unusable(id) => !ids.contains(&**id),
        });
        self.by_id.retain(|_, profile| stays(profile));
    }
}

/// A point in time in whole Unix seconds.
fn unix_seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(FOREVER)
}
