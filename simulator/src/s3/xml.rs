//! The little XML that S3 speaks, and the heads of its answers.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::ids;
use crate::play::Steps;
use crate::reply::{Reply, ReplyBody};

/// Stands on every document that is an answer and no error.
pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// An element with text in it.
pub(super) fn element(name: &str, text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\r', "&#13;");
    format!("<{name}>{text}</{name}>")
}

/// What stands in every element of this name, in order; the names do not nest.
pub(super) fn elements<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut contents = Vec::new();
    let mut rest = document;
    while let Some((_, after)) = rest.split_once(open.as_str()) {
        let Some((content, after)) = after.split_once(close.as_str()) else {
            break;
        };
        contents.push(content);
        rest = after;
    }
    contents
}

/// The text of the first element of this name.
pub(super) fn text(document: &str, name: &str) -> Option<String> {
    let raw = elements(document, name).into_iter().next()?;
    let text = raw.replace("&quot;", "\"").replace("&#34;", "\"");
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    Some(text.replace("&apos;", "'").replace("&amp;", "&"))
}

/// A whole document.
pub(super) fn document(root: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}")
}

/// A document as an answer.
pub(super) fn reply(root: &str, content: &str) -> Reply {
    let text = document(&format!("<{root} xmlns=\"{NAMESPACE}\">{content}</{root}>"));
    let body = ReplyBody::Complete(Bytes::from(text));
    plain(Reply::typed(StatusCode::OK, "application/xml", body))
}

/// An answer that is only a head.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = plain(Reply::typed(status, "application/xml", empty_body()));
    reply.headers.remove(http::header::CONTENT_TYPE);
    reply
}

/// A body without a byte, and without a length in the head.
pub(super) fn empty_body() -> ReplyBody {
    let empty_body: Steps = Vec::new().into();
    ReplyBody::Prepared(empty_body)
}

/// With the ids that stand on every answer of S3.
pub(super) fn plain(reply: Reply) -> Reply {
    let (request, host) = request_ids();
    named(reply, &request, &host)
}

/// With these ids.
pub(super) fn named(reply: Reply, request: &str, host: &str) -> Reply {
    let value = |text: &str| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
    reply
        .with_header("x-amz-request-id", value(request))
        .with_header("x-amz-id-2", value(host))
        .with_header("server", HeaderValue::from_static("AmazonS3"))
}

/// What names a request: its own id, and that of the host.
pub(super) fn request_ids() -> (String, String) {
    let request: String = ids::characters(16)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { 'A' })
        .collect();
    (request.to_ascii_uppercase(), ids::characters(76))
}
