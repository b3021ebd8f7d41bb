//! Where a part's bytes are: in the part, at an address that was fetched, or in S3.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::data_url::{Data, DataUrl, is_data_url, read_base64, read_data_url};
use super::declared::{Format, is_text};
use super::detect::PartKind;
use super::remote::{Fetched, is_web_address};
use crate::converse::media::MediaSource;
use crate::fault::Fault;

/// Where the client wrote an address, and in which part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The part.
    pub(super) kind: PartKind,
    /// The path of the address.
    pub(super) path: &'a str,
}

/// Bytes that are at hand.
#[derive(Debug)]
pub(super) struct Opened {
    /// The bytes, at least one.
    pub(super) bytes: Bytes,
    /// The media type that came with them.
    pub(super) media_type: Option<String>,
    form: Form,
}

#[derive(Debug)]
enum Form {
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
pub(super) fn open(address: String, fetched: &Fetched, place: Place<'_>) -> Result<Opened, Fault> {
    let opened = if is_data_url(&address) {
        let DataUrl { media_type, data } =
            read_data_url(address).map_err(|reason| place.unreadable(reason))?;
        let (bytes, form) = match data {
            Data::Base64(encoded) => (encoded.bytes, Form::Base64(encoded.base64)),
            Data::Plain(bytes) => (bytes, Form::Written),
        };
        Opened {
            bytes: bytes.into(),
            media_type: Some(media_type),
            form,
        }
    } else if is_address(&address) {
        let Some(found) = fetched.get(&address) else {
            return Err(place.not_fetched(&address));
        };
        Opened {
            bytes: found.bytes.clone(),
            media_type: found.content_type.clone(),
            form: Form::Raw,
        }
    } else {
        let encoded = read_base64(address).ok_or_else(|| place.no_address())?;
        Opened {
            bytes: encoded.bytes.into(),
            media_type: None,
            form: Form::Base64(encoded.base64),
        }
    };
    if opened.bytes.is_empty() {
        return Err(place.empty());
    }
    Ok(opened)
}

impl Opened {
    /// The source of a block of this format.
    pub(super) fn into_source(self, format: Format) -> MediaSource {
        let text = || match format {
            Format::Document(document) if is_text(document) => {
                String::from_utf8(self.bytes.to_vec()).ok()
            }
            _ => None,
        };
        match self.form {
            Form::Base64(base64) => MediaSource::Bytes(base64),
            Form::Written => text().map_or_else(
                || MediaSource::Bytes(STANDARD.encode(&self.bytes)),
                MediaSource::Text,
            ),
            Form::Raw => MediaSource::Bytes(STANDARD.encode(&self.bytes)),
        }
    }
}

impl Place<'_> {
    fn invalid(self, message: impl Into<String>) -> Fault {
        Fault::invalid(self.path, message)
    }

    fn unreadable(self, reason: &str) -> Fault {
        self.invalid(reason).code(self.kind.wrong_format_code())
    }

    fn empty(self) -> Fault {
        let fault = self.invalid("there are no bytes in it; send the whole file");
        match self.kind {
            PartKind::ImageUrl => fault.code("invalid_image"),
            _ => fault,
        }
    }

    fn not_fetched(self, address: &str) -> Fault {
        if !is_web_address(address) {
            return self.no_address();
        }
        Fault::unsupported_value(
            self.path,
            "nothing was fetched from this address; send the bytes as a data URL, \
             `data:<media type>;base64,...`",
        )
    }

    fn no_address(self) -> Fault {
        let fault = self.invalid(
            "this is neither a data URL nor an https address, nor `s3://bucket/key`, nor base64; \
             send the bytes as a data URL, `data:<media type>;base64,...`",
        );
        match self.kind {
            PartKind::ImageUrl => fault.code("invalid_image_url"),
            _ => fault,
        }
    }
}
