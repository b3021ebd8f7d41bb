//! Errors in S3's format, with S3's messages.

use bytes::Bytes;
use http::StatusCode;

use super::store::Full;
use super::xml;
use crate::reply::{Reply, ReplyBody};

/// An error response: an XML document with `Code` and `Message`.
#[derive(Debug)]
pub(super) struct S3Error {
    status: StatusCode,
    code: String,
    message: String,
    /// Additional elements.
    more: Vec<(&'static str, String)>,
}

impl S3Error {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            more: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    pub(super) fn bad_request(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn forbidden(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(super) fn no_such_bucket(bucket: &str) -> Self {
        let message = "The specified bucket does not exist";
        Self::new(StatusCode::NOT_FOUND, "NoSuchBucket", message).with("BucketName", bucket)
    }

    pub(super) fn no_such_key(key: &str) -> Self {
        let message = "The specified key does not exist.";
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", message).with("Key", key)
    }

    pub(super) fn no_such_upload(upload: &str) -> Self {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
        Self::new(StatusCode::NOT_FOUND, "NoSuchUpload", message).with("UploadId", upload)
    }

    pub(super) fn not_implemented() -> Self {
        let message = "A header you provided implies functionality that is not implemented";
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(super) fn invalid_uri() -> Self {
        Self::bad_request("InvalidURI", "Couldn't parse the specified URI.")
    }

    pub(super) fn malformed_xml() -> Self {
        let message = "The XML you provided was not well-formed or did not validate against our published schema";
        Self::bad_request("MalformedXML", message)
    }

    /// An error that a script defines.
    pub(super) fn scripted(status: u16, code: String, message: String) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, &code, message)
    }

    pub(super) fn reply(&self) -> Reply {
        let mut text = xml::element("Code", &self.code) + &xml::element("Message", &self.message);
        for (name, value) in &self.more {
            text += &xml::element(name, value);
        }
        let (request, host) = xml::request_ids();
        text += &xml::element("RequestId", &request);
        text += &xml::element("HostId", &host);
        let document = xml::document(&format!("<Error>{text}</Error>"));
        let body = ReplyBody::Complete(Bytes::from(document));
        let reply = Reply::typed(self.status, "application/xml", body);
        xml::named(reply, &request, &host)
    }
}

impl From<Full> for S3Error {
    fn from(_: Full) -> Self {
        let message = "The simulator holds no more: its objects are kept in memory.";
        Self::bad_request("EntityTooLarge", message)
    }
}
