//! Turns a reply into the HTTP response that is sent, with the faults of a script.

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Response};

use crate::calls::OpenCall;
use crate::faults::Faults;
use crate::play::Body;
use crate::reply::{Reply, ReplyBody};
use crate::{frames, ids, openai};

/// The HTTP response that plays the body. `call` stays open until the last byte is sent.
pub(crate) fn response(reply: Reply, faults: &Faults, call: OpenCall) -> Response<Body> {
    let Reply {
        status,
        mut headers,
        body,
    } = faults.applied_to_head(reply);
    let (steps, length) = match body {
        ReplyBody::Complete(bytes) => faults.applied_to_body(bytes),
        ReplyBody::Events(frames) => (faults.applied_to_stream(frames, frames::exception), None),
        ReplyBody::Chunks(events) => (faults.applied_to_stream(events, openai::exception), None),
        ReplyBody::Prepared(steps) => (steps, None),
    };
    // S3 has its own header for request ids.
    if !headers.contains_key("x-amz-request-id") {
        headers
            .entry("x-amzn-requestid")
            .or_insert_with(new_request_id);
    }
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let mut response = Response::new(Body::new(steps, call));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn new_request_id() -> HeaderValue {
    HeaderValue::try_from(ids::request_id()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
