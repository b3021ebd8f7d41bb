//! Minimal reading and writing of S3's XML, and response heads.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::ids;
use crate::play::Steps;
use crate::reply::{Reply, ReplyBody};

/// Namespace of every document except errors.
pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

pub(super) fn element(name: &str, text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\r', "&#13;");
    format!("<{name}>{text}</{name}>")
}

/// The contents of all elements with this name, in order; nested elements of the same name are not
/// supported.
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

/// The unescaped text of the first element with this name.
pub(super) fn text(document: &str, name: &str) -> Option<String> {
    let raw = elements(document, name).into_iter().next()?;
    let text = raw.replace("&quot;", "\"").replace("&#34;", "\"");
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    Some(text.replace("&apos;", "'").replace("&amp;", "&"))
}

/// An XML document.
pub(super) fn document(root: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}")
}

/// A response with an XML document.
pub(super) fn reply(root: &str, content: &str) -> Reply {
    let text = document(&format!("<{root} xmlns=\"{NAMESPACE}\">{content}</{root}>"));
    let body = ReplyBody::Complete(Bytes::from(text));
    plain(Reply::typed(StatusCode::OK, "application/xml", body))
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = plain(Reply::typed(status, "application/xml", empty_body()));
    reply.headers.remove(http::header::CONTENT_TYPE);
    reply
}

/// An empty body without `content-length`.
pub(super) fn empty_body() -> ReplyBody {
    let empty_body: Steps = Vec::new().into();
    ReplyBody::Prepared(empty_body)
}

/// Adds S3's request ids to a response.
pub(super) fn plain(reply: Reply) -> Reply {
    let (request, host) = request_ids();
    named(reply, &request, &host)
}

/// Adds these request ids.
pub(super) fn named(reply: Reply, request: &str, host: &str) -> Reply {
    let value = |text: &str| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
    reply
        .with_header("x-amz-request-id", value(request))
        .with_header("x-amz-id-2", value(host))
        .with_header("server", HeaderValue::from_static("AmazonS3"))
}

/// A new request id and host id.
pub(super) fn request_ids() -> (String, String) {
    let request: String = ids::characters(16)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { 'A' })
        .collect();
    (request.to_ascii_uppercase(), ids::characters(76))
}
