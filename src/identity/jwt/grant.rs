use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::allowances::{Allowance, Level, ModelPattern, Organization, add_level};
use crate::identity::{Caller, CallerProfile};
use crate::usage::{Identity, Principal};

/// What a token says about its caller, for work that goes on after the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenGrant {
    /// The team.
    pub team: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The models that the token allows; `None` for all that the team may use.
    pub allowed_models: Option<Vec<ModelPattern>>,
}

impl TokenGrant {
    /// The grant of a caller with a token.
    pub fn of(caller: &Caller) -> Option<Self> {
        let profile = caller.profile();
        let owned = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let mut levels = profile.levels.iter();
        let own = levels.find(|level| level.level == Level::Key);
        (caller.identity() == Some(Identity::Jwt)).then(|| Self {
            team: owned(&profile.principal.team),
            user: owned(&profile.principal.user),
            allowed_models: own.and_then(|level| level.allowance.allowed_models.clone()),
        })
    }

    /// The profile of the caller `id` with this grant.
    pub(in crate::identity) fn profile(
        &self,
        id: &str,
        organization: &Organization,
        expires_at: Option<SystemTime>,
    ) -> CallerProfile {
        let mut levels = organization.levels(self.team.as_deref(), self.user.as_deref());
        let own = Allowance {
            allowed_models: self.allowed_models.clone(),
            ..Allowance::default()
        };
        add_level(&mut levels, Level::Key, id, &own);
        let shared = |text: &Option<String>| text.as_deref().map(Arc::from);
        CallerProfile {
            principal: Arc::new(Principal {
                team: shared(&self.team),
                user: shared(&self.user),
                ..Principal::named(id)
            }),
            expires_at,
            levels,
            ..CallerProfile::default()
        }
    }
}
