//! Callers that identify themselves by the tokens of an identity provider.

use futures_util::future::join_all;
use outcrop::config::Config;
use outcrop::usage::Identity;
use serde_json::{Value, json};

use crate::harness::identity_provider::{IdentityProvider, SigningKey, unix_seconds};
use crate::harness::{Harness, Reply, config_of, non_streaming};

/// A gateway with the `[jwt]`, `[keys]` and `[teams]` of `text`.
async fn gateway(text: &str) -> Harness {
    let Config {
        keys,
        jwt,
        organization,
        models,
        ..
    } = config_of(text);
    Harness::with(|config| {
        config.keys = keys;
        config.jwt = jwt;
        config.organization = organization;
        config.models = models;
    })
    .await
}

async fn chat(harness: &Harness, credential: &str) -> Reply {
    let value = format!("Bearer {credential}");
    let headers = [("authorization", value.as_str())];
    harness.chat_with(&headers, &non_streaming("hi")).await
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_token_identifies_its_user_and_team() {
    let key = SigningKey::new("one");
    let provider = IdentityProvider::start(&[&key]).await;
    let text = provider.section(
        "team_claim = \"groups\"\nteams = { \"AI Research\" = \"research\" }\n[teams.research]\n\
         allowed_models = [\"*claude*\"]",
    );
    let harness = gateway(&text).await;
    let groups = json!(["Everyone", "AI Research"]);
    let claims = with(provider.claims("ann@example.com"), "groups", groups);
    let token = key.sign(&claims);
    for header in ["authorization", "api-key", "x-api-key"] {
        let value = match header {
            "authorization" => format!("Bearer {token}"),
            _ => token.clone(),
        };
        let reply = harness
            .chat_with(&[(header, &value)], &non_streaming("hi"))
            .await;
        assert_eq!(reply.status, 200, "{header}: {}", reply.text);
    }
    let record = harness.records.take(3).await.pop().unwrap();
    assert_eq!(record.identity, Some(Identity::Jwt));
    let caller = record.caller.expect("a caller");
    assert_eq!(&*caller.id, "idp:ann@example.com");
    assert_eq!(caller.team.as_deref(), Some("research"));
    assert_eq!(caller.user.as_deref(), Some("ann@example.com"));

    let mut other = non_streaming("hi");
    other["model"] = "amazon.nova-lite-v1:0".into();
    let value = format!("Bearer {token}");
    let refused = harness
        .chat_with(&[("authorization", &value)], &other)
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let without = chat(&harness, &key.sign(&provider.claims("bob"))).await;
    assert_eq!(without.status, 403);
    assert_eq!(without.error()["code"], "no_team");
}

#[tokio::test]
async fn invalid_tokens_are_refused_with_the_reason_and_are_not_repeated() {
    let (key, other) = (SigningKey::new("one"), SigningKey::new("one"));
    let provider = IdentityProvider::start(&[&key]).await;
    let harness = gateway(&provider.section("")).await;
    let claims = || provider.claims("ann");
    let signed = |name: &str, value: Value| key.sign(&with(claims(), name, value));
    let valid = key.sign(&claims());
    let (message, _) = valid.rsplit_once('.').unwrap();
    let (_, payload) = message.split_once('.').unwrap();
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");
    for (token, reason) in [
        (unsigned, "does not accept its algorithm"),
        (other.sign(&claims()), "its signature does not match"),
        (signed("aud", json!("other")), "another audience (`aud`)"),
        (signed("iss", json!("https://other")), "its issuer (`iss`)"),
        (signed("exp", json!(1)), "it has expired (`exp`)"),
        (
            signed("nbf", json!(unix_seconds() + 3600)),
            "not valid yet (`nbf`)",
        ),
        (
            SigningKey::new("two").sign(&claims()),
            "does not publish the key",
        ),
    ] {
        let refused = chat(&harness, &token).await;
        assert_eq!(refused.status, 401, "{reason}");
        let error = refused.error();
        assert_eq!(error["code"], "invalid_token");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(reason), "{message}");
        assert!(!refused.text.contains(payload), "{}", refused.text);
    }
    let record = harness.records.take(7).await.pop().unwrap();
    assert!(record.rejected_key.is_some_and(|key| key.len() < 12));
    assert_eq!(chat(&harness, &valid).await.status, 200);
    let no_key = harness.chat(&non_streaming("hi")).await;
    assert_eq!(no_key.status, 401, "tokens are required");
}

