//! Images outside of messages, for other endpoints such as images and embeddings.

use bytes::Bytes;

use super::declared::Format;
use crate::converse::media::formats::PartKind;

use super::remote::RemoteFiles;
use super::source::{SourcePath, open};
use crate::converse::media::formats::dimensions::{Dimensions, dimensions};
use crate::converse::media::formats::signatures::image_format;
use crate::converse::media::{ImageFormat, MediaSource};
use crate::error::{ApiError, ErrorCode, Parameter};

/// The header of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImageHeader {
    pub(crate) format: ImageFormat,
    /// Width and height in pixels; `None` if the header cannot be parsed.
    pub(crate) dimensions: Option<Dimensions>,
}

/// The format and dimensions of an image; `None` if the bytes are not an image.
pub(crate) fn image_header(bytes: &[u8]) -> Option<ImageHeader> {
    let format = image_format(bytes)?;
    let dimensions = dimensions(format, bytes);
    Some(ImageHeader { format, dimensions })
}

/// The bytes of the image at `address`: a data URL, base64, or a fetched URL.
pub(crate) fn open_image_bytes(
    address: String,
    fetched: &RemoteFiles,
    path: &str,
) -> Result<Bytes, ApiError> {
    let kind = PartKind::ImageUrl;
    let parameter = &Parameter::from(path);
    open(address, fetched, SourcePath { kind, parameter }).map(|opened| opened.bytes)
}

/// The format and the base64 of the image at `address`: a data URL, base64, or a fetched URL.
pub(crate) fn open_image(
    address: String,
    path: &str,
    fetched: &RemoteFiles,
) -> Result<(ImageFormat, String), ApiError> {
    let kind = PartKind::ImageUrl;
    let parameter = &Parameter::from(path);
    let opened = open(address, fetched, SourcePath { kind, parameter })?;
    let Some(format) = image_format(&opened.bytes) else {
        let words = ImageFormat::WORDS.join(", ");
        let message = format!("the file is not a supported image; supported formats: {words}");
        return Err(ApiError::invalid(path, message).code(ErrorCode::InvalidImageFormat));
    };
    match opened.into_source(Format::Image(format)) {
        MediaSource::Bytes(base64) => Ok((format, base64)),
        // An image is never text, and `open` does not return S3 locations.
        MediaSource::Text(_) | MediaSource::S3Location(_) => Err(ApiError::internal()),
    }
}
