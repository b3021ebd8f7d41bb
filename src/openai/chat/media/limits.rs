//! How much of a medium Bedrock takes.
//!
//! Only limits that hold for every model are kept here; where a model takes less, Bedrock says so.
//! Pictures are not counted: the API reference says 20, but the user guide's page of API
//! restrictions says that Bedrock sets no limit, and models take up to some hundreds.

use super::declared::Format;
use crate::converse::dimensions::dimensions;
use crate::converse::media::DocumentFormat;
use crate::error::ApiError;

/// 1024 × 1024 bytes.
const MEGABYTE: usize = 1024 * 1024;

/// 3.75 MB, which is 5 MB of base64 (API reference, Message).
const MAX_IMAGE_BYTES: usize = 15 * MEGABYTE / 4;

/// The most pixels on a side (the same).
const MAX_IMAGE_SIDE: u32 = 8000;

/// 4.5 MB (user guide, API restrictions).
const MAX_DOCUMENT_BYTES: usize = 9 * MEGABYTE / 2;

/// 25 MB of base64 (Nova's user guide, video understanding): nothing larger fits into a request.
const MAX_INLINE_BYTES: usize = 25 * MEGABYTE;

/// The most documents of a request: "You can't include more than 5 documents in a request."
pub(super) const MAX_DOCUMENTS: usize = 5;

/// Refuses what has no bytes and what has too many; `path` is where the client wrote them.
pub(super) fn check_size(format: Format, bytes: &[u8], path: &str) -> Result<(), ApiError> {
    match format {
        Format::Image(format) => {
            if bytes.len() > MAX_IMAGE_BYTES {
                return Err(
                    too_large(path, "picture", bytes.len(), "3.75 MB").code("image_too_large")
                );
            }
            if let Some((width, height)) = dimensions(format, bytes)
                && width.max(height) > MAX_IMAGE_SIDE
            {
                return Err(ApiError::invalid(
                    path,
                    format!(
                        "the picture has {width} × {height} pixels, and Bedrock takes \
                         {MAX_IMAGE_SIDE} on a side; send a smaller one"
                    ),
                )
                .code("image_too_large"));
            }
        }
        // The user guide exempts PDF on Claude from version 4 and on Nova, and docx on Nova.
        Format::Document(DocumentFormat::Pdf | DocumentFormat::Docx) => {}
        Format::Document(_) if bytes.len() > MAX_DOCUMENT_BYTES => {
            return Err(too_large(path, "document", bytes.len(), "4.5 MB"));
        }
        Format::Document(_) | Format::Video(_) | Format::Audio(_) => {}
    }
    if bytes.len().div_ceil(3) * 4 >= MAX_INLINE_BYTES {
        return Err(too_large(path, "file", bytes.len(), "25 MB of base64"));
    }
    Ok(())
}

fn too_large(path: &str, what: &str, size: usize, limit: &str) -> ApiError {
    ApiError::invalid(
        path,
        format!(
            "the {what} has {size} bytes, and Bedrock takes at most {limit}; send a smaller one"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::samples::png;
    use super::*;
    use crate::converse::media::{AudioFormat, ImageFormat, VideoFormat};

    #[test]
    fn oversized_media_are_rejected() {
        let image = Format::Image(ImageFormat::Png);
        let text = Format::Document(DocumentFormat::Txt);
        let pdf = Format::Document(DocumentFormat::Pdf);
        let video = Format::Video(VideoFormat::Mp4);
        let audio = Format::Audio(AudioFormat::Wav);
        let sized = |size: usize| vec![0; size];
        for (format, bytes, code) in [
            (image, sized(MAX_IMAGE_BYTES), None),
            (image, sized(MAX_IMAGE_BYTES + 1), Some("image_too_large")),
            (image, png(8000, 8000), None),
            (image, png(1, 8001), Some("image_too_large")),
            (text, sized(MAX_DOCUMENT_BYTES), None),
            (text, sized(MAX_DOCUMENT_BYTES + 1), Some("invalid_value")),
            (pdf, sized(MAX_DOCUMENT_BYTES + 1), None),
            (pdf, sized(MAX_INLINE_BYTES / 4 * 3), Some("invalid_value")),
            (video, sized(MAX_INLINE_BYTES / 4 * 3 - 3), None),
            (
                video,
                sized(MAX_INLINE_BYTES / 4 * 3),
                Some("invalid_value"),
            ),
            (
                audio,
                sized(MAX_INLINE_BYTES / 4 * 3),
                Some("invalid_value"),
            ),
        ] {
            let error = check_size(format, &bytes, "p").err();
            assert_eq!(
                error.as_ref().and_then(|error| error.code),
                code,
                "{format:?} {}",
                bytes.len()
            );
            assert!(error.is_none_or(|error| error.parameter.as_deref() == Some("p")));
        }
    }
}