#[tokio::test]
async fn unknown_keys_cause_one_request_to_the_provider() {
    let key = SigningKey::new("one");
    let provider = IdentityProvider::start(&[&key]).await;
    let harness = gateway(&provider.section("")).await;
    let valid = key.sign(&provider.claims("ann"));
    let unknown = SigningKey::new("unknown").sign(&provider.claims("ann"));
    let storm = (0..40).map(|number| {
        let token = if number % 4 == 0 { &valid } else { &unknown };
        chat(&harness, token)
    });
    for (number, reply) in join_all(storm).await.into_iter().enumerate() {
        let expected = if number % 4 == 0 { 200 } else { 401 };
        assert_eq!(reply.status, expected, "{}", reply.text);
    }
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn without_the_provider_known_keys_work_and_unknown_ones_can_be_tried_later() {
    let (one, two) = (SigningKey::new("one"), SigningKey::new("two"));
    let provider = IdentityProvider::start(&[&one]).await;
    let text = provider.section("");
    let harness = gateway(&text).await;
    assert_eq!(
        chat(&harness, &one.sign(&provider.claims("ann")))
            .await
            .status,
        200
    );
    provider.fail();
    // The keys survive a reload.
    harness.reload(|_| {});
    assert_eq!(
        chat(&harness, &one.sign(&provider.claims("bob")))
            .await
            .status,
        200
    );
    assert_eq!(provider.requests(), 1);

    let other = gateway(&text).await;
    for key in [&one, &two] {
        let refused = chat(&other, &key.sign(&provider.claims("ann"))).await;
        assert_eq!(refused.status, 503, "{}", refused.text);
        assert_eq!(refused.error()["code"], "service_unavailable");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn keys_work_besides_tokens_and_several_providers_besides_each_other() {
    let (one, two) = (SigningKey::new("key"), SigningKey::new("key"));
    let first = IdentityProvider::start(&[&one]).await;
    let second = IdentityProvider::start(&[&two]).await;
    let text = format!(
        "[keys]\nscript = \"sk-of-a-script\"\n{}[jwt.other]\nissuer = \"{}\"\n\
         audience = [\"gateway\"]\nuser_claim = \"email\"\njwks_url = \"http://{}/keys\"\n",
        first.section(""),
        second.issuer(),
        second.address,
    );
    let harness = gateway(&text).await;
    let of_second = with(second.claims("1"), "email", json!("ann@example.com"));
    for (credential, caller) in [
        ("sk-of-a-script".to_owned(), "script"),
        (one.sign(&first.claims("ann")), "idp:ann"),
        (two.sign(&of_second), "other:ann@example.com"),
    ] {
        let reply = chat(&harness, &credential).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let record = harness.records.take(1).await.pop().unwrap();
        assert_eq!(&*record.caller.unwrap().id, caller);
    }
    assert_eq!(chat(&harness, &one.sign(&of_second)).await.status, 401);
    assert_eq!(chat(&harness, "sk-of-another").await.status, 401);
}

#[tokio::test]
async fn a_verified_token_is_not_verified_again_until_the_configuration_changes() {
    let key = SigningKey::new("one");
    let provider = IdentityProvider::start(&[&key]).await;
    let harness = gateway(&provider.section("")).await;
    let token = key.sign(&provider.claims("ann"));
    assert_eq!(chat(&harness, &token).await.status, 200);
    provider.publish(&[]);
    assert_eq!(chat(&harness, &token).await.status, 200);
    harness.reload(|config| config.jwt.clear());
    assert_eq!(
        chat(&harness, &token).await.status,
        200,
        "without keys, none is needed"
    );
    harness.reload(|config| config.keys = config_of("[keys]\na = \"sk-12345678\"").keys);
    assert_eq!(chat(&harness, &token).await.status, 401);
}
