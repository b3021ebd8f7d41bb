//! Checks of the `Content-Type` header.

use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderValue};

use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The default content type of curl.
const CURL_DEFAULT: &str = "application/x-www-form-urlencoded";

/// Refuses a body that is not declared as JSON. A page of any site can send text and forms without
/// a preflight, so only clients without an `Origin` header, which are not browsers, may omit the
/// type.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    require(headers, is_json)
}

/// The same for Bedrock's own API: AWS's SDKs declare the body of InvokeModel as bytes.
pub fn require_json_or_bytes(headers: &HeaderMap) -> Result<(), ApiError> {
    require(headers, |essence| {
        is_json(essence) || essence == "application/octet-stream"
    })
}

fn require(headers: &HeaderMap, is_body: impl Fn(&str) -> bool) -> Result<(), ApiError> {
    let from_browser = headers.contains_key(ORIGIN);
    let mut declared = headers.get_all(CONTENT_TYPE).iter().peekable();
    if declared.peek().is_none() {
        return match from_browser {
            false => Ok(()),
            true => Err(unsupported("none".to_owned())),
        };
    }
    let is_taken = |value: &HeaderValue| {
        let essence = essence(value);
        is_body(&essence) || (!from_browser && essence == CURL_DEFAULT)
    };
    match declared.find(|value| !is_taken(value)) {
        None => Ok(()),
        Some(other) => Err(unsupported(format!(
            "`{}`",
            other.to_str().unwrap_or_default()
        ))),
    }
}

/// The media type without parameters, in lower case.
fn essence(value: &HeaderValue) -> String {
    let value = value.to_str().unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    let Some((_, subtype)) = essence.split_once('/') else {
        return false;
    };
    // AWS's clients add a version: `application/x-amz-json-1.1`.
    subtype == "json" || subtype.ends_with("+json") || subtype.starts_with("x-amz-json-")
}

fn unsupported(declared: String) -> ApiError {
    ApiError::new(
        ErrorKind::UnsupportedMediaType,
        format!(
            "Unsupported content type: {declared}. The body must be JSON with \
            `Content-Type: application/json`"
        ),
    )
    .code(ErrorCode::UnsupportedMediaType)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(declared: &[&str], from_browser: bool) -> bool {
        let mut headers = HeaderMap::new();
        for value in declared {
            let value = HeaderValue::from_str(value).expect("a header value");
            headers.append(CONTENT_TYPE, value);
        }
        if from_browser {
            headers.insert(ORIGIN, HeaderValue::from_static("http://localhost:3000"));
        }
        require_json(&headers).is_ok()
    }

    #[test]
    fn every_json_media_type_is_accepted() {
        for declared in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.api+json",
            "application/x-amz-json-1.1",
            "text/json",
        ] {
            assert!(is_taken(&[declared], false), "{declared}");
            assert!(is_taken(&[declared], true), "{declared}");
        }
    }

    #[test]
    fn content_types_without_preflight_are_not_json() {
        for declared in [
            "text/plain",
            "text/plain; a=json",
            "multipart/form-data; boundary=json",
            "json",
            "",
        ] {
            assert!(!is_taken(&[declared], false), "{declared}");
            assert!(!is_taken(&[declared], true), "{declared}");
        }
        assert!(!is_taken(&["application/json", "text/plain"], false));
    }

    #[test]
    fn binary_bodies_are_accepted_only_by_the_bedrock_api() {
        let bytes = HeaderValue::from_static("application/octet-stream");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, bytes)]);
        assert!(require_json_or_bytes(&headers).is_ok());
        assert!(require_json(&headers).is_err());
    }

    #[test]
    fn only_browsers_must_declare_a_content_type() {
        for declared in [&[][..], &["application/x-www-form-urlencoded"]] {
            assert!(is_taken(declared, false), "{declared:?}");
            assert!(!is_taken(declared, true), "{declared:?}");
        }
    }
}
