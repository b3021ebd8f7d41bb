//! Multipart uploads.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use md5::{Digest as _, Md5};

use super::error::S3Error;
use super::object::{stored_headers, with_etag};
use super::request::S3Request;
use super::storage::Storage;
use super::store::{Object, Upload};
use super::xml::{self, element};
use crate::auth::hex;
use crate::ids;
use crate::reply::Reply;

/// Minimum size of every part but the last.
const MIN_PART_SIZE: usize = 5 * 1024 * 1024;
const MAX_PARTS: u32 = 10_000;

pub(super) fn create(storage: &Storage, request: &S3Request<'_>) -> Result<Reply, S3Error> {
    let id = ids::characters(48);
    let upload = Upload {
        bucket: request.bucket.clone(),
        key: request.key.clone(),
        headers: stored_headers(request),
        parts: BTreeMap::new(),
    };
    storage.objects.begin_upload(&id, upload)?;
    let fields = named(request) + &element("UploadId", &id);
    Ok(xml::reply("InitiateMultipartUploadResult", &fields))
}

pub(super) fn part(
    storage: &Storage,
    request: &S3Request<'_>,
    content: Bytes,
) -> Result<Reply, S3Error> {
    let number = request.query.get("partNumber").unwrap_or_default();
    let number = number.parse().ok().filter(|n| (1..=MAX_PARTS).contains(n));
    let number = number.ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        S3Error::bad_request("InvalidArgument", message)
    })?;
    let part = Object::new(content, "", storage.clock.time_of_day());
    let etag = part.etag.clone();
    let id = upload_id(request);
    let at = (request.bucket.as_str(), request.key.as_str());
    if !storage.objects.add_part(id, at, number, part)? {
        return Err(S3Error::no_such_upload(id));
    }
    Ok(with_etag(xml::empty(StatusCode::OK), &etag))
}

/// Concatenates the parts that the body lists into one object.
pub(super) fn complete(
    storage: &Storage,
    request: &S3Request<'_>,
    content: &[u8],
) -> Result<Reply, S3Error> {
    let upload = existing_upload(storage, request)?;
    let parts = chosen(&upload, content)?;
    let (last, before) = parts.split_last().ok_or_else(S3Error::malformed_xml)?;
    if before.iter().any(|part| part.content.len() < MIN_PART_SIZE) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(S3Error::bad_request("EntityTooSmall", message));
    }
    let mut object_content = BytesMut::new();
    let mut sums = Md5::new();
    for part in before.iter().chain([last]) {
        object_content.extend_from_slice(&part.content);
        sums.update(Md5::digest(&part.content));
    }
    let etag = format!("\"{}-{}\"", hex(&sums.finalize()), parts.len());
    let object = Object {
        headers: upload.headers,
        etag: etag.clone(),
        ..Object::new(object_content.freeze(), "", storage.clock.time_of_day())
    };
    storage.objects.end_upload(upload_id(request));
    storage.objects.put(&request.bucket, &request.key, object)?;
    let location = format!("http://s3.localhost/{}/{}", request.bucket, request.key);
    let fields = element("Location", &location) + &named(request) + &element("ETag", &etag);
    Ok(xml::reply("CompleteMultipartUploadResult", &fields))
}

pub(super) fn abort(storage: &Storage, request: &S3Request<'_>) -> Result<Reply, S3Error> {
    existing_upload(storage, request)?;
    storage.objects.end_upload(upload_id(request));
    Ok(xml::empty(StatusCode::NO_CONTENT))
}

fn existing_upload(storage: &Storage, request: &S3Request<'_>) -> Result<Upload, S3Error> {
    let id = upload_id(request);
    let upload = storage.objects.upload(id, (&request.bucket, &request.key));
    upload.ok_or_else(|| S3Error::no_such_upload(id))
}

/// The parts in the order of the body, which must be ascending by number.
fn chosen<'a>(upload: &'a Upload, content: &[u8]) -> Result<Vec<&'a Object>, S3Error> {
    let document = std::str::from_utf8(content).map_err(|_| S3Error::malformed_xml())?;
    let mut parts = Vec::new();
    let mut before = 0;
    for part in xml::elements(document, "Part") {
        let number = xml::text(part, "PartNumber").and_then(|number| number.parse::<u32>().ok());
        let number = number.ok_or_else(S3Error::malformed_xml)?;
        if number <= before {
            let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
            return Err(S3Error::bad_request("InvalidPartOrder", message));
        }
        before = number;
        let etag = xml::text(part, "ETag").unwrap_or_default();
        let stored_part = upload.parts.get(&number);
        let stored_part = stored_part
            .filter(|stored_part| stored_part.etag.trim_matches('"') == etag.trim_matches('"'));
        parts.push(stored_part.ok_or_else(|| {
            let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.";
            S3Error::bad_request("InvalidPart", message)
        })?);
    }
    Ok(parts)
}

fn named(request: &S3Request<'_>) -> String {
    element("Bucket", &request.bucket) + &element("Key", &request.key)
}

fn upload_id<'a>(request: &'a S3Request<'_>) -> &'a str {
    request.query.get("uploadId").unwrap_or_default()
}
