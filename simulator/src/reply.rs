//! A response before it is sent.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::play::Steps;

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
}
