//! A response before it is sent.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::calls::OpenCall;
use crate::faults::Faults;
use crate::ids;
use crate::play::{Body, Steps};

/// Status, headers and body.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ReplyBody,
}

/// The body of a reply, before it is split into steps.
#[derive(Debug, Clone)]
pub(crate) enum ReplyBody {
    /// Sent at once, with `content-length`.
    Complete(Bytes),
    /// The frames of an event stream.
    Events(Vec<Bytes>),
    /// The server-sent events of a chat completion.
    Chunks(Vec<Bytes>),
    /// Steps prepared earlier; faults do not apply.
    Prepared(Steps),
}

impl Reply {
    pub(crate) fn json(status: StatusCode, body: Bytes) -> Self {
        Self::typed(status, "application/json", ReplyBody::Complete(body))
    }

    pub(crate) fn events(frames: Vec<Bytes>) -> Self {
        Self::typed(
            StatusCode::OK,
            "application/vnd.amazon.eventstream",
            ReplyBody::Events(frames),
        )
    }

    pub(crate) fn typed(status: StatusCode, content_type: &'static str, body: ReplyBody) -> Self {
        let headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// The HTTP response that plays the body. `call` stays open until the last byte is sent.
    pub(crate) fn into_response(self, faults: &Faults, call: OpenCall) -> Response<Body> {
        let Self {
            status,
            mut headers,
            body,
        } = faults.applied_to_head(self);
        let (steps, length) = match body {
            ReplyBody::Complete(bytes) => faults.applied_to_body(bytes),
            ReplyBody::Events(frames) => (faults.applied_to_events(frames), None),
            ReplyBody::Chunks(events) => (faults.applied_to_chunks(events), None),
            ReplyBody::Prepared(steps) => (steps, None),
        };
        // S3 has its own header for request ids.
        if !headers.contains_key("x-amz-request-id") {
            headers
                .entry("x-amzn-requestid")
                .or_insert_with(new_request_id);
        }
        if let Some(length) = length {
            headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut response = Response::new(Body::new(steps, call));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

fn new_request_id() -> HeaderValue {
    HeaderValue::try_from(ids::request_id()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
