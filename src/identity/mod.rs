//! Authentication of callers, by API key, JWT or SigV4 signature.

mod caller;
mod jwt;
mod sigv4;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::allowances::Organization;
use crate::config::{AccessKey, JwtIssuer, KeyDigest, KeyEntry};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::limits::LimitRegistry;
use crate::usage::Identity;
pub use caller::{Caller, CallerProfile};
pub use jwt::TokenGrant;
use jwt::{JwtCallers, JwtIssuers};
use sigv4::{PendingSignature, Signature, SignatureError};

/// All callers with their keys.
#[derive(Debug)]
pub struct Callers {
    by_digest: HashMap<KeyDigest, Caller>,
    by_access_key: HashMap<String, (Caller, AccessKey)>,
    by_id: HashMap<Arc<str>, Arc<CallerProfile>>,
    organization: Organization,
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
    /// The callers of these keys.
    pub fn new(
        keys: &[KeyEntry],
        organization: &Organization,
        limits: &Arc<LimitRegistry>,
    ) -> Self {
        let mut callers = Self {
            by_digest: HashMap::new(),
            by_access_key: HashMap::new(),
            by_id: HashMap::new(),
            organization: organization.clone(),
            limits: Arc::clone(limits),
            jwt: JwtCallers::default(),
            anyone: Caller::named(ANYONE),
        };
        for key in keys {
            let profile = CallerProfile::of_key(key, organization);
            let profile = Arc::new(profile.limited_by(limits));
            if let Some(access_key) = &key.access_key {
                let caller = Caller::new(Arc::clone(&profile), Some(Identity::Signature));
                let entry = (caller, access_key.clone());
                callers.by_access_key.insert(access_key.id.clone(), entry);
            }
            let id = Arc::clone(&profile.principal.id);
            callers.by_id.insert(id, Arc::clone(&profile));
            let caller = Caller::new(profile, Some(Identity::Key));
            callers.by_digest.insert(key.digest, caller);
        }
        callers
    }

    /// The same callers, and those with tokens of `issuers`, whose keys are loaded in the
    /// background. The keys that `previous` has are kept.
    pub fn with_tokens_of(
        mut self,
        issuers: &[JwtIssuer],
        previous: Option<&Self>,
    ) -> io::Result<Self> {
        let previous = previous.map(|callers| callers.jwt.issuers());
        let issuers = JwtIssuers::new(issuers, previous)?;
        self.jwt = JwtCallers::new(Arc::new(issuers));
        Ok(self)
    }

    /// Whether requests need a key or a token.
    pub fn have_keys(&self) -> bool {
        !self.by_digest.is_empty() || self.jwt.exist()
    }

    /// The caller with this id, for work after its request. A caller that no longer exists has only
    /// its name.
    pub fn of_id(&self, id: &str) -> Caller {
        match self.by_id.get(id) {
            Some(profile) => Caller::new(Arc::clone(profile), None),
            None => Caller::named(id),
        }
    }

    /// The caller `id` with a token that granted `grant`, for work after its request.
    pub fn of_token(&self, id: &str, grant: &TokenGrant) -> Caller {
        let profile = grant.profile(id, &self.organization, None);
        Caller::new(Arc::new(profile.limited_by(&self.limits)), None)
    }

    /// The caller with this key or token. The lookup by digest takes the same time for every wrong
    /// key. Only a token that is verified for the first time may have to wait.
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
        if let Some(caller) = self.by_digest.get(&digest) {
            return not_expired(caller.clone());
        }
        if self.jwt.exist() {
            let (jwt, now) = (&self.jwt, SystemTime::now());
            let limits = (&self.organization, &*self.limits);
            let identified = jwt.identify(key, digest, limits, now).await;
            if let Some(identified) = identified {
                return identified;
            }
        }
        Err(authentication_error(&format!(
            "Incorrect API key provided: {}. The keys of this gateway are issued by its operator, \
             not by OpenAI.",
            masked(key)
        )))
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
        let entry = self.by_access_key.get(signature.access_key_id);
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

fn not_expired(caller: Caller) -> Result<Caller, ApiError> {
    // Reading the clock is only worth it for keys that expire.
    match caller.profile().expires_at {
        Some(_) if caller.profile().has_expired(SystemTime::now()) => Err(authentication_error(
            "This API key has expired. Ask the operator of this gateway for a new one.",
        )),
        _ => Ok(caller),
    }
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
        ] {
            assert_eq!(masked(key), visible);
        }
    }
}
