//! Parses S3 requests.

use http::Method;
use http::header::HOST;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::error::S3Error;
use crate::operation::Operation;
use crate::options::Options;

#[derive(Debug)]
pub(super) struct S3Request<'a> {
    pub(super) operation: Operation,
    pub(super) bucket: String,
    /// Empty for bucket operations.
    pub(super) key: String,
    pub(super) query: Query,
    pub(super) head: &'a Parts,
}

/// The decoded query parameters, in their order.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl<'a> S3Request<'a> {
    pub(super) fn of(options: &Options, head: &'a Parts) -> Result<Self, S3Error> {
        let path = head.uri.path().trim_start_matches('/');
        let (bucket, key) = match bucket_in_host(options, head) {
            Some(bucket) => (bucket, path),
            None => {
                let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
                (bucket.to_owned(), key)
            }
        };
        let key = percent_decode_str(key)
            .decode_utf8()
            .map_err(|_| S3Error::invalid_uri())?;
        let query = Query::of(head.uri.query().unwrap_or_default());
        let operation = operation(&head.method, !key.is_empty(), &query)
            .ok_or_else(S3Error::not_implemented)?;
        Ok(Self {
            operation,
            bucket,
            key: key.into_owned(),
            query,
            head,
        })
    }

    /// The value of a header; `None` if it is missing or not text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let value = self.head.headers.get(name)?;
        value.to_str().ok()
    }
}

/// The bucket that a request names; it may not exist.
pub(super) fn bucket_of(options: &Options, head: &Parts) -> Option<String> {
    let in_path = || head.uri.path().split('/').nth(1).map(str::to_owned);
    bucket_in_host(options, head).or_else(in_path)
}

fn bucket_in_host(options: &Options, head: &Parts) -> Option<String> {
    let host = head.headers.get(HOST)?.to_str().ok()?;
    let bucket = options.buckets.iter().find(|bucket| {
        host.strip_prefix(bucket.as_str())
            .is_some_and(|rest| rest.starts_with('.'))
    });
    bucket.cloned()
}

fn operation(method: &Method, has_key: bool, query: &Query) -> Option<Operation> {
    let upload = query.has("uploadId");
    let operation = match (method.as_str(), has_key) {
        ("HEAD", false) => Operation::HeadBucket,
        ("GET", false) if query.get("list-type") == Some("2") => Operation::ListObjectsV2,
        ("POST", false) if query.has("delete") => Operation::DeleteObjects,
        ("PUT", true) if upload => Operation::UploadPart,
        ("PUT", true) => Operation::PutObject,
        ("GET", true) => Operation::GetObject,
        ("HEAD", true) => Operation::HeadObject,
        ("DELETE", true) if upload => Operation::AbortMultipartUpload,
        ("DELETE", true) => Operation::DeleteObject,
        ("POST", true) if query.has("uploads") => Operation::CreateMultipartUpload,
        ("POST", true) if upload => Operation::CompleteMultipartUpload,
        _ => return None,
    };
    Some(operation)
}

impl Query {
    fn of(query: &str) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(
            pairs
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect(),
        )
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(parameter, _)| parameter == name)?;
        Some(value)
    }
}
