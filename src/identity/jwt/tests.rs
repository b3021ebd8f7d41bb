use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use super::callers::JwtCallers;
use super::key_cache::{KeyCache, KeySource};
use super::keys::KeySet;
use super::*;
use crate::allowances::{Organization, Team};
use crate::config::{BudgetSettings, KeyDigest};
use crate::limits::{LimitRegistry, ThresholdQueue};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// A provider with its defaults.
pub(super) fn settings() -> JwtIssuer {
    JwtIssuer {
        name: "idp".to_owned(),
        issuer: "https://idp.example".to_owned(),
        audience: vec!["gateway".to_owned()],
        audience_claim: "aud".to_owned(),
        jwks_url: None,
        algorithms: vec![Algorithm::RS256, Algorithm::ES256],
        leeway: Duration::from_secs(60),
        user_claim: "sub".to_owned(),
        team_claim: None,
        teams: BTreeMap::new(),
        team: None,
        models_claim: None,
        required_claims: BTreeMap::new(),
    }
}

/// A key of a provider.
struct SigningKey {
    kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl SigningKey {
    fn ec(kid: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        Self {
            kid,
            algorithm: Algorithm::ES256,
            key: EncodingKey::from_ec_der(&pair.serialize_der()),
        }
    }

    fn rsa(kid: &'static str) -> Self {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        // The RSA key within PKCS #8, after a head of fixed length.
        let key = &pair.serialize_der()[26..];
        Self {
            kid,
            algorithm: Algorithm::RS256,
            key: EncodingKey::from_rsa_der(key),
        }
    }

    fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a JWK");
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).expect("JSON")
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.to_owned());
        encode(&header, claims, &self.key).expect("a token")
    }
}

/// A provider that publishes fixed keys.
#[derive(Debug)]
struct FixedKeys(Vec<u8>);

impl KeySource for FixedKeys {
    fn load(&self) -> BoxFuture<'_, Result<KeySet, String>> {
        Box::pin(async { KeySet::parse(&self.0).map_err(str::to_owned) })
    }
}

fn issuer(settings: JwtIssuer, keys: &[&SigningKey]) -> Issuer {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    let json = serde_json::to_vec(&json!({"keys": keys})).expect("JSON");
    Issuer {
        settings,
        keys: KeyCache::new("idp", Box::new(FixedKeys(json))),
    }
}

async fn verify(issuers: &JwtIssuers, token: &str) -> Result<String, TokenError> {
    let token = UnverifiedToken::parse(token).expect("a token");
    let identity = issuers
        .verify(&token, NOW + Duration::from_secs(1000))
        .await;
    identity.map(|identity| identity.id)
}

