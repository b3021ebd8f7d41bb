//! The bytes of a media part: inline, or fetched from a URL.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::data_url::{DataUrl, DataUrlContent, is_data_url, read_base64, read_data_url};
use super::declared::{Format, is_text};
use super::remote::{RemoteFiles, is_web_address};
use crate::converse::media::MediaSource;
use crate::converse::media::formats::PartKind;
use crate::error::{ApiError, ErrorCode, Parameter, Sentence};

/// The type of a part and the field of its address, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourcePath<'a> {
    pub(super) kind: PartKind,
    pub(super) parameter: &'a Parameter,
}

/// The bytes of a media part.
#[derive(Debug)]
pub(super) struct MediaBytes {
    /// At least one byte.
    pub(super) bytes: Bytes,
    /// The media type of the data URL or the download.
    pub(super) media_type: Option<String>,
    form: SourceForm,
}

#[derive(Debug)]
enum SourceForm {
    /// Base64 that Bedrock accepts.
    Base64(String),
    /// Percent-encoded text of a data URL.
    PercentEncoded,
    /// Fetched bytes.
    Fetched,
}

/// Whether `text` is a URL rather than base64.
pub(crate) fn is_address(text: &str) -> bool {
    is_data_url(text) || text.contains("://")
}

/// The bytes of `address`: of a data URL, of base64, or of a fetched URL.
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
            DataUrlContent::Plain(bytes) => (bytes, SourceForm::PercentEncoded),
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
            form: SourceForm::Fetched,
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
            SourceForm::PercentEncoded => text().map_or_else(
                || MediaSource::Bytes(STANDARD.encode(&self.bytes)),
                MediaSource::Text,
            ),
            SourceForm::Fetched => MediaSource::Bytes(STANDARD.encode(&self.bytes)),
        }
    }
}

impl SourcePath<'_> {
    fn invalid(self, message: impl Into<Sentence>) -> ApiError {
        ApiError::invalid(self.parameter, message)
    }

    fn unreadable(self, reason: &str) -> ApiError {
        self.invalid(reason).code(self.kind.wrong_format_code())
    }

    fn empty(self) -> ApiError {
        let error = self.invalid("the file is empty; send its bytes");
        match self.kind {
            PartKind::ImageUrl => error.code(ErrorCode::InvalidImage),
            _ => error,
        }
    }

    fn not_fetched(self, address: &str) -> ApiError {
        if !is_web_address(address) {
            return self.no_address();
        }
        ApiError::unsupported_value(
            self.parameter,
            "the URL was not fetched; send the bytes as a data URL, \
             `data:<media type>;base64,...`",
        )
    }

    fn no_address(self) -> ApiError {
        let error = self.invalid(
            "the value is not a data URL, an https URL, `s3://bucket/key` or base64; send the \
             bytes as a data URL, `data:<media type>;base64,...`",
        );
        match self.kind {
            PartKind::ImageUrl => error.code(ErrorCode::InvalidImageUrl),
            _ => error,
        }
    }
}
