//! The parts of a token, and when it is valid.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::claims::Claims;
use super::error::TokenError;

/// A token whose signature has not been verified.
#[derive(Debug)]
pub(super) struct UnverifiedToken<'a> {
    /// Header and claims, which are signed.
    pub(super) message: &'a str,
    /// The signature, in base64url.
    pub(super) signature: &'a str,
    claims: &'a str,
    header: TokenHeader,
}

#[derive(Debug, Deserialize)]
struct TokenHeader {
    alg: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'a> UnverifiedToken<'a> {
    /// Splits a credential; `None` if it is not a JWT: three parts in base64url, of which the first
    /// is a JSON object.
    pub(super) fn parse(credential: &'a str) -> Option<Self> {
        let (message, signature) = credential.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let is_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if claims.is_empty() || !claims.chars().chain(signature.chars()).all(is_base64url) {
            return None;
        }
        let header = BASE64_URL_SAFE_NO_PAD.decode(header).ok()?;
        Some(Self {
            message,
            signature,
            claims,
            header: serde_json::from_slice(&header).ok()?,
        })
    }

    /// The id of the key that it is signed with.
    pub(super) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The algorithm, which must be among those of the provider.
    pub(super) fn algorithm(&self, accepted: &[Algorithm]) -> Result<Algorithm, TokenError> {
        // An extension in `crit` must be understood (RFC 7515, section 4.1.11).
        if self.header.crit.is_some() {
            return Err(TokenError::Extension);
        }
        let named = self.header.alg.as_deref();
        let named = named.and_then(|name| name.parse().ok());
        named
            .filter(|algorithm| accepted.contains(algorithm))
            .ok_or(TokenError::Algorithm)
    }

    /// The claims, to which nobody has testified before the signature is verified.
    pub(super) fn claims(&self) -> Result<Claims, TokenError> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(self.claims);
        let json = json.map_err(|_| TokenError::Malformed)?;
        serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
    }
}

/// When a token with these claims expires, if it is valid now. Clocks may differ by `leeway`.
pub(super) fn expiry(
    claims: &Claims,
    leeway: Duration,
    now: SystemTime,
) -> Result<SystemTime, TokenError> {
    if claims
        .time("nbf")?
        .is_some_and(|begin| begin > now + leeway)
    {
        return Err(TokenError::NotYetValid);
    }
    let end = claims.time("exp")?.ok_or(TokenError::NoExpiry)?;
    let end = end.checked_add(leeway).ok_or(TokenError::Malformed)?;
    match end <= now {
        true => Err(TokenError::Expired),
        false => Ok(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn credentials_with_three_parts_and_a_json_header_are_tokens() {
        let header = encoded(r#"{"alg":"RS256","kid":"a"}"#);
        let spaced = encoded("{ \"alg\": \"none\" }");
        let list = encoded("[]");
        for (credential, is_token) in [
            (format!("{header}.e30.c2ln"), true),
            (format!("{header}.e30."), true),
            (format!("{spaced}.e30.c2ln"), true),
            (format!("{list}.e30.c2ln"), false),
            (format!("{header}.e30"), false),
            (format!("{header}.e30.c2ln.c2ln"), false),
            (format!("{header}..c2ln"), false),
            (format!("{header}.e3 0.c2ln"), false),
            ("sk-proj.with.dots".to_owned(), false),
            ("sk-oc-abcdef".to_owned(), false),
        ] {
            let parsed = UnverifiedToken::parse(&credential);
            assert_eq!(parsed.is_some(), is_token, "{credential}");
        }
    }

    #[test]
    fn only_the_algorithms_of_the_provider_are_accepted() {
        let accepted = [Algorithm::RS256, Algorithm::ES256];
        for (header, expected) in [
            (r#"{"alg":"ES256"}"#, Ok(Algorithm::ES256)),
            (r#"{"alg":"RS512"}"#, Err(TokenError::Algorithm)),
            (r#"{"alg":"HS256"}"#, Err(TokenError::Algorithm)),
            (r#"{"alg":"none"}"#, Err(TokenError::Algorithm)),
            (r#"{"alg":"None"}"#, Err(TokenError::Algorithm)),
            (r#"{}"#, Err(TokenError::Algorithm)),
            (
                r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
                Err(TokenError::Extension),
            ),
        ] {
            let credential = format!("{}.e30.c2ln", encoded(header));
            let token = UnverifiedToken::parse(&credential).expect("a token");
            assert_eq!(token.algorithm(&accepted), expected, "{header}");
        }
    }

    #[test]
    fn a_token_is_valid_from_nbf_until_exp_with_the_leeway() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let leeway = Duration::from_secs(60);
        for (claims, now, expected) in [
            (r#"{"exp":1000}"#, 1059, Ok(at(1060))),
            (r#"{"exp":1000.5}"#, 900, Ok(at(1060))),
            (r#"{"exp":1000}"#, 1060, Err(TokenError::Expired)),
            (r#"{"exp":1000,"nbf":900}"#, 840, Ok(at(1060))),
            (
                r#"{"exp":1000,"nbf":900}"#,
                839,
                Err(TokenError::NotYetValid),
            ),
            (r#"{"nbf":1}"#, 10, Err(TokenError::NoExpiry)),
            (r#"{"exp":"1000"}"#, 10, Err(TokenError::Malformed)),
            (r#"{"exp":-5}"#, 10, Err(TokenError::Malformed)),
            (r#"{"exp":1e300}"#, 10, Err(TokenError::Malformed)),
        ] {
            let read = serde_json::from_str(claims).expect("claims");
            assert_eq!(expiry(&read, leeway, at(now)), expected, "{claims}");
        }
    }
}
