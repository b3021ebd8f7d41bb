//! Data URLs and the variants of base64 that clients send.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

/// Some clients omit the padding, which Bedrock requires.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD_LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE_LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Bytes with their base64.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Base64Content {
    pub(super) bytes: Vec<u8>,
    /// Standard base64 with padding.
    pub(super) base64: String,
}

/// A parsed data URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DataUrl {
    /// The media type without parameters; empty if absent.
    pub(super) media_type: String,
    pub(super) data: DataUrlContent,
}

/// The data of a data URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DataUrlContent {
    Base64(Base64Content),
    /// Percent-encoded data, decoded.
    Plain(Vec<u8>),
}

/// Whether `text` starts like a data URL.
pub(crate) fn is_data_url(text: &str) -> bool {
    text.split_at_checked(5)
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("data:"))
}

/// Parses a data URL. The error is a message for the client.
pub(super) fn read_data_url(mut url: String) -> Result<DataUrl, &'static str> {
    let Some(comma) = url.find(',') else {
        return Err("the data URL has no comma; send `data:<media type>;base64,...`");
    };
    let header = url.get(5..comma).unwrap_or_default();
    let mut parameters = header.split(';').map(str::trim);
    let media_type = parameters.next().unwrap_or_default().to_ascii_lowercase();
    let is_base64 = parameters
        .next_back()
        .is_some_and(|last| last.eq_ignore_ascii_case("base64"));
    // Edits the string in place, since the data may be megabytes.
    url.drain(..=comma);
    let data = match is_base64 {
        true => read_base64(url)
            .map(DataUrlContent::Base64)
            .ok_or("the data URL is not valid base64; encode the bytes of the file as base64")?,
        false => DataUrlContent::Plain(percent_decode_str(&url).collect()),
    };
    Ok(DataUrl { media_type, data })
}

/// Decodes base64 with or without padding, of either alphabet, with any white space. Base64 that
/// Bedrock accepts stays unchanged.
pub(super) fn read_base64(mut text: String) -> Option<Base64Content> {
    if text.contains('%') {
        // A data URL with percent-encoded `+`, `/` and `=`.
        text = match percent_decode_str(&text).decode_utf8().ok()? {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        };
    }
    if text.contains(|c: char| c.is_ascii_whitespace()) {
        text.retain(|c| !c.is_ascii_whitespace());
    }
    if text.contains(['-', '_']) {
        let bytes = URL_SAFE_LENIENT.decode(&text).ok()?;
        let base64 = STANDARD.encode(&bytes);
        return Some(Base64Content { bytes, base64 });
    }
    let bytes = STANDARD_LENIENT.decode(&text).ok()?;
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    Some(Base64Content {
        bytes,
        base64: text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base64_of(url: &str) -> Option<String> {
        match read_data_url(url.to_owned()).ok()?.data {
            DataUrlContent::Base64(encoded) => Some(encoded.base64),
            DataUrlContent::Plain(_) => None,
        }
    }

    #[test]
    fn padding_line_breaks_escapes_and_url_safe_base64_are_repaired() {
        for (written, sent) in [
            ("data:image/png;base64,R0lGODlh", "R0lGODlh"),
            ("DATA:image/png;BASE64,R0lG\r\n ODlh", "R0lGODlh"),
            ("data:;base64,YQ", "YQ=="),
            ("data:;base64,YQ=", "YQ=="),
            ("data:;base64,YQ%3D%3D", "YQ=="),
            ("data:;base64,-_-_", "+/+/"),
            ("data:text/plain;charset=utf-8;base64,YWI=", "YWI="),
        ] {
            assert_eq!(base64_of(written).as_deref(), Some(sent), "{written}");
        }
    }

    #[test]
    fn data_without_base64_is_taken_literally() {
        let url = read_data_url("data:Text/Plain;charset=utf-8,a%20b,c".to_owned());
        let url = url.expect("a data URL");
        assert_eq!(url.media_type, "text/plain");
        assert_eq!(url.data, DataUrlContent::Plain(b"a b,c".to_vec()));
    }

    #[test]
    fn undecodable_data_is_rejected() {
        for url in [
            "data:image/png;base64",
            "data:;base64,!!!!",
            "data:;base64,A",
            "data:;base64,é",
        ] {
            assert!(read_data_url(url.to_owned()).is_err(), "{url}");
        }
    }

    proptest! {
        #[test]
        fn bytes_are_preserved(bytes: Vec<u8>, padded: bool) {
            let mut text = STANDARD.encode(&bytes);
            let expected = text.clone();
            if !padded {
                text.truncate(text.trim_end_matches('=').len());
            }
            let read = read_base64(text);
            prop_assert_eq!(read, Some(Base64Content { bytes, base64: expected }));
        }

        #[test]
        fn any_text_is_decoded_or_rejected(text in "(data:)?\\PC{0,60}") {
            let _ = read_data_url(text.clone());
            let _ = read_base64(text);
        }
    }
}
