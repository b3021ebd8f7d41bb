//! Authentication of callers, by API key, JWT or SigV4 signature, and the administration of keys.

pub mod administration;

mod caller;
mod jwt;
mod keys;
mod sigv4;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::allowances::Organization;
use crate::config::{Config, JwtIssuer, KeyDigest};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::limits::LimitRegistry;
use crate::usage::Identity;
pub use caller::{Caller, CallerProfile};
pub use jwt::TokenGrant;
use jwt::{JwtCallers, JwtIssuers};
pub use keys::{IssuedKey, KeyFollower};
use keys::{KeyFormat, KeyLookup, KeyRing, visible_prefix};
use sigv4::{PendingSignature, Signature, SignatureError};

/// All callers with their keys, those of the configuration and those of the store.
#[derive(Debug)]
pub struct Callers {
    keys: Arc<KeyRing>,
    limits: Arc<LimitRegistry>,
    jwt: JwtCallers,
    /// The caller of every request without keys.
    anyone: Caller,
}

/// The identity that a request claims, before its body has been read.
#[derive(Debug)]
pub enum Claim {
    /// The request has an API key or a token, which is checked.
    ApiKey(Caller),
    /// The request has a signature, which covers the body.
    Signed(Box<SignedClaim>),
}

/// A signature that is valid if the body matches.
#[derive(Debug)]
pub struct SignedClaim {
    caller: Caller,
    pending: PendingSignature,
}

/// The caller of a gateway without keys, which listens on loopback only.
const ANYONE: &str = "local";

impl Callers {
    /// The callers with keys of a configuration. [`KeyFollower`] adds those of the store.
    pub fn new(config: &Config, limits: &Arc<LimitRegistry>) -> Self {
        Self {
            keys: Arc::new(KeyRing::new(config, limits)),
            limits: Arc::clone(limits),
            jwt: JwtCallers::default(),
            anyone: Caller::named(ANYONE),
        }
    }

    /// The same callers, and those with tokens of `issuers`, whose keys are loaded in the
    /// background.
    pub fn with_tokens_of(self, issuers: &[JwtIssuer]) -> io::Result<Self> {
        let issuers = JwtIssuers::new(issuers, None)?;
        Ok(Self {
            jwt: JwtCallers::new(Arc::new(issuers)),
            ..self
        })
    }

    /// The callers of another configuration, which also know the keys of the store and of identity
    /// providers that these know. These know no keys that only their own configuration has.
    pub fn reconfigured(&self, config: &Config) -> io::Result<Self> {
        let issuers = JwtIssuers::new(&config.jwt, Some(self.jwt.issuers()))?;
        self.keys.reconfigure(config);
        Ok(Self {
            keys: Arc::clone(&self.keys),
            limits: Arc::clone(&self.limits),
            jwt: JwtCallers::new(Arc::new(issuers)),
            anyone: self.anyone.clone(),
        })
    }

    /// Whether requests need a key or a token.
    pub fn have_keys(&self) -> bool {
        self.keys.snapshot.load().has_keys() || self.jwt.exist()
    }

    /// Whether the store has ever had a key.
    pub fn have_stored_keys(&self) -> bool {
        self.keys.snapshot.load().has_stored_keys()
    }

    /// The organization, with the teams of the configuration and of the store.
    pub fn organization(&self) -> Arc<Organization> {
        Arc::clone(self.keys.snapshot.load().organization())
    }

    /// The caller with this id, for work after its request. Of a caller that no longer exists, such as
    /// a revoked key, only the id is known, and the organization's limits apply.
    pub fn of_id(&self, id: &str) -> Caller {
        match self.keys.snapshot.load().of_id(id) {
            Some(profile) => Caller::new(Arc::clone(profile), None),
            None if self.have_keys() => self.of_token(id, &TokenGrant::default()),
            None => Caller::named(id),
        }
    }

    /// The caller `id` with a token that granted `grant`, for work after its request.
    pub fn of_token(&self, id: &str, grant: &TokenGrant) -> Caller {
        let profile = grant.profile(id, self.keys.snapshot.load().organization(), None);
        Caller::new(Arc::new(profile.limited_by(&self.limits)), None)
    }

    /// The caller with this key or token. The lookup by digest takes the same time for every wrong
    /// key. Only a token that is verified for the first time may have to wait, and a key that may
    /// be new.
    pub async fn identify(&self, key: Option<&str>) -> Result<Caller, ApiError> {
        if !self.have_keys() {
            return Ok(self.anyone.clone());
        }
        let Some(key) = key else {
            return Err(authentication_error(
                "You didn't provide an API key. You need to provide your API key in an \
                 Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). Ask \
                 the operator of this gateway for one.",
            ));
        };
        let digest = KeyDigest::of(key);
        if let Some(known) = self.known(&digest) {
            return known;
        }
        if self.jwt.exist() {
            let organization = self.organization();
            let (jwt, now) = (&self.jwt, SystemTime::now());
            let limits = (&organization, &*self.limits);
            let identified = jwt.identify(key, digest, limits, now).await;
            if let Some(identified) = identified {
                return identified;
            }
        }
        // Boxed, since few requests wait.
        if self.may_be_new(key)
            && Box::pin(self.keys.refresh.done()).await
            && let Some(known) = self.known(&digest)
        {
            return known;
        }
        Err(self.unknown_key(key))
    }

