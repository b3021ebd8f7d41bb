//! Who is calling.

mod sigv4;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::config::{AccessKey, KeyDigest, KeyEntry};
use crate::error::{ApiError, ErrorKind};
use sigv4::{PendingSignature, Signature, SignatureError};

/// A caller by the name that the configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller(Arc<str>);

impl Caller {
    /// The caller named `name`.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name, in logs and limits.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The callers that there are.
#[derive(Debug)]
pub struct Callers {
    by_digest: HashMap<KeyDigest, Caller>,
    by_access_key: HashMap<String, (Caller, AccessKey)>,
}

/// Who a request says that it is from, before its body is there.
#[derive(Debug)]
pub enum Claim {
    /// It has shown a key.
    Shown(Caller),
    /// It is signed, over its body too.
    Signed(Box<SignedClaim>),
}

/// A signature that is right if the body is the one that was signed.
#[derive(Debug)]
pub struct SignedClaim {
    caller: Caller,
    unproven: PendingSignature,
}

/// The caller where no keys are configured, which is on loopback alone.
const ANYONE: &str = "local";

impl Callers {
    /// The callers of these keys.
    pub fn new(keys: &[KeyEntry]) -> Self {
        let entry = |key: &KeyEntry| (key.digest, Caller::new(&key.caller));
        let signing = |key: &KeyEntry| {
            let access_key = key.access_key.clone()?;
            let caller = Caller::new(&key.caller);
            Some((access_key.id.clone(), (caller, access_key)))
        };
        Self {
            by_digest: keys.iter().map(entry).collect(),
            by_access_key: keys.iter().filter_map(signing).collect(),
        }
    }

    /// Whether there are keys. Without any, everybody may call.
    pub fn have_keys(&self) -> bool {
        !self.by_digest.is_empty()
    }

    /// The caller whose key this is. Keys are looked up by their digest, so that the time it
    /// takes tells nothing of them.
    pub fn identify(&self, key: Option<&str>) -> Result<Caller, ApiError> {
        if !self.have_keys() {
            return Ok(Caller::new(ANYONE));
        }
        let Some(key) = key else {
            return Err(authentication_error(
                "You didn't provide an API key. You need to provide your API key in an \
                 Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). Ask \
                 the operator of this gateway for one.",
            ));
        };
        let caller = self.by_digest.get(&KeyDigest::of(key));
        caller.cloned().ok_or_else(|| {
            authentication_error(&format!(
                "Incorrect API key provided: {}. The keys of this gateway are given out by \
                     its operator, not by OpenAI.",
                masked(key)
            ))
        })
    }

    /// The caller of a request of AWS's protocol: by a signature with an access key of this
    /// gateway's, or by the key that it shows.
    pub fn claim(
        &self,
        head: &Parts,
        key: Option<&str>,
        now: SystemTime,
    ) -> Result<Claim, ApiError> {
        match signature(head) {
            Some(text) if self.have_keys() => self
                .signed(text, head, now)
                .map_err(|refusal| ApiError::from(&refusal)),
            _ => self.identify(key).map(Claim::Shown),
        }
    }

    fn signed(&self, text: &str, head: &Parts, now: SystemTime) -> Result<Claim, SignatureError> {
        let signature = Signature::parse(text)?;
        let entry = self.by_access_key.get(signature.access_key_id);
        let (caller, access_key) = entry.ok_or(SignatureError::UnknownKey)?;
        if head.headers.contains_key("x-amz-security-token") {
            return Err(SignatureError::SessionToken);
        }
        let unproven = signature.over(head, access_key.secret(), now)?;
        let caller = caller.clone();
        Ok(Claim::Signed(Box::new(SignedClaim { caller, unproven })))
    }
}

impl Claim {
    /// The caller, once the body is there.
    pub fn prove(self, body: &[u8]) -> Result<Caller, ApiError> {
        match self {
            Self::Shown(caller) => Ok(caller),
            Self::Signed(claim) => match claim.unproven.covers(body) {
                true => Ok(claim.caller),
                false => Err(ApiError::from(&SignatureError::OtherSignature)),
            },
        }
    }
}

/// The first characters of a key, by which its owner knows it: never more than a third of it.
pub fn masked(key: &str) -> String {
    const MAX_VISIBLE: usize = 6;
    let visible = (key.chars().count() / 3).min(MAX_VISIBLE);
    let first: String = key.chars().take(visible).collect();
    format!("{first}***")
}

/// The first characters of what a request is known by, by which its owner is found: of the access
/// key of its signature, or of its `key`.
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

fn authentication_error(message: &str) -> ApiError {
    ApiError::new(ErrorKind::Authentication, message).code("invalid_api_key")
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
