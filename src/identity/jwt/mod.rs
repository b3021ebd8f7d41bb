//! JWTs of the company's identity providers, in place of API keys.
//!
//! - `callers`: from a credential to its caller; `grant`: what stays of a token after its request
//! - `token`, `claims`: the parts of a token, and the caller that its claims describe
//! - `keys`, `key_cache`, `provider`: the public keys of a provider, and where they come from
//! - `token_cache`: tokens that have been verified
//! - `error`: why a token is refused

mod callers;
mod claims;
mod error;
mod grant;
mod key_cache;
mod keys;
mod provider;
mod token;
mod token_cache;

use std::io;
use std::time::SystemTime;

use crate::config::JwtIssuer;
pub(super) use callers::JwtCallers;
use claims::{Claims, TokenIdentity};
use error::TokenError;
pub use grant::TokenGrant;
use key_cache::KeyCache;
use provider::Provider;
use token::{UnverifiedToken, expiry};

/// The identity providers of the configuration, with their keys.
#[derive(Debug, Default)]
pub(super) struct JwtIssuers {
    issuers: Vec<Issuer>,
}

#[derive(Debug)]
struct Issuer {
    settings: JwtIssuer,
    keys: KeyCache,
}

impl JwtIssuers {
    /// The providers of `settings`, whose keys are loaded in the background. Providers that
    /// `previous` has, too, keep their keys.
    pub(super) fn new(settings: &[JwtIssuer], previous: Option<&Self>) -> io::Result<Self> {
        let issuers = settings.iter().map(|settings| {
            let known = previous.and_then(|previous| previous.keys_of(settings));
            let keys = match known {
                Some(keys) => keys.clone(),
                None => {
                    let provider = Provider::new(settings)?;
                    let keys = KeyCache::new(&settings.name, Box::new(provider));
                    keys.preload();
                    keys
                }
            };
            Ok(Issuer {
                settings: settings.clone(),
                keys,
            })
        });
        Ok(Self {
            issuers: issuers.collect::<io::Result<_>>()?,
        })
    }

    /// Whether JWTs are accepted.
    pub(super) fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }

    /// The caller that a token describes. It waits while keys are loaded, for a limited time.
    async fn verify(
        &self,
        token: &UnverifiedToken<'_>,
        now: SystemTime,
    ) -> Result<TokenIdentity, TokenError> {
        let claims = token.claims()?;
        let Issuer { settings, keys } = self.issuer(&claims)?;
        let algorithm = token.algorithm(&settings.algorithms)?;
        // Before the signature, so that tokens of old keys are refused for the reason that helps.
        let expires_at = expiry(&claims, settings.leeway, now)?;
        let keys = keys.with_key(token.kid(), algorithm).await?;
        let key = keys.set.find(token.kid(), algorithm);
        let key = key.ok_or(TokenError::UnknownKey)?;
        if !key.verifies(token.signature, token.message, algorithm) {
            return Err(TokenError::Signature);
        }
        claims.check_required(settings)?;
        claims.identity(settings, expires_at)
    }

    /// The provider of a token. Several sections can have the same issuer for several audiences.
    fn issuer(&self, claims: &Claims) -> Result<&Issuer, TokenError> {
        let issuers = self.issuers.iter();
        let mut issuers = issuers
            .filter(|issuer| claims.issuer() == Some(&issuer.settings.issuer))
            .peekable();
        if issuers.peek().is_none() {
            return Err(TokenError::UnknownIssuer);
        }
        issuers
            .find(|issuer| claims.are_for(&issuer.settings))
            .ok_or(TokenError::WrongAudience)
    }

    fn keys_of(&self, settings: &JwtIssuer) -> Option<&KeyCache> {
        let is_same = |issuer: &&Issuer| {
            let other = &issuer.settings;
            (&other.name, &other.issuer, &other.jwks_url)
                == (&settings.name, &settings.issuer, &settings.jwks_url)
        };
        self.issuers.iter().find(is_same).map(|issuer| &issuer.keys)
    }
}

#[cfg(test)]
mod tests;
