use std::time::UNIX_EPOCH;

use http::Request;

use super::*;
use crate::error::ApiError;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// 2015-08-30T12:36:00Z, when AWS's examples were signed.
const SIGNED_AT: u64 = 1_440_938_160;

/// One of AWS's signing test suite (awslabs/aws-c-auth v0.9.0, tests/aws-signing-test-suite).
struct SigningCase {
    name: &'static str,
    method: &'static str,
    uri: &'static str,
    /// In addition to `host` and `x-amz-date`.
    headers: &'static [(&'static str, &'static str)],
    signed_headers: &'static str,
    body: &'static [u8],
    signature: &'static str,
}

const PLAIN: SigningCase = SigningCase {
    name: "get-vanilla",
    method: "GET",
    uri: "/",
    headers: &[],
    signed_headers: "host;x-amz-date",
    body: b"",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
};

const CASES: &[SigningCase] = &[
    PLAIN,
    SigningCase {
        name: "get-header-value-order",
        headers: &[
            ("my-header1", "value4"),
            ("my-header1", "value1"),
            ("my-header1", "value3"),
            ("my-header1", "value2"),
        ],
        signed_headers: "host;my-header1;x-amz-date",
        signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        ..PLAIN
    },
    SigningCase {
        name: "get-header-value-trim",
        headers: &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
        signed_headers: "host;my-header1;my-header2;x-amz-date",
        signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ..PLAIN
    },
    SigningCase {
        name: "get-unreserved",
        uri: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ..PLAIN
    },
    SigningCase {
        name: "get-vanilla-query-order-encoded",
        uri: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ..PLAIN
    },
    SigningCase {
        name: "get-vanilla-query-order-key-case",
        uri: "/?Param2=value2&Param1=value1",
        signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ..PLAIN
    },
    SigningCase {
        name: "get-vanilla-query-unreserved",
        uri: "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ..PLAIN
    },
    SigningCase {
        name: "get-vanilla-with-session-token",
        headers: &[(
            "x-amz-security-token",
            "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
        )],
        signed_headers: "host;x-amz-date;x-amz-security-token",
        signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        ..PLAIN
    },
    SigningCase {
        name: "post-vanilla-query",
        method: "POST",
        uri: "/?Param1=value1",
        signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        ..PLAIN
    },
    SigningCase {
        name: "post-x-www-form-urlencoded-parameters",
        method: "POST",
        headers: &[
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("content-length", "13"),
            (
                "x-amz-content-sha256",
                "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
            ),
        ],
        signed_headers: "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
        body: b"Param1=value1",
        signature: "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
        ..PLAIN
    },
];

fn head(case: &SigningCase) -> Parts {
    let mut request = Request::builder()
        .method(case.method)
        .uri(case.uri)
        .header("host", "example.amazonaws.com")
        .header("x-amz-date", "20150830T123600Z");
    for (name, value) in case.headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

/// The header of `case`, signed for `service`.
fn authorization(case: &SigningCase, service: &str) -> String {
    let SigningCase {
        signed_headers,
        signature,
        ..
    } = case;
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, \
         SignedHeaders={signed_headers}, Signature={signature}"
    )
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn signatures_of_amazons_test_suite_are_accepted() {
    for case in CASES {
        let text = authorization(case, "service");
        let signature = Signature::parse(&text).expect(case.name);
        let unproven = signature
            .prepared(&head(case), "20150830T123600Z", SECRET)
            .expect(case.name);
        assert!(unproven.covers(case.body), "{}", case.name);
    }
}

#[test]
fn another_secret_or_another_body_is_rejected() {
    for (secret, body) in [(SECRET, &b"x"[..]), ("wJalrXUtnFEMI", b"")] {
        let text = authorization(&PLAIN, "service");
        let signature = Signature::parse(&text).expect("a signature");
        let unproven = signature
            .prepared(&head(&PLAIN), "20150830T123600Z", secret)
            .expect("a request");
        assert!(!unproven.covers(body));
    }
}

#[test]
fn clock_skew_of_five_minutes_is_accepted() {
    let text = authorization(&PLAIN, "bedrock");
    let signature = Signature::parse(&text).expect("a signature");
    let over = |now| signature.over(&head(&PLAIN), SECRET, at(now)).err();
    for now in [SIGNED_AT - 300, SIGNED_AT, SIGNED_AT + 300] {
        assert_eq!(over(now), None);
    }
    let expired = over(SIGNED_AT + 301).expect("a refusal");
    assert_eq!(
        ApiError::from(&expired).to_string(),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z \
         (20150830T124101Z - 5 min.)"
    );
    let early = over(SIGNED_AT - 301).expect("a refusal");
    assert!(matches!(early, SignatureError::NotYetCurrent(_)));
}

#[test]
fn a_signature_for_another_request_is_rejected() {
    let over = |text: &str, head: &Parts| {
        let signature = Signature::parse(text)?;
        signature.over(head, SECRET, at(SIGNED_AT)).map(|_| ())
    };
    let plain = authorization(&PLAIN, "bedrock");
    assert_eq!(over(&plain, &head(&PLAIN)), Ok(()));
    let other_service = authorization(&PLAIN, "s3");
    assert_eq!(
        over(&other_service, &head(&PLAIN)),
        Err(SignatureError::OtherService)
    );
    let other_day = plain.replace("/20150830/", "/20150829/");
    assert_eq!(
        over(&other_day, &head(&PLAIN)),
        Err(SignatureError::OtherDate)
    );
    let no_host = plain.replace("host;", "");
    assert!(matches!(
        over(&no_host, &head(&PLAIN)),
        Err(SignatureError::Unsigned(_))
    ));
    let mut more = head(&PLAIN);
    more.headers
        .insert("x-amz-target", http::HeaderValue::from_static("x"));
    assert_eq!(
        over(&plain, &more),
        Err(SignatureError::Unsigned("x-amz-target".to_owned()))
    );
}

#[test]
fn an_incomplete_signature_is_rejected_with_what_it_lacks() {
    for (text, lacks) in [
        ("AWS4-HMAC-SHA256", "Credential"),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00",
            "Credential",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/20150830/r/bedrock/aws4_request, Signature=00",
            "SignedHeaders",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/20150830/r/bedrock/aws4_request, SignedHeaders=host",
            "Signature",
        ),
    ] {
        let refusal = Signature::parse(text).expect_err(text);
        assert_eq!(refusal, SignatureError::Incomplete(lacks), "{text}");
    }
    let short = "AWS4-HMAC-SHA256 Credential=a/d/r/bedrock/aws4_request, SignedHeaders=host, \
                 Signature=é0";
    assert_eq!(
        Signature::parse(short).expect_err("no signature"),
        SignatureError::OtherSignature
    );
}
