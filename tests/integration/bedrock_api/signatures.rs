//! Requests signed by AWS's SDKs, verified by the gateway.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request};
use outcrop::allowances::KeyGrant;
use outcrop::config::{AccessKey, Config, KeyDigest, KeyEntry};
use outcrop::error::{ApiError, ErrorCode};
use outcrop::identity::Callers;
use outcrop::limits::{BudgetSettings, LimitRegistry, ThresholdQueue};
use proptest::prelude::*;
use proptest::sample::select;

pub const ID: &str = "OUTCROPTEAMA0001";
pub const SECRET: &str = "a-secret-that-only-team-a-and-the-gateway-know";

/// A caller `team-a` with the key `sk-team-a` and an access key.
fn with_team_a() -> Config {
    Config {
        keys: vec![team_a()],
        ..Config::default()
    }
}

pub fn team_a() -> KeyEntry {
    KeyEntry {
        caller: "team-a".to_owned(),
        digest: KeyDigest::of("sk-team-a"),
        access_key: Some(AccessKey::new(ID, SECRET)),
        chat: Default::default(),
        grant: KeyGrant::default(),
    }
}

fn registry() -> Arc<LimitRegistry> {
    let (queue, _) = ThresholdQueue::new();
    Arc::new(LimitRegistry::new(&BudgetSettings::default(), queue))
}

#[derive(Debug, Clone)]
struct SignedRequest {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn request(original: &SignedRequest) -> Request<()> {
    let mut request = Request::builder()
        .method(original.method.clone())
        .uri(format!("http://gateway.example:8080{}", original.path))
        .header("host", "gateway.example:8080");
    for (name, value) in &original.headers {
        request = request.header(*name, value);
    }
    request.body(()).unwrap()
}

/// The request's head, signed by the SDK's signer.
fn signed(original: &SignedRequest, secret: &str, region: &str, time: SystemTime) -> Parts {
    let mut request = request(original);
    let identity = Credentials::new(ID, secret, None, None, "test").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("bedrock")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let uri = request.uri().to_string();
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let body = SignableBody::Bytes(&original.body);
    let signable =
        SignableRequest::new(original.method.as_str(), uri.as_str(), headers, body).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    // The gateway receives the path without scheme and host.
    *request.uri_mut() = original.path.parse().unwrap();
    request.into_parts().0
}

fn caller(head: &Parts, body: &[u8], now: SystemTime) -> Result<String, ApiError> {
    let callers = Callers::new(&with_team_a(), &registry());
    let claim = callers.claim(head, None, now).now_or_never();
    let claim = claim.expect("a check without a wait")?;
    claim.prove(body).map(|caller| caller.name().to_owned())
}

fn code(refused: Result<String, ApiError>) -> ErrorCode {
    refused.unwrap_err().code.unwrap()
}

fn paths() -> impl Strategy<Value = String> {
    let id = "[a-zA-Z0-9._:~@+%!$'()*,;=-]{0,20}".prop_map(|id| id.replace('%', "%3A"));
    let id = prop_oneof![20 => id, 1 => Just(".".to_owned()), 1 => Just("..".to_owned())];
    let query = select(vec![
        "",
        "?maxResults=5",
        "?b=2&a=1&a=0",
        "?x=%2F%20y&empty",
    ]);
    let action = select(vec!["converse", "invoke", "count-tokens"]);
    (id, action, query).prop_map(|(id, action, query)| format!("/model/{id}/{action}{query}"))
}

fn original() -> impl Strategy<Value = SignedRequest> {
    let headers = proptest::collection::vec(
        (
            select(vec![
                "content-type",
                "x-amzn-bedrock-trace",
                "x-custom",
                "accept",
            ]),
            "[ -~]{0,20}",
        ),
        0..4,
    );
    let method = select(vec![Method::GET, Method::POST]);
    let body = proptest::collection::vec(any::<u8>(), 0..40);
    (method, paths(), headers, body).prop_map(|(method, path, headers, body)| SignedRequest {
        method,
        path,
        headers,
        body,
    })
}

proptest! {
    #[test]
    fn any_request_signed_by_an_sdk_is_accepted(
        original in original(),
        region in "[a-z]{2}-[a-z]{4}-[1-9]",
    ) {
        let now = SystemTime::now();
        let head = signed(&original, SECRET, &region, now);
        prop_assert_eq!(caller(&head, &original.body, now), Ok("team-a".to_owned()));
    }

    #[test]
    fn changes_to_signed_data_are_detected(original in original(), change in 0_usize..6) {
        let now = SystemTime::now();
        let mut head = signed(&original, SECRET, "us-east-1", now);
        let mut body = original.body.clone();
        match change {
            0 => body.push(b'x'),
            1 => head.method = Method::PUT,
            2 => head.uri = format!("/model/other{}", &original.path[6..]).parse().unwrap(),
            3 => {
                let joint = if original.path.contains('?') { '&' } else { '?' };
                head.uri = format!("{}{joint}more=1", original.path).parse().unwrap();
            }
            4 => {
                head.headers.insert("host", HeaderValue::from_static("other.example"));
            }
            _ => {
                let later = now + Duration::from_secs(60);
                let other = signed(&original, SECRET, "us-east-1", later);
                let date = other.headers["x-amz-date"].clone();
                head.headers.insert("x-amz-date", date);
            }
        }
        prop_assert_eq!(code(caller(&head, &body, now)), ErrorCode::InvalidSignature);
    }
}

fn plain() -> SignedRequest {
    SignedRequest {
        method: Method::POST,
        path: "/model/amazon.nova-lite-v1%3A0/converse".to_owned(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
    }
}

#[test]
fn every_signature_error_has_the_name_sdks_expect() {
    let now = SystemTime::now();
    let head = |secret| signed(&plain(), secret, "us-east-1", now);
    assert_eq!(
        code(caller(&head("another secret"), b"{}", now)),
        ErrorCode::InvalidSignature
    );
    let late = now + Duration::from_secs(301);
    assert_eq!(
        code(caller(&head(SECRET), b"{}", late)),
        ErrorCode::InvalidSignature
    );
    let with = |name: &'static str, value: &str| {
        let mut head = head(SECRET);
        head.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
        code(caller(&head, b"{}", now))
    };
    let value = head(SECRET).headers["authorization"].clone();
    let value = value.to_str().unwrap();
    let unknown = value.replace(ID, "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(with("authorization", &unknown), ErrorCode::InvalidApiKey);
    assert_eq!(
        with("authorization", "AWS4-HMAC-SHA256 Credential=x"),
        ErrorCode::IncompleteSignature
    );
    assert_eq!(
        with("x-amz-security-token", "a token"),
        ErrorCode::InvalidApiKey
    );
    for unsigned in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] {
        assert_eq!(
            with("x-amz-content-sha256", unsigned),
            ErrorCode::InvalidSignature
        );
    }
}

#[test]
fn debug_output_contains_no_secret() {
    let callers = Callers::new(&with_team_a(), &registry());
    let head = signed(&plain(), SECRET, "us-east-1", SystemTime::now());
    let claim = callers.claim(&head, None, SystemTime::now()).now_or_never();
    let debug_output = format!("{callers:?} {claim:?}");
    assert!(!debug_output.contains(SECRET), "{debug_output}");
}
