//! A minimal S3 on the simulator's port: in-memory objects and the operations that Bedrock and the
//! gateway use. The bucket is in the path, or in the host (`bucket.localhost`).
//!
//! A request belongs to S3 if its signature, in a header or in the query, is scoped to `s3`.
//! Unsigned requests belong to S3 if they name an existing bucket; they are rejected.

mod auth;
mod aws_chunked;
mod bucket;
mod error;
mod multipart;
mod object;
mod range;
mod request;
mod storage;
mod store;
mod xml;

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::faults::Faults;
use crate::operation::{Operation, Target};
use crate::options::Options;
use crate::reply::Reply;
use crate::runtime::Runtime;
use crate::script::{Script, ScriptedResponse};
use crate::scripted;
use crate::traffic::Traffic;
use error::S3Error;
use request::S3Request;
pub(crate) use storage::Storage;

/// Whether a request is for S3 rather than for Bedrock.
pub(crate) fn is_s3_request(options: &Options, head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or_default();
    match head.headers.get(AUTHORIZATION) {
        Some(header) => header
            .to_str()
            .is_ok_and(|header| header.contains("/s3/aws4_request")),
        None => {
            query.contains("%2Fs3%2Faws4_request")
                || query.contains("/s3/aws4_request")
                || request::bucket_of(options, head)
                    .is_some_and(|bucket| options.buckets.contains(&bucket))
        }
    }
}

/// The response, and the faults to apply to it.
pub(crate) fn response(
    storage: &Storage,
    traffic: &Traffic,
    runtime: &Runtime,
    head: &Parts,
    body: Bytes,
) -> (Reply, Faults) {
    let request = S3Request::of(&storage.options, head);
    let target = request.as_ref().ok().map(|request| Target {
        operation: request.operation,
        model: None,
        resource: Some(format!("{}/{}", request.bucket, request.key)),
    });
    // Uploaded content is in the store; the journal does not keep a second copy.
    let noted = match request.as_ref().map(|request| request.operation) {
        Ok(Operation::PutObject | Operation::UploadPart) => Bytes::new(),
        _ => body.clone(),
    };
    traffic.note(head, target.as_ref(), &noted);
    let script = target
        .as_ref()
        .and_then(|target| traffic.scripts.take(target));
    let (scripted, faults) = match script {
        None => (ScriptedResponse::Echo {}, Vec::new()),
        Some(Script {
            response, faults, ..
        }) => (response, faults),
    };
    let reply = request.and_then(|request| decide(storage, runtime, &request, scripted, &body));
    let mut reply = reply.unwrap_or_else(|error| error.reply());
    if head.method == Method::HEAD {
        // A response to HEAD has no body, even if it is an error.
        reply.body = xml::empty_body();
    }
    (reply, Faults::new(faults, Duration::ZERO))
}

fn decide(
    storage: &Storage,
    runtime: &Runtime,
    request: &S3Request<'_>,
    scripted: ScriptedResponse,
    body: &Bytes,
) -> Result<Reply, S3Error> {
    let content = auth::check(storage, request, body)?;
    match scripted {
        ScriptedResponse::Echo {} => carry_out(storage, request, content),
        ScriptedResponse::Error {
            status,
            code,
            message,
            ..
        } => Err(S3Error::scripted(status, code, message)),
        other => {
            let target = Target {
                operation: request.operation,
                model: None,
                resource: None,
            };
            let reply = scripted::response(runtime, other, &target, body);
            Ok(reply.unwrap_or_else(|error| error.reply()))
        }
    }
}

fn carry_out(storage: &Storage, request: &S3Request<'_>, content: Bytes) -> Result<Reply, S3Error> {
    if !storage.has_bucket(&request.bucket) {
        return Err(S3Error::no_such_bucket(&request.bucket));
    }
    match request.operation {
        Operation::HeadBucket => Ok(bucket::head()),
        Operation::ListObjectsV2 => bucket::list(storage, request),
        Operation::DeleteObjects => bucket::delete(storage, request, &content),
        Operation::PutObject => object::put(storage, request, content),
        Operation::GetObject => object::get(storage, request),
        Operation::HeadObject => object::head(storage, request),
        Operation::DeleteObject => Ok(object::delete(storage, request)),
        Operation::CreateMultipartUpload => multipart::create(storage, request),
        Operation::UploadPart => multipart::part(storage, request, content),
        Operation::CompleteMultipartUpload => multipart::complete(storage, request, &content),
        Operation::AbortMultipartUpload => multipart::abort(storage, request),
        _ => Err(S3Error::not_implemented()),
    }
}