    /// What is known about a key; `None` if nothing is.
    fn known(&self, digest: &KeyDigest) -> Option<Result<Caller, ApiError>> {
        Some(match self.keys.snapshot.load().find(digest) {
            KeyLookup::Usable(profile) => Ok(Caller::new(Arc::clone(profile), Some(Identity::Key))),
            KeyLookup::Expired => Err(authentication_error(
                "This API key has expired. Ask the operator of this gateway for a new one.",
            )),
            KeyLookup::Unusable => Err(unusable_key()),
            KeyLookup::Unknown => return None,
        })
    }

    /// Whether an unknown key may have been created after the last look at the store.
    fn may_be_new(&self, key: &str) -> bool {
        KeyFormat::of(key) == KeyFormat::Issued && !self.keys.is_store_away()
    }

    fn unknown_key(&self, key: &str) -> ApiError {
        let format = KeyFormat::of(key);
        if format == KeyFormat::Issued && self.keys.is_store_away() {
            let message = "the gateway cannot look up this API key at the moment; try again";
            return ApiError::new(ErrorKind::Unavailable, message)
                .code(ErrorCode::StoreUnavailable)
                .retry_after(Duration::from_secs(1));
        }
        let reason = match format {
            KeyFormat::Misspelled => {
                "It has a typing error, or was not copied as a whole: its checksum does not match."
            }
            KeyFormat::Issued | KeyFormat::Other => {
                "The keys of this gateway are issued by its operator, not by OpenAI."
            }
        };
        let masked = masked(key);
        authentication_error(&format!("Incorrect API key provided: {masked}. {reason}"))
    }

    /// The caller of a request to Bedrock's API, by a signature with one of the gateway's access
    /// keys, by API key or by token.
    pub async fn claim(
        &self,
        head: &Parts,
        key: Option<&str>,
        now: SystemTime,
    ) -> Result<Claim, ApiError> {
        match signature(head) {
            Some(text) if self.have_keys() => self
                .signed(text, head, now)
                .map_err(|refusal| ApiError::from(&refusal)),
            _ => self.identify(key).await.map(Claim::ApiKey),
        }
    }

    fn signed(&self, text: &str, head: &Parts, now: SystemTime) -> Result<Claim, SignatureError> {
        let signature = Signature::parse(text)?;
        let snapshot = self.keys.snapshot.load();
        let entry = snapshot.of_access_key(signature.access_key_id);
        let (caller, access_key) = entry.ok_or(SignatureError::UnknownKey)?;
        if caller.profile().has_expired(now) {
            return Err(SignatureError::ExpiredKey);
        }
        if head.headers.contains_key("x-amz-security-token") {
            return Err(SignatureError::SessionToken);
        }
        let pending = signature.over(head, access_key.secret(), now)?;
        let caller = caller.clone();
        Ok(Claim::Signed(Box::new(SignedClaim { caller, pending })))
    }
}

impl Claim {
    /// Checks the body of a signed request; returns the caller.
    pub fn prove(self, body: &[u8]) -> Result<Caller, ApiError> {
        match self {
            Self::ApiKey(caller) => Ok(caller),
            Self::Signed(claim) => match claim.pending.covers(body) {
                true => Ok(claim.caller),
                false => Err(ApiError::from(&SignatureError::OtherSignature)),
            },
        }
    }
}

/// The first characters of a key, at most a third of it, by which its owner recognizes it.
pub fn masked(key: &str) -> String {
    if let Some(prefix) = visible_prefix(key) {
        return format!("{prefix}***");
    }
    const MAX_VISIBLE: usize = 6;
    let visible = (key.chars().count() / 3).min(MAX_VISIBLE);
    let first: String = key.chars().take(visible).collect();
    format!("{first}***")
}

/// The first characters of the credential of a request: the access key id of its signature, or its
/// `key`.
pub fn masked_credential(head: &Parts, key: Option<&str>) -> Option<String> {
    match signature(head) {
        Some(signature) => sigv4::access_key_id(signature).map(masked),
        None => key.map(masked),
    }
}

fn signature(head: &Parts) -> Option<&str> {
    let authorization = head.headers.get(AUTHORIZATION)?.to_str().ok()?;
    sigv4::is_signature(authorization).then_some(authorization)
}

fn unusable_key() -> ApiError {
    ApiError::new(
        ErrorKind::Permission,
        "the settings of this API key are not complete; ask the operator of this gateway",
    )
    .code(ErrorCode::AccessDenied)
}

fn authentication_error(message: &str) -> ApiError {
    ApiError::new(ErrorKind::Authentication, message).code(ErrorCode::InvalidApiKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_prefix_of_a_key_is_shown() {
        for (key, visible) in [
            ("sk-proj-abcdefghijklmnop", "sk-pro***"),
            ("sk-1234", "sk***"),
            ("ab", "***"),
            ("", "***"),
            ("ключключключ", "ключ***"),
            ("sk-oc-abcdefgh", "sk-o***"),
            (
                "sk-oc-abcdefgh0123456789012345678901234567890",
                "sk-oc-abcdefgh***",
            ),
        ] {
            assert_eq!(masked(key), visible);
        }
    }
}
