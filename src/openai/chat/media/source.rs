//! Where a part's bytes are: in the part, at an address that was fetched, or in S3.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::data_url::{DataUrl, DataUrlContent, is_data_url, read_base64, read_data_url};
use super::declared::{Format, is_text};
use super::detect::PartKind;
use super::remote::{RemoteFiles, is_web_address};
use crate::converse::media::MediaSource;
use crate::error::ApiError;

/// Where the client wrote an address, and in which part.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourcePath<'a> {
    /// The part.
    pub(super) kind: PartKind,
    /// The path of the address.
    pub(super) path: &'a str,
}

/// Bytes that are at hand.
#[derive(Debug)]
pub(super) struct MediaBytes {
    /// The bytes, at least one.
    pub(super) bytes: Bytes,
    /// The media type that came with them.
    pub(super) media_type: Option<String>,
    form: SourceForm,
}

#[derive(Debug)]
enum SourceForm {
    /// The client's base64, fit for Bedrock.
    Base64(String),
    /// Written out in a data URL.
    Written,
    /// As they came from elsewhere.
    Raw,
}

/// Whether `text` is an address rather than base64.
pub(super) fn is_address(text: &str) -> bool {
    is_data_url(text) || text.contains("://")
}

/// The bytes that `address` has or points to.
pub(super) fn open(
    address: String,
    fetched: &RemoteFiles,
    source_path: SourcePath<'_>,
) -> Result<MediaBytes, ApiError> {
    let opened = if is_data_url(&address) {
        let DataUrl { media_type, data } =
            read_data_url(address).map_err(|reason| source_path.unreadable(reason))?;
        let (bytes, form) = match data {
            DataUrlContent::Base64(encoded) => (encoded.bytes, SourceForm::Base64(encoded.base64)),
            DataUrlContent::Plain(bytes) => (bytes, SourceForm::Written),
        };
        MediaBytes {
            bytes: bytes.into(),
            media_type: Some(media_type),
            form,
        }
    } else if is_address(&address) {
        let Some(file) = fetched.get(&address) else {
            return Err(source_path.not_fetched(&address));
        };
        MediaBytes {
            bytes: file.bytes.clone(),
            media_type: file.content_type.clone(),
            form: SourceForm::Raw,
        }
    } else {
        let encoded = read_base64(address).ok_or_else(|| source_path.no_address())?;
        MediaBytes {
            bytes: encoded.bytes.into(),
            media_type: None,
            form: SourceForm::Base64(encoded.base64),
        }
    };
    if opened.bytes.is_empty() {
        return Err(source_path.empty());
    }
    Ok(opened)
}

impl MediaBytes {
    /// The source of a block of this format.
    pub(super) fn into_source(self, format: Format) -> MediaSource {
        let text = || match format {
            Format::Document(document) if is_text(document) => {
                String::from_utf8(self.bytes.to_vec()).ok()
            }
            _ => None,
        };
        match self.form {
            SourceForm::Base64(base64) => MediaSource::Bytes(base64),
            SourceForm::Written => text().map_or_else(
                || MediaSource::Bytes(STANDARD.encode(&self.bytes)),
                MediaSource::Text,
            ),
            SourceForm::Raw => MediaSource::Bytes(STANDARD.encode(&self.bytes)),
        }
    }
}

impl SourcePath<'_> {
    fn invalid(self, message: impl Into<String>) -> ApiError {
        ApiError::invalid(self.path, message)
    }

    fn unreadable(self, reason: &str) -> ApiError {
        self.invalid(reason).code(self.kind.wrong_format_code())
    }

    fn empty(self) -> ApiError {
        let error = self.invalid("there are no bytes in it; send the whole file");
        match self.kind {
            PartKind::ImageUrl => error.code("invalid_image"),
            _ => error,
        }
    }

    fn not_fetched(self, address: &str) -> ApiError {
        if !is_web_address(address) {
            return self.no_address();
        }
        ApiError::unsupported_value(
            self.path,
            "nothing was fetched from this address; send the bytes as a data URL, \
             `data:<media type>;base64,...`",
        )
    }

    fn no_address(self) -> ApiError {
        let error = self.invalid(
            "this is neither a data URL nor an https address, nor `s3://bucket/key`, nor base64; \
             send the bytes as a data URL, `data:<media type>;base64,...`",
        );
        match self.kind {
            PartKind::ImageUrl => error.code("invalid_image_url"),
            _ => error,
        }
    }
}
