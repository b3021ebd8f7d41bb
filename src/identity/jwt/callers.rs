//! The callers of tokens: what a token says, combined with what the organization allows.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use super::JwtIssuers;
use super::claims::TokenIdentity;
use super::error::TokenError;
use super::grant::TokenGrant;
use super::token::UnverifiedToken;
use super::token_cache::TokenCache;
use crate::allowances::Organization;
use crate::config::KeyDigest;
use crate::error::ApiError;
use crate::identity::{Caller, CallerProfile};
use crate::limits::LimitRegistry;
use crate::usage::Identity;

/// The callers of tokens in one state of the organization.
#[derive(Debug, Default)]
pub(in crate::identity) struct JwtCallers {
    issuers: Arc<JwtIssuers>,
    /// `None` without providers.
    verified: Option<TokenCache<Arc<VerifiedToken>>>,
}

/// A verified token, and its caller in one state of the organization.
#[derive(Debug)]
struct VerifiedToken {
    identity: TokenIdentity,
    verified_at: SystemTime,
    caller: Caller,
    /// Only to compare: what a changed organization replaced is not kept for the tokens.
    organization: Weak<Organization>,
}

impl JwtCallers {
    /// The callers with tokens of `issuers`.
    pub(in crate::identity) fn new(issuers: Arc<JwtIssuers>) -> Self {
        Self {
            verified: (!issuers.is_empty()).then(TokenCache::new),
            issuers,
        }
    }

    /// The providers.
    pub(in crate::identity) fn issuers(&self) -> &JwtIssuers {
        &self.issuers
    }

    /// Whether tokens are accepted.
    pub(in crate::identity) fn exist(&self) -> bool {
        self.verified.is_some()
    }

    /// The caller with `credential`, whose digest is given; `None` if it is not a JWT. A token that
    /// is verified for the first time may have to wait for the keys of its provider.
    pub(in crate::identity) async fn identify(
        &self,
        credential: &str,
        digest: KeyDigest,
        limits: (&Arc<Organization>, &LimitRegistry),
        now: SystemTime,
    ) -> Option<Result<Caller, ApiError>> {
        let verified = self.verified.as_ref()?;
        let known = match verified.get(&digest, now) {
            Some(token) if token.is_of(limits.0) => return Some(Ok(token.caller.clone())),
            known => known,
        };
        let token = match known {
            // The organization has changed since; the signature has not.
            Some(known) => VerifiedToken::new(known.identity.clone(), known.verified_at, limits),
            None => {
                let token = UnverifiedToken::parse(credential)?;
                // Boxed, since few requests get here and all would be larger.
                Box::pin(self.verify(&token, limits, now)).await
            }
        };
        Some(token.map_err(ApiError::from).map(|token| {
            let token = Arc::new(token);
            let (end, since) = (token.identity.expires_at, token.verified_at);
            verified.insert(digest, Arc::clone(&token), end, since);
            token.caller.clone()
        }))
    }

    async fn verify(
        &self,
        token: &UnverifiedToken<'_>,
        limits: (&Arc<Organization>, &LimitRegistry),
        now: SystemTime,
    ) -> Result<VerifiedToken, TokenError> {
        let identity = self.issuers.verify(token, now).await?;
        VerifiedToken::new(identity, now, limits)
    }
}

impl VerifiedToken {
    fn new(
        identity: TokenIdentity,
        verified_at: SystemTime,
        (organization, registry): (&Arc<Organization>, &LimitRegistry),
    ) -> Result<Self, TokenError> {
        let profile = profile(&identity, organization)?.limited_by(registry);
        Ok(Self {
            identity,
            verified_at,
            caller: Caller::new(Arc::new(profile), Some(Identity::Jwt)),
            organization: Arc::downgrade(organization),
        })
    }

    /// Whether its caller is that of `organization`.
    fn is_of(&self, organization: &Arc<Organization>) -> bool {
        std::ptr::eq(self.organization.as_ptr(), Arc::as_ptr(organization))
    }
}

/// The profile of a token's caller, in the first of its teams that exists.
fn profile(
    identity: &TokenIdentity,
    organization: &Organization,
) -> Result<CallerProfile, TokenError> {
    let team = match &identity.teams {
        None => None,
        Some(names) => {
            let mut names = names.iter();
            let known = names.find(|name| organization.teams.contains_key(*name));
            Some(known.ok_or(TokenError::NoTeam)?.as_str())
        }
    };
    let grant = TokenGrant {
        team: team.map(str::to_owned),
        user: Some(identity.user.clone()),
        allowed_models: identity.models.clone(),
    };
    Ok(grant.profile(&identity.id, organization, Some(identity.expires_at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allowances::{Allowance, Level, ModelPattern, Team};

    fn identity(teams: Option<&[&str]>) -> TokenIdentity {
        TokenIdentity {
            id: "idp:ann".to_owned(),
            user: "ann".to_owned(),
            teams: teams.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
            models: None,
            expires_at: SystemTime::UNIX_EPOCH,
        }
    }

    fn organization() -> Organization {
        let limited = |requests_per_minute| {
            let mut allowance = Allowance::default();
            allowance.usage.requests_per_minute = Some(requests_per_minute);
            allowance
        };
        let team = Team {
            allowance: limited(2),
            user: limited(3),
            ..Team::default()
        };
        Organization {
            allowance: limited(1),
            teams: [("research".to_owned(), team)].into(),
        }
    }

    #[test]
    fn the_first_team_that_exists_is_that_of_the_caller() {
        let organization = organization();
        let of = |teams| profile(&identity(teams), &organization);
        let research = of(Some(&["everyone", "research"])).expect("a team");
        assert_eq!(research.principal.team.as_deref(), Some("research"));
        let names: Vec<&str> = research.levels.iter().map(|level| &*level.name).collect();
        assert_eq!(names, ["", "research", "research/ann"]);
        for unknown in [&["everyone"][..], &[]] {
            assert_eq!(of(Some(unknown)), Err(TokenError::NoTeam));
        }
        let without = of(None).expect("a caller without a team");
        assert_eq!(without.principal.team, None);
        assert_eq!(without.levels.len(), 1);
    }

    #[test]
    fn the_models_of_a_token_are_a_level_of_their_own() {
        let mut identity = identity(None);
        identity.models = Some(vec![ModelPattern::parse("nova-*").expect("a pattern")]);
        let profile = profile(&identity, &Organization::default()).expect("a caller");
        let caller = Caller::new(Arc::new(profile), Some(Identity::Jwt));
        assert!(
            caller
                .refusal("nova-lite", "amazon.nova-lite-v1:0")
                .is_none()
        );
        let refusal = caller.refusal("opus", "anthropic.claude-opus-4-8");
        assert_eq!(refusal.map(|level| level.level), Some(Level::Key));
    }

    #[test]
    fn the_grant_of_a_token_outlives_it() {
        let organization = organization();
        let mut identity = identity(Some(&["research"]));
        identity.models = Some(vec![ModelPattern::parse("nova-*").expect("a pattern")]);
        let profile = profile(&identity, &organization).expect("a caller");
        let caller = Caller::new(Arc::new(profile.clone()), Some(Identity::Jwt));
        let grant = TokenGrant::of(&caller).expect("a grant");
        let json = serde_json::to_string(&grant).expect("JSON");
        let read: TokenGrant = serde_json::from_str(&json).expect("a grant");
        let later = read.profile(caller.id(), &organization, None);
        assert_eq!(later.levels, profile.levels);
        assert_eq!(later.principal, profile.principal);
        assert_eq!(TokenGrant::of(&Caller::named("key")), None);
    }
}
