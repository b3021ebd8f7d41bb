//! Bucket operations: HeadBucket, ListObjectsV2, DeleteObjects.

use http::{HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::S3Error;
use super::request::S3Request;
use super::storage::Storage;
use super::store::Object;
use super::xml::{self, element};
use crate::catalog::REGION;
use crate::reply::Reply;
use crate::timestamp;

/// Maximum number of keys per page and per DeleteObjects request.
const MAX_KEYS: usize = 1000;
/// Everything that `encoding-type=url` encodes.
const IN_KEYS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*')
    .remove(b'/');

pub(super) fn head() -> Reply {
    xml::empty(StatusCode::OK).with_header("x-amz-bucket-region", HeaderValue::from_static(REGION))
}

/// A page of keys. With `delimiter`, keys that share the part up to it become one common prefix.
pub(super) fn list(storage: &Storage, request: &S3Request<'_>) -> Result<Reply, S3Error> {
    let value = |name: &str| request.query.get(name).unwrap_or_default();
    let max = match request.query.get("max-keys") {
        None => MAX_KEYS,
        Some(text) => text.parse::<usize>().map_err(|_| {
            let message = "Provided max-keys not an integer or within integer range";
            S3Error::bad_request("InvalidArgument", message)
        })?,
    }
    .min(MAX_KEYS);
    let (prefix, delimiter) = (value("prefix"), value("delimiter"));
    let after = match request.query.get("continuation-token") {
        Some(token) => token_key(token)?,
        None => value("start-after").to_owned(),
    };
    let objects = storage
        .objects
        .objects_after(&request.bucket, prefix, &after);
    let page = Page::of(objects, prefix, delimiter, &after, max);
    let written = |key: &str| match request.query.get("encoding-type") {
        Some("url") => utf8_percent_encode(key, IN_KEYS).to_string(),
        _ => key.to_owned(),
    };
    Ok(xml::reply(
        "ListBucketResult",
        &page.written(request, max, written),
    ))
}

pub(super) fn delete(
    storage: &Storage,
    request: &S3Request<'_>,
    content: &[u8],
) -> Result<Reply, S3Error> {
    let document = std::str::from_utf8(content).map_err(|_| S3Error::malformed_xml())?;
    let objects = xml::elements(document, "Object");
    let keys: Option<Vec<String>> = objects
        .iter()
        .map(|object| xml::text(object, "Key"))
        .collect();
    let keys = keys.filter(|keys| (1..=MAX_KEYS).contains(&keys.len()));
    let keys = keys.ok_or_else(S3Error::malformed_xml)?;
    let is_quiet = xml::text(document, "Quiet").is_some_and(|is_quiet| is_quiet == "true");
    let mut result_xml = String::new();
    for key in &keys {
        storage.objects.delete(&request.bucket, key);
        if !is_quiet {
            result_xml += &format!("<Deleted>{}</Deleted>", element("Key", key));
        }
    }
    Ok(xml::reply("DeleteResult", &result_xml))
}

struct Page {
    objects: Vec<(String, Object)>,
    prefixes: Vec<String>,
    /// The last key or prefix of the page if more follow.
    next: Option<String>,
}

impl Page {
    fn of(
        all: Vec<(String, Object)>,
        prefix: &str,
        delimiter: &str,
        after: &str,
        max: usize,
    ) -> Self {
        let mut page = Self {
            objects: Vec::new(),
            prefixes: Vec::new(),
            next: None,
        };
        let mut last = String::new();
        for (key, object) in all {
            let common = common_prefix(&key, prefix, delimiter);
            // Skip keys of a common prefix that this page or an earlier one already lists.
            if let Some(common) = &common
                && (page.prefixes.last() == Some(common) || after.starts_with(common.as_str()))
            {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == max {
                page.next = (max > 0).then_some(last);
                return page;
            }
            last = common.clone().unwrap_or_else(|| key.clone());
            match common {
                Some(common) => page.prefixes.push(common),
                None => page.objects.push((key, object)),
            }
        }
        page
    }

    fn written(
        &self,
        request: &S3Request<'_>,
        max: usize,
        written: impl Fn(&str) -> String,
    ) -> String {
        let mut text = element("Name", &request.bucket);
        for (parameter, name) in [
            ("prefix", "Prefix"),
            ("delimiter", "Delimiter"),
            ("start-after", "StartAfter"),
        ] {
            match request.query.get(parameter) {
                Some(value) => text += &element(name, &written(value)),
                None if name == "Prefix" => text += "<Prefix></Prefix>",
                None => {}
            }
        }
        for (parameter, name) in [
            ("encoding-type", "EncodingType"),
            ("continuation-token", "ContinuationToken"),
        ] {
            if let Some(value) = request.query.get(parameter) {
                text += &element(name, value);
            }
        }
        let count = self.objects.len() + self.prefixes.len();
        text += &element("KeyCount", &count.to_string());
        text += &element("MaxKeys", &max.to_string());
        text += &element("IsTruncated", &self.next.is_some().to_string());
        if let Some(next) = &self.next {
            text += &element("NextContinuationToken", &token(next));
        }
        for (key, object) in &self.objects {
            let fields = [
                ("Key", written(key)),
                ("LastModified", timestamp::iso(object.modified)),
                ("ETag", object.etag.clone()),
                ("Size", object.content.len().to_string()),
                ("StorageClass", "STANDARD".to_owned()),
            ];
            let fields = fields.map(|(name, value)| element(name, &value));
            text += &format!("<Contents>{}</Contents>", fields.concat());
        }
        for prefix in &self.prefixes {
            let prefix = element("Prefix", &written(prefix));
            text += &format!("<CommonPrefixes>{prefix}</CommonPrefixes>");
        }
        text
    }
}

fn common_prefix(key: &str, prefix: &str, delimiter: &str) -> Option<String> {
    let rest = key.strip_prefix(prefix)?;
    if delimiter.is_empty() {
        return None;
    }
    let (folder, _) = rest.split_once(delimiter)?;
    Some(format!("{prefix}{folder}{delimiter}"))
}

/// The continuation token; opaque to clients.
fn token(key: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(key)
}

fn token_key(token: &str) -> Result<String, S3Error> {
    use base64::Engine as _;
    let key = base64::prelude::BASE64_STANDARD.decode(token);
    let key = key.ok().and_then(|key| String::from_utf8(key).ok());
    key.ok_or_else(|| {
        let message = "The continuation token provided is incorrect";
        S3Error::bad_request("InvalidArgument", message)
    })
}
