//! Object operations: PutObject, GetObject (with `Range`), HeadObject, DeleteObject.

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::error::S3Error;
use super::range::{Part, part};
use super::request::S3Request;
use super::storage::Storage;
use super::store::Object;
use super::xml;
use crate::reply::{Reply, ReplyBody};
use crate::timestamp;

/// Content type of objects that were written without one.
const UNKNOWN: &str = "binary/octet-stream";
/// Headers that are stored with the object and returned unchanged.
const STORED_HEADERS: [HeaderName; 4] = [
    CONTENT_TYPE,
    CONTENT_DISPOSITION,
    CONTENT_LANGUAGE,
    CACHE_CONTROL,
];
/// Query parameters of a presigned URL that override response headers.
const OVERRIDES: [(&str, HeaderName); 3] = [
    ("response-content-type", CONTENT_TYPE),
    ("response-content-disposition", CONTENT_DISPOSITION),
    ("response-cache-control", CACHE_CONTROL),
];

pub(super) fn put(
    storage: &Storage,
    request: &S3Request<'_>,
    content: Bytes,
) -> Result<Reply, S3Error> {
    if request.head.headers.contains_key("x-amz-copy-source") {
        return Err(S3Error::not_implemented());
    }
    let object = Object {
        headers: stored_headers(request),
        ..Object::new(content, UNKNOWN, storage.clock.time_of_day())
    };
    let etag = object.etag.clone();
    storage.objects.put(&request.bucket, &request.key, object)?;
    Ok(with_etag(xml::empty(StatusCode::OK), &etag))
}

pub(super) fn get(storage: &Storage, request: &S3Request<'_>) -> Result<Reply, S3Error> {
    let object = existing_object(storage, request)?;
    let length = object.content.len();
    let range = request.header("range");
    let (status, content, bounds) = match part(range, length) {
        Part::Complete => (StatusCode::OK, object.content.clone(), None),
        Part::Bytes(bytes) => {
            let (first, last) = (bytes.start, bytes.end.saturating_sub(1));
            let bounds = format!("bytes {first}-{last}/{length}");
            (
                StatusCode::PARTIAL_CONTENT,
                object.content.slice(bytes),
                Some(bounds),
            )
        }
        Part::Outside => return Err(out_of_range(range.unwrap_or_default(), length)),
    };
    let body = ReplyBody::Complete(content);
    let mut reply = xml::plain(Reply::typed(status, UNKNOWN, body));
    reply.headers.extend(described(&object, request));
    if let Some(Ok(bounds)) = bounds.map(HeaderValue::try_from) {
        reply.headers.insert(CONTENT_RANGE, bounds);
    }
    Ok(reply)
}

pub(super) fn head(storage: &Storage, request: &S3Request<'_>) -> Result<Reply, S3Error> {
    let object = existing_object(storage, request)?;
    let mut reply = xml::empty(StatusCode::OK);
    reply.headers.extend(described(&object, request));
    let length = HeaderValue::from(object.content.len());
    reply.headers.insert(CONTENT_LENGTH, length);
    Ok(reply)
}

/// Succeeds even if the object does not exist.
pub(super) fn delete(storage: &Storage, request: &S3Request<'_>) -> Reply {
    storage.objects.delete(&request.bucket, &request.key);
    xml::empty(StatusCode::NO_CONTENT)
}

/// The request headers that are stored with the object.
pub(super) fn stored_headers(request: &S3Request<'_>) -> HeaderMap {
    let sent = request.head.headers.iter();
    let mut stored_headers: HeaderMap = sent
        .filter(|(name, _)| {
            STORED_HEADERS.contains(name) || name.as_str().starts_with("x-amz-meta-")
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    stored_headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static(UNKNOWN));
    stored_headers
}

pub(super) fn with_etag(reply: Reply, etag: &str) -> Reply {
    match HeaderValue::try_from(etag) {
        Ok(value) => reply.with_header("etag", value),
        Err(_) => reply,
    }
}

fn existing_object(storage: &Storage, request: &S3Request<'_>) -> Result<Object, S3Error> {
    storage
        .objects
        .get(&request.bucket, &request.key)
        .ok_or_else(|| S3Error::no_such_key(&request.key))
}

fn described(object: &Object, request: &S3Request<'_>) -> HeaderMap {
    let mut headers = object.headers.clone();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let modified = timestamp::http_date(object.modified);
    let texts = [(LAST_MODIFIED, modified), (ETAG, object.etag.clone())];
    let overrides = OVERRIDES.into_iter().filter_map(|(parameter, name)| {
        let value = request.query.get(parameter)?;
        Some((name, value.to_owned()))
    });
    for (name, text) in texts.into_iter().chain(overrides) {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    headers
}

fn out_of_range(range: &str, length: usize) -> S3Error {
    let message = "The requested range is not satisfiable";
    S3Error::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
        .with("RangeRequested", range)
        .with("ActualObjectSize", length.to_string())
}
