use std::sync::Arc;
use std::time::SystemTime;

use crate::allowances::{Level, LevelAllowance, Organization, add_level};
use crate::config::{ChatOverrides, KeyEntry, ResponseOwner};
use crate::limits::{CallerLimits, LimitRegistry};
use crate::usage::{Identity, Principal};

/// A caller: who it is, how it has authenticated, and what it may do.
#[derive(Debug, Clone)]
pub struct Caller {
    profile: Arc<CallerProfile>,
    identity: Option<Identity>,
}

/// What is known about a caller, shared by its requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallerProfile {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// When its credential stops working.
    pub expires_at: Option<SystemTime>,
    /// What it may use, the widest level first. All of them apply.
    pub levels: Vec<LevelAllowance>,
    /// The meters of these levels; `None` if nothing is limited.
    pub limits: Option<Arc<CallerLimits>>,
    /// Settings of its chat requests.
    pub chat: ChatOverrides,
}

impl CallerProfile {
    /// The caller of a configured key.
    pub fn of_key(key: &KeyEntry, organization: &Organization) -> Self {
        let grant = &key.grant;
        let mut levels = organization.levels(grant.team.as_deref(), grant.user.as_deref());
        add_level(&mut levels, Level::Key, &key.caller, &grant.allowance);
        let shared = |text: &Option<String>| text.as_deref().map(Arc::from);
        Self {
            principal: Arc::new(Principal {
                team: shared(&grant.team),
                user: shared(&grant.user),
                tags: grant.tags.clone(),
                ..Principal::named(&key.caller)
            }),
            expires_at: grant.expires_at,
            levels,
            limits: None,
            chat: key.chat.clone(),
        }
    }
}

impl CallerProfile {
    /// The profile with the meters of its levels, which the registry finds again for each snapshot.
    #[must_use]
    pub fn limited_by(self, registry: &LimitRegistry) -> Self {
        Self {
            limits: registry.limits(&self.principal.id, &self.levels),
            ..self
        }
    }

    /// Whether the credential has stopped working.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl Caller {
    /// The caller of `profile`, who has authenticated by `identity`; `None` without keys, and for
    /// the lines of a batch.
    pub fn new(profile: Arc<CallerProfile>, identity: Option<Identity>) -> Self {
        Self { profile, identity }
    }

    /// A caller that has only a name, and no limits of its own.
    pub fn named(name: &str) -> Self {
        let profile = CallerProfile {
            principal: Arc::new(Principal::named(name)),
            ..CallerProfile::default()
        };
        Self::new(Arc::new(profile), None)
    }

    /// The id, which does not change: files, batches and remembered reasoning belong to it.
    pub fn id(&self) -> &str {
        &self.profile.principal.id
    }

    /// The owner of stored responses, and of what clients keep of responses.
    pub fn owner(&self, owner: ResponseOwner) -> Arc<str> {
        let principal = self.principal();
        match (owner, &principal.team) {
            // No caller has such an id.
            (ResponseOwner::Team, Some(team)) => format!("team\n{team}").into(),
            (ResponseOwner::Team, None) | (ResponseOwner::Key, _) => Arc::clone(&principal.id),
        }
    }

    /// The name, for people.
    pub fn name(&self) -> &str {
        &self.profile.principal.name
    }

    /// What is known about the caller.
    pub fn profile(&self) -> &CallerProfile {
        &self.profile
    }

    /// Who the caller is, for records.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.profile.principal
    }

    /// How the caller has authenticated; `None` without keys, and for the lines of a batch.
    pub fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Whether there are models that the caller may not call.
    pub fn has_allowed_models(&self) -> bool {
        let mut levels = self.profile.levels.iter();
        levels.any(|level| level.allowance.allowed_models.is_some())
    }

    /// The level that does not allow a model that the request calls `requested`, and whose id is
    /// `model_id`.
    pub fn refusal(&self, requested: &str, model_id: &str) -> Option<&LevelAllowance> {
        let mut levels = self.profile.levels.iter();
        levels.find(|level| !level.allowance.allows(requested, model_id))
    }
}
