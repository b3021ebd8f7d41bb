//! An object that comes in parts.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use md5::{Digest as _, Md5};

use super::error::S3Error;
use super::object::{kept, with_etag};
use super::request::S3Request;
use super::store::Object;
use super::xml::{self, element};
use crate::auth::hex;
use crate::ids;
use crate::reply::Reply;
use crate::simulator::Simulation;

/// Every part but the last has so many bytes at the least.
const LEAST_PART: usize = 5 * 1024 * 1024;
const MOST_PARTS: u32 = 10_000;

/// An upload that is neither finished nor given up.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    bucket: String,
    key: String,
    headers: HeaderMap,
    pub(super) parts: BTreeMap<u32, Object>,
}

impl Upload {
    pub(super) fn is_of(&self, (bucket, key): (&str, &str)) -> bool {
        self.bucket == bucket && self.key == key
    }
}

pub(super) fn create(simulation: &Simulation, asked: &S3Request<'_>) -> Result<Reply, S3Error> {
    let id = ids::characters(48);
    let upload = Upload {
        bucket: asked.bucket.clone(),
        key: asked.key.clone(),
        headers: kept(asked),
        parts: BTreeMap::new(),
    };
    simulation.objects.begin_upload(&id, upload)?;
    let fields = named(asked) + &element("UploadId", &id);
    Ok(xml::reply("InitiateMultipartUploadResult", &fields))
}

pub(super) fn part(
    simulation: &Simulation,
    asked: &S3Request<'_>,
    content: Bytes,
) -> Result<Reply, S3Error> {
    let number = asked.query.get("partNumber").unwrap_or_default();
    let number = number.parse().ok().filter(|n| (1..=MOST_PARTS).contains(n));
    let number = number.ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        S3Error::bad_request("InvalidArgument", message)
    })?;
    let part = Object::new(content, "", simulation.clock.time_of_day());
    let etag = part.etag.clone();
    let id = upload_id(asked);
    let at = (asked.bucket.as_str(), asked.key.as_str());
    if !simulation.objects.add_part(id, at, number, part)? {
        return Err(S3Error::no_such_upload(id));
    }
    Ok(with_etag(xml::empty(StatusCode::OK), &etag))
}

/// Makes one object of the parts that the body names.
pub(super) fn complete(
    simulation: &Simulation,
    asked: &S3Request<'_>,
    content: &[u8],
) -> Result<Reply, S3Error> {
    let upload = found(simulation, asked)?;
    let parts = chosen(&upload, content)?;
    let (last, before) = parts.split_last().ok_or_else(S3Error::malformed_xml)?;
    if before.iter().any(|part| part.content.len() < LEAST_PART) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(S3Error::bad_request("EntityTooSmall", message));
    }
    let mut whole = BytesMut::new();
    let mut sums = Md5::new();
    for part in before.iter().chain([last]) {
        whole.extend_from_slice(&part.content);
        sums.update(Md5::digest(&part.content));
    }
    let etag = format!("\"{}-{}\"", hex(&sums.finalize()), parts.len());
    let object = Object {
        headers: upload.headers,
        etag: etag.clone(),
        ..Object::new(whole.freeze(), "", simulation.clock.time_of_day())
    };
    simulation.objects.end_upload(upload_id(asked));
    simulation.objects.put(&asked.bucket, &asked.key, object)?;
    let location = format!("http://s3.localhost/{}/{}", asked.bucket, asked.key);
    let fields = element("Location", &location) + &named(asked) + &element("ETag", &etag);
    Ok(xml::reply("CompleteMultipartUploadResult", &fields))
}

pub(super) fn abort(simulation: &Simulation, asked: &S3Request<'_>) -> Result<Reply, S3Error> {
    found(simulation, asked)?;
    simulation.objects.end_upload(upload_id(asked));
    Ok(xml::empty(StatusCode::NO_CONTENT))
}

fn found(simulation: &Simulation, asked: &S3Request<'_>) -> Result<Upload, S3Error> {
    let id = upload_id(asked);
    let upload = simulation.objects.upload(id, (&asked.bucket, &asked.key));
    upload.ok_or_else(|| S3Error::no_such_upload(id))
}

/// The parts in the order the body names them, which must be that of their numbers.
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
        let held = upload.parts.get(&number);
        let held = held.filter(|held| held.etag.trim_matches('"') == etag.trim_matches('"'));
        parts.push(held.ok_or_else(|| {
            let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.";
            S3Error::bad_request("InvalidPart", message)
        })?);
    }
    Ok(parts)
}

fn named(asked: &S3Request<'_>) -> String {
    element("Bucket", &asked.bucket) + &element("Key", &asked.key)
}

fn upload_id<'a>(asked: &'a S3Request<'_>) -> &'a str {
    asked.query.get("uploadId").unwrap_or_default()
}
