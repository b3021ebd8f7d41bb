//! S3 locations of media, which Bedrock reads itself.

use crate::converse::media::S3Location;
use crate::error::{ApiError, Parameter};

/// The maximum length of a URI (botocore, bedrock-runtime: `S3Uri`).
const MAX_URI_CHARS: usize = 1024;

/// Whether `text` starts like an S3 URI.
pub(super) fn is_s3_uri(text: &str) -> bool {
    text.starts_with("s3://")
}

/// The S3 location `uri`. The last two are the fields, for errors.
pub(super) fn s3_location(
    uri: String,
    bucket_owner: Option<String>,
    uri_field: impl Into<Parameter>,
    owner_field: impl Into<Parameter>,
) -> Result<S3Location, ApiError> {
    if !is_object(&uri) {
        return Err(ApiError::invalid(
            uri_field,
            format!(
                "the value is not the URI of an S3 object; send `s3://bucket/key` with at most \
                 {MAX_URI_CHARS} characters"
            ),
        ));
    }
    let is_account = |owner: &str| owner.len() == 12 && owner.bytes().all(|b| b.is_ascii_digit());
    if bucket_owner
        .as_deref()
        .is_some_and(|owner| !is_account(owner))
    {
        return Err(ApiError::invalid(
            owner_field,
            "the bucket owner must be an AWS account id of 12 digits",
        ));
    }
    Ok(S3Location { uri, bucket_owner })
}

/// Whether `uri` has a key and a bucket name of 3 to 63 lower-case letters, digits, dots and
/// hyphens (botocore's pattern).
fn is_object(uri: &str) -> bool {
    let Some((bucket, key)) = uri
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_allowed = |c: char| is_alphanumeric(c) || matches!(c, '.' | '-');
    uri.chars().count() <= MAX_URI_CHARS
        && (3..=63).contains(&bucket.len())
        && bucket.starts_with(is_alphanumeric)
        && bucket.ends_with(is_alphanumeric)
        && bucket.chars().all(is_allowed)
        && !key.is_empty()
        && !key.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_uris_and_bucket_owners_are_validated() {
        let long = format!("s3://bucket/{}", "k".repeat(1012));
        let longer = format!("{long}k");
        for (uri, owner, refused) in [
            ("s3://bucket/a b/ü.pdf", None, None),
            ("s3://my.bucket-1/key", Some("123456789012"), None),
            (long.as_str(), None, None),
            (longer.as_str(), None, Some("url")),
            ("s3://bucket", None, Some("url")),
            ("s3://bucket/", None, Some("url")),
            ("s3:///key", None, Some("url")),
            ("s3://Bucket/key", None, Some("url")),
            ("s3://-bucket/key", None, Some("url")),
            ("s3://bucket/a\nb", None, Some("url")),
            ("s3://bucket/key", Some("12345678901"), Some("owner")),
            ("s3://bucket/key", Some("12345678901a"), Some("owner")),
        ] {
            let location = s3_location(uri.to_owned(), owner.map(str::to_owned), "url", "owner");
            let parameter = location
                .err()
                .and_then(|error| error.path().map(|path| path.into_owned()));
            assert_eq!(parameter.as_deref(), refused, "{uri} {owner:?}");
        }
    }
}