fn claims() -> Value {
    json!({"iss": "https://idp.example", "aud": "gateway", "sub": "ann", "exp": 2000})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_changed_team_applies_to_verified_tokens_at_once() {
    let key = SigningKey::ec("ec");
    let of_team = JwtIssuer {
        team: Some("research".to_owned()),
        ..settings()
    };
    let issuers = JwtIssuers {
        issuers: vec![issuer(of_team, &[&key])],
    };
    let callers = JwtCallers::new(Arc::new(issuers));
    let (queue, _thresholds) = ThresholdQueue::new();
    let registry = LimitRegistry::new(&BudgetSettings::default(), queue);
    let organization = |requests_per_minute| {
        let mut team = Team::default();
        team.allowance.usage.requests_per_minute = requests_per_minute;
        Arc::new(Organization {
            teams: [("research".to_owned(), team)].into(),
            ..Organization::default()
        })
    };
    let token = key.sign(&claims());
    let now = NOW + Duration::from_secs(1000);
    let identify = async |organization: &Arc<Organization>| {
        let limits = (organization, &registry);
        let caller = callers.identify(&token, KeyDigest::of(&token), limits, now);
        caller.await.expect("a token").map(|caller| {
            let levels = caller.profile().levels.iter();
            let rates = levels.map(|level| level.allowance.usage.requests_per_minute);
            rates.collect::<Vec<_>>()
        })
    };
    let before = organization(Some(60));
    for _ in 0..2 {
        assert_eq!(identify(&before).await, Ok(vec![Some(60)]));
    }
    assert_eq!(identify(&organization(Some(6))).await, Ok(vec![Some(6)]));
    assert_eq!(identify(&organization(None)).await, Ok(vec![]));
    let refused = identify(&Arc::default()).await;
    assert!(refused.is_err(), "the team is deleted");
}

#[tokio::test]
async fn a_signed_token_identifies_its_caller() {
    let (ec, rsa) = (SigningKey::ec("ec"), SigningKey::rsa("rsa"));
    let issuers = JwtIssuers {
        issuers: vec![issuer(settings(), &[&ec, &rsa])],
    };
    for key in [&ec, &rsa] {
        let identity = verify(&issuers, &key.sign(&claims())).await;
        assert_eq!(identity, Ok("idp:ann".to_owned()));
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_refused_with_the_reason() {
    let (key, other) = (SigningKey::ec("key"), SigningKey::ec("key"));
    let mut settings = settings();
    settings.required_claims = [("typ".to_owned(), vec!["access".to_owned()])].into();
    let issuers = JwtIssuers {
        issuers: vec![issuer(settings, &[&key])],
    };
    let valid = with("typ", json!("access"));
    let changed = |name: &str, value: Value| {
        let mut claims = valid.clone();
        claims[name] = value;
        claims
    };
    assert!(verify(&issuers, &key.sign(&valid)).await.is_ok());
    for (claims, expected) in [
        (
            changed("iss", json!("https://idp.example/")),
            TokenError::UnknownIssuer,
        ),
        (changed("aud", json!("other")), TokenError::WrongAudience),
        (changed("exp", json!(900)), TokenError::Expired),
        (changed("exp", Value::Null), TokenError::Malformed),
        (changed("nbf", json!(1061)), TokenError::NotYetValid),
        (changed("typ", json!("id")), TokenError::RequiredClaim),
        (changed("sub", Value::Null), TokenError::NoUser),
    ] {
        let refused = verify(&issuers, &key.sign(&claims)).await;
        assert_eq!(refused, Err(expected), "{claims}");
    }
    let refused = verify(&issuers, &other.sign(&valid)).await;
    assert_eq!(refused, Err(TokenError::Signature), "another key");
    let (message, signature) = key.sign(&valid).rsplit_once('.').map(own).expect("parts");
    let (header, _) = message.split_once('.').expect("parts");
    let forged = other.sign(&changed("sub", json!("admin")));
    let payload = forged.split('.').nth(1).expect("claims");
    let refused = verify(&issuers, &format!("{header}.{payload}.{signature}")).await;
    assert_eq!(refused, Err(TokenError::Signature), "other claims");
}

fn own((message, signature): (&str, &str)) -> (String, String) {
    (message.to_owned(), signature.to_owned())
}

#[tokio::test]
async fn tokens_without_a_signature_or_with_the_public_key_as_secret_are_refused() {
    let key = SigningKey::rsa("key");
    let issuers = JwtIssuers {
        issuers: vec![issuer(settings(), &[&key])],
    };
    let signed = key.sign(&claims());
    let payload = signed.split('.').nth(1).expect("claims");
    // {"alg":"none","kid":"key"}
    let header = "eyJhbGciOiJub25lIiwia2lkIjoia2V5In0";
    for signature in ["", "c2ln"] {
        let refused = verify(&issuers, &format!("{header}.{payload}.{signature}")).await;
        assert_eq!(refused, Err(TokenError::Algorithm), "alg none");
    }
    let modulus = key.jwk()["n"].as_str().expect("a modulus").to_owned();
    for secret in [modulus.as_bytes(), key.jwk().to_string().as_bytes()] {
        let hmac = SigningKey {
            kid: "key",
            algorithm: Algorithm::HS256,
            key: EncodingKey::from_secret(secret),
        };
        let refused = verify(&issuers, &hmac.sign(&claims())).await;
        assert_eq!(refused, Err(TokenError::Algorithm), "HMAC");
    }
}

#[tokio::test]
async fn each_provider_verifies_its_own_tokens() {
    let (one, two) = (SigningKey::ec("key"), SigningKey::ec("key"));
    let named = |name: &str, issuer: &str, audience: &str| {
        let mut settings = settings();
        settings.name = name.to_owned();
        settings.issuer = issuer.to_owned();
        settings.audience = vec![audience.to_owned()];
        settings
    };
    let issuers = JwtIssuers {
        issuers: vec![
            issuer(named("one", "https://one.example", "gateway"), &[&one]),
            issuer(named("two", "https://two.example", "gateway"), &[&two]),
            // The same issuer for another audience.
            issuer(named("apps", "https://two.example", "apps"), &[&two]),
        ],
    };
    for (key, issuer, audience, expected) in [
        (&one, "https://one.example", "gateway", Ok("one:ann")),
        (&two, "https://two.example", "gateway", Ok("two:ann")),
        (&two, "https://two.example", "apps", Ok("apps:ann")),
        (
            &two,
            "https://one.example",
            "gateway",
            Err(TokenError::Signature),
        ),
        (
            &one,
            "https://one.example",
            "apps",
            Err(TokenError::WrongAudience),
        ),
    ] {
        let mut claims = with("iss", json!(issuer));
        claims["aud"] = json!(audience);
        let verified = verify(&issuers, &key.sign(&claims)).await;
        assert_eq!(verified, expected.map(str::to_owned), "{claims}");
    }
}
