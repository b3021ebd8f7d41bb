//! The parts of a canonical request.

use std::borrow::Cow;

use http::{HeaderMap, Uri};
use memchr::memchr2;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// All but the unreserved characters of RFC 3986.
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same without the slash, for paths.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The lines of the path and the query. The path is URI-encoded again, as for all services except
/// S3.
pub fn canonical_url(url: &Uri) -> String {
    let path = without_dot_segments(url.path());
    let path = percent_encode(path.as_bytes(), RESERVED_IN_PATH);
    let query = query(url.query().unwrap_or_default());
    format!("{path}\n{query}\n")
}

/// The lines of the headers that are signed, and of their names. `signed_headers` separates the
/// names by semicolons.
pub fn canonical_headers(headers: &HeaderMap, signed_headers: &str, canonical: &mut Vec<u8>) {
    for name in signed_headers.split(';') {
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        for (index, value) in headers.get_all(name).iter().enumerate() {
            if index > 0 {
                canonical.push(b',');
            }
            push_without_runs_of_spaces(value.as_bytes(), canonical);
        }
        canonical.push(b'\n');
    }
    canonical.push(b'\n');
    canonical.extend_from_slice(signed_headers.as_bytes());
    canonical.push(b'\n');
}

/// The path without empty segments, `.` and `..` (RFC 3986, section 5.2.4).
fn without_dot_segments(path: &str) -> Cow<'_, str> {
    if !path.contains("/.") && !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    let end = if is_folder && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    Cow::Owned(format!("/{}{end}", segments.join("/")))
}

/// The canonical query: sorted, with uniform encoding.
fn query(query: &str) -> String {
    let encoded = |text: &str| {
        let text = text.replace('+', " ");
        let bytes: Vec<u8> = percent_decode_str(&text).collect();
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

/// Appends the trimmed value, with one space for each run of spaces.
fn push_without_runs_of_spaces(value: &[u8], canonical: &mut Vec<u8>) {
    if memchr2(b' ', b'\t', value).is_none() {
        canonical.extend_from_slice(value);
        return;
    }
    let words = value.split(|byte| matches!(byte, b' ' | b'\t'));
    let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
    canonical.extend(words.join(&b' '));
}
