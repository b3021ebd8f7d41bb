//! Pictures that stand alone, for the endpoints that take nothing else.

use bytes::Bytes;

use super::declared::Format;
use super::detect::PartKind;

use super::remote::RemoteFiles;
use super::signatures::image_format;
use super::source::{SourcePath, open};
use crate::converse::dimensions::{Dimensions, dimensions};
use crate::converse::media::{ImageFormat, MediaSource};
use crate::error::ApiError;

/// What the first bytes of a picture tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::openai) struct ImageHeader {
    /// The format.
    pub(in crate::openai) format: ImageFormat,
    /// Width and height in pixels, where they can be read.
    pub(in crate::openai) dimensions: Option<Dimensions>,
}

/// The format and size of a picture; nothing where the bytes are none.
pub(in crate::openai) fn image_header(bytes: &[u8]) -> Option<ImageHeader> {
    let format = image_format(bytes)?;
    let dimensions = dimensions(format, bytes);
    Some(ImageHeader { format, dimensions })
}

/// The bytes of the picture at `address`: a data URL, base64, or an address that was fetched.
pub(in crate::openai) fn open_image_bytes(
    address: String,
    fetched: &RemoteFiles,
    path: &str,
) -> Result<Bytes, ApiError> {
    let kind = PartKind::ImageUrl;
    open(address, fetched, SourcePath { kind, path }).map(|opened| opened.bytes)
}

/// The format and the base64 of the picture at `address`, likewise.
pub(in crate::openai) fn open_image(
    address: String,
    path: &str,
    fetched: &RemoteFiles,
) -> Result<(ImageFormat, String), ApiError> {
    let kind = PartKind::ImageUrl;
    let opened = open(address, fetched, SourcePath { kind, path })?;
    let Some(format) = image_format(&opened.bytes) else {
        let words = ImageFormat::WORDS.join(", ");
        let message = format!("this is no picture of a format that is taken: {words}");
        return Err(ApiError::invalid(path, message).code("invalid_image_format"));
    };
    match opened.into_source(Format::Image(format)) {
        MediaSource::Bytes(base64) => Ok((format, base64)),
        // Pictures are never text, and nothing here lies in S3.
        MediaSource::Text(_) | MediaSource::S3Location(_) => Err(ApiError::internal()),
    }
}
