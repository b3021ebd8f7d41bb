//! The canonical request of SigV4.

use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::SignatureError;

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same without the slash, for paths.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The canonical request of `head` up to the hash of the body.
pub(super) fn up_to_body(head: &Parts, signed_headers: &str) -> Result<Vec<u8>, SignatureError> {
    let names: Vec<&str> = signed_headers.split(';').collect();
    check_signed(head, &names)?;
    // The path is URI-encoded again, as for all services except S3.
    let path = percent_encode(head.uri.path().as_bytes(), RESERVED_IN_PATH);
    let query = query(head.uri.query().unwrap_or_default());
    let mut canonical = format!("{}\n{path}\n{query}\n", head.method).into_bytes();
    for name in names {
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        let values: Vec<Vec<u8>> = head
            .headers
            .get_all(name)
            .iter()
            .map(|value| without_runs_of_spaces(value.as_bytes()))
            .collect();
        canonical.extend(values.join(&b','));
        canonical.push(b'\n');
    }
    canonical.extend_from_slice(format!("\n{signed_headers}\n").as_bytes());
    Ok(canonical)
}

/// Checks that `host` is signed, without which a signature would be valid for any server, and every
/// `x-amz-` header.
fn check_signed(head: &Parts, names: &[&str]) -> Result<(), SignatureError> {
    let is_signed = |name: &str| names.contains(&name);
    if !is_signed("host") {
        return Err(SignatureError::Unsigned("Host".to_owned()));
    }
    let amazon = head.headers.keys().map(|name| name.as_str());
    let mut amazon = amazon.filter(|name| name.starts_with("x-amz-"));
    match amazon.find(|name| !is_signed(name)) {
        Some(name) => Err(SignatureError::Unsigned(name.to_owned())),
        None => Ok(()),
    }
}

/// The canonical query: sorted, with uniform encoding.
fn query(query: &str) -> String {
    let encoded = |text: &str| {
        let bytes: Vec<u8> = percent_decode_str(text).collect();
        percent_encode(&bytes, RESERVED).to_string()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Trims the value and collapses runs of spaces.
fn without_runs_of_spaces(value: &[u8]) -> Vec<u8> {
    let words = value.split(|byte| matches!(byte, b' ' | b'\t'));
    let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}
