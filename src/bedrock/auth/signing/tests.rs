//! Signatures compared with those of AWS's signer.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http::Method;
use http::header::HOST;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::bedrock::destination::encoded_segment;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, Clone)]
struct Case {
    method: Method,
    url: String,
    service: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    now: SystemTime,
}

fn access_key(token: Option<&str>) -> Credentials {
    let token = token.map(str::to_owned);
    Credentials::new("AKIDEXAMPLE", "a secret/of+ours", token, None, "test")
}

fn destination(case: &Case) -> Destination {
    Destination::parse(&case.url, case.service).expect("a destination")
}

fn unsigned(case: &Case) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = case.method.clone();
    for (name, value) in &case.headers {
        let value = HeaderValue::try_from(value).expect("a value");
        request.headers_mut().append(*name, value);
    }
    request
}

/// The headers of the request with the gateway's signature.
fn ours(case: &Case, credentials: &SigningCredentials) -> HeaderMap {
    let destination = destination(case);
    let mut request = unsigned(case);
    request.headers_mut().insert(HOST, destination.host.clone());
    let signed = credentials.sign(
        &mut request,
        &destination,
        "eu-west-1",
        &case.body,
        case.now,
    );
    signed.expect("a signature");
    request.into_parts().0.headers
}

/// The headers of the request with the signature of AWS's signer.
fn theirs(case: &Case, access_key: &Credentials) -> HeaderMap {
    let identity = access_key.clone().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name(case.service)
        .time(case.now)
        .settings(SigningSettings::default())
        .build()
        .expect("parameters")
        .into();
    let mut request = unsigned(case);
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")));
    let body = SignableBody::Bytes(&case.body);
    let signable = SignableRequest::new(case.method.as_str(), &case.url, headers, body);
    let signed = sign(signable.expect("a request"), &params).expect("a signature");
    let (instructions, _) = signed.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    let host = destination(case).host;
    request.headers_mut().insert(HOST, host);
    request.into_parts().0.headers
}

fn sorted(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let headers = headers.iter();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    headers.sort();
    headers
}

fn urls() -> impl Strategy<Value = String> {
    let endpoint = select(vec![
        "https://bedrock-runtime.eu-west-1.amazonaws.com",
        "https://vpce.example:443",
        "http://localhost:8080",
        "http://[::1]:80/base//path",
    ]);
    let id = prop_oneof![
        "[a-z]{1,8}\\.[a-z0-9.-]{1,20}:[0-9]",
        Just("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1".to_owned()),
    ];
    let path = prop_oneof![
        4 => id.prop_map(|id| format!("/model/{}/converse", encoded_segment(&id))),
        1 => "(/([a-zA-Z0-9._~:@!$&'()*+,;=%-]{0,6}|\\.|\\.\\.)){0,6}"
            .prop_map(|path| path.replace('%', "%2f")),
    ];
    let query = prop_oneof![
        2 => Just(String::new()),
        1 => "\\?([a-zA-Z]{0,2}(=[a-zA-Z0-9._~:@!$'()*+,;=/?%-]{0,6})?&?){0,4}",
    ];
    let query = query.prop_map(|query| query.replace('%', "%C3%A9"));
    (endpoint, path, query).prop_map(|(endpoint, path, query)| format!("{endpoint}{path}{query}"))
}

fn cases() -> impl Strategy<Value = Case> {
    let names = select(vec![
        "accept",
        "content-type",
        "x-amzn-bedrock-guardrailidentifier",
        "x-amzn-bedrock-trace",
        "zulu",
    ]);
    (
        select(vec![Method::GET, Method::POST]),
        urls(),
        select(vec!["bedrock", "bedrock-mantle"]),
        proptest::collection::vec((names, "[ -~]{0,20}"), 0..5),
        proptest::collection::vec(any::<u8>(), 0..200),
        0_u64..4_000_000_000,
    )
        .prop_map(|(method, url, service, headers, body, seconds)| Case {
            method,
            url,
            service,
            headers,
            body,
            now: UNIX_EPOCH + Duration::from_secs(seconds),
        })
}

fn case() -> Case {
    Case {
        method: Method::POST,
        url: "https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b%3A0/converse".to_owned(),
        service: "bedrock",
        headers: vec![("accept", "application/json".to_owned())],
        body: b"{}".to_vec(),
        now: UNIX_EPOCH + 20_000 * DAY - Duration::from_secs(1),
    }
}

proptest! {
    #[test]
    fn signatures_are_those_of_awss_signer(
        cases in proptest::collection::vec(cases(), 1..4),
        token in proptest::option::of("[!-~]{1,40}"),
    ) {
        let access_key = access_key(token.as_deref());
        // The same credentials for all of them, so that one case can find the keys of another.
        let credentials = SigningCredentials::new(access_key.clone()).expect("credentials");
        for case in &cases {
            let (ours, theirs) = (ours(case, &credentials), theirs(case, &access_key));
            prop_assert_eq!(sorted(&ours), sorted(&theirs));
        }
    }
}

#[test]
fn a_signing_key_is_derived_once_a_day_and_service() {
    let credentials = SigningCredentials::new(access_key(None)).expect("credentials");
    let key = |time, service| credentials.key(time, "eu-west-1", service).expect("a key");
    let first = key("20250131T000000Z", "bedrock");
    let mantle = key("20250131T120000Z", "bedrock-mantle");
    assert!(Arc::ptr_eq(&first, &key("20250131T235959Z", "bedrock")));
    assert!(Arc::ptr_eq(
        &mantle,
        &key("20250131T235959Z", "bedrock-mantle")
    ));
    assert_eq!(credentials.keys.read().len(), 2);
    let next = key("20250201T000000Z", "bedrock");
    assert_eq!(next.scope(), "20250201/eu-west-1/bedrock/aws4_request");
    assert_eq!(
        credentials.keys.read().len(),
        1,
        "the old day's keys are discarded"
    );
}

#[test]
fn signatures_are_right_on_both_sides_of_midnight() {
    let access_key = access_key(None);
    let credentials = SigningCredentials::new(access_key.clone()).expect("credentials");
    for seconds in [0, 1, 0, 2] {
        let case = Case {
            now: case().now + Duration::from_secs(seconds),
            ..case()
        };
        let (ours, theirs) = (ours(&case, &credentials), theirs(&case, &access_key));
        assert_eq!(sorted(&ours), sorted(&theirs));
    }
}

#[test]
fn values_that_are_not_ascii_are_sent_unsigned() {
    let credentials = SigningCredentials::new(access_key(None)).expect("credentials");
    let mut case = case();
    case.headers.push(("x-amzn-bedrock-trace", "é".to_owned()));
    let headers = ours(&case, &credentials);
    assert_eq!(headers["x-amzn-bedrock-trace"], "é");
    let authorization = headers[AUTHORIZATION].to_str().expect("a text");
    assert!(authorization.contains("SignedHeaders=accept;host;x-amz-date,"));
}

#[test]
fn debug_output_has_no_secret() {
    let credentials = SigningCredentials::new(access_key(Some("a token"))).expect("credentials");
    ours(&case(), &credentials);
    let text = format!("{credentials:?}");
    assert!(
        !text.contains("a secret") && !text.contains("a token"),
        "{text}"
    );
}
