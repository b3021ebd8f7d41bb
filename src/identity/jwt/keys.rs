//! The public keys of an identity provider, from its JWK set.

use std::fmt;

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, crypto};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The maximum number of keys of a provider; providers publish two or three.
const MAX_KEYS: usize = 64;

/// The keys that verify signatures.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<PublicKey>,
}

/// A key with the algorithms that it is for.
pub(super) struct PublicKey {
    kid: Option<String>,
    /// The only algorithm, if the provider names one.
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct JwkList<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// Parses a JWK set. Keys that verify no signatures, or whose type is unknown, are left out;
    /// the error says why there is no set.
    pub(super) fn parse(json: &[u8]) -> Result<Self, &'static str> {
        let list: JwkList<'_> =
            serde_json::from_slice(json).map_err(|_| "the response is not a JWK set")?;
        let keys = list.keys.iter().filter_map(|jwk| {
            let jwk = serde_json::from_str(jwk.get()).ok()?;
            PublicKey::of(&jwk)
        });
        let keys: Vec<PublicKey> = keys.take(MAX_KEYS).collect();
        match keys.is_empty() {
            true => Err("the JWK set has no key for signatures"),
            false => Ok(Self { keys }),
        }
    }

    /// The key `kid` for `algorithm`. A token without `kid` has the only key for its algorithm.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm));
        match kid {
            Some(kid) => fitting.find(|key| key.kid.as_deref() == Some(kid)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }
}

impl PublicKey {
    fn of(jwk: &Jwk) -> Option<Self> {
        if !matches!(
            jwk.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        ) {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        if key.family() == AlgorithmFamily::Hmac {
            return None;
        }
        let algorithm = match jwk.common.key_algorithm {
            None => None,
            // The key of an algorithm that is not known, such as one for encryption, is for no other.
            Some(name) => Some(Algorithm::try_from(name).ok()?),
        };
        Some(Self {
            kid: jwk.common.key_id.clone(),
            algorithm,
            key,
        })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|only| only == algorithm)
            && self.key.family() == algorithm.family()
    }

    /// Whether `signature` is that of `message`.
    pub(super) fn verifies(&self, signature: &str, message: &str, algorithm: Algorithm) -> bool {
        let verified = || crypto::verify(signature, message.as_bytes(), &self.key, algorithm);
        self.fits(algorithm) && verified().unwrap_or(false)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({:?})", self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = r#""kty":"RSA","n":"0vx7","e":"AQAB""#;
    const EC: &str = r#""kty":"EC","crv":"P-256","x":"MKBC","y":"4Etl""#;

    #[test]
    fn keys_for_signatures_are_found_by_id_and_algorithm() {
        let json = format!(
            r#"{{"keys":[
                {{"kid":"rsa",{RSA}}},
                {{"kid":"only-512","alg":"RS512",{RSA}}},
                {{"kid":"ec","use":"sig",{EC}}},
                {{"kid":"encryption","use":"enc",{RSA}}},
                {{"kid":"oaep","alg":"RSA-OAEP",{RSA}}},
                {{"kid":"secret","kty":"oct","k":"AAAA"}},
                {{"kid":"future","kty":"ML-DSA","x":1}},
                {{"kid":7}}
            ]}}"#
        );
        let set = KeySet::parse(json.as_bytes()).expect("keys");
        for (kid, algorithm, is_found) in [
            (Some("rsa"), Algorithm::RS256, true),
            (Some("rsa"), Algorithm::PS384, true),
            (Some("rsa"), Algorithm::ES256, false),
            (Some("rsa"), Algorithm::HS256, false),
            (Some("only-512"), Algorithm::RS512, true),
            (Some("only-512"), Algorithm::RS256, false),
            (Some("ec"), Algorithm::ES256, true),
            (Some("encryption"), Algorithm::RS256, false),
            (Some("oaep"), Algorithm::RS256, false),
            (Some("secret"), Algorithm::HS256, false),
            (Some("other"), Algorithm::RS256, false),
            // Without an id, the key must be the only one.
            (None, Algorithm::ES256, true),
            (None, Algorithm::RS512, false),
        ] {
            let found = set.find(kid, algorithm);
            assert_eq!(found.is_some(), is_found, "{kid:?} {algorithm:?}");
        }
    }

    #[test]
    fn what_is_not_a_set_with_keys_is_refused() {
        for json in [
            "",
            "<html>",
            "{}",
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"oct","k":"AA"}]}"#,
        ] {
            assert!(KeySet::parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
