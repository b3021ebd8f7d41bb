//! Bedrock's size limits for media.
//!
//! Only limits of all models are checked here; Bedrock itself checks the lower limits of single
//! models. The number of images is not checked: the API reference states 20, but the user guide's
//! page on API restrictions states that Bedrock has no limit, and models accept up to some
//! hundreds.

use super::declared::Format;
use crate::converse::media::DocumentFormat;
use crate::converse::media::formats::dimensions::dimensions;
use crate::error::{ApiError, ErrorCode, Parameter};

/// 1024 × 1024 bytes.
const MEGABYTE: usize = 1024 * 1024;

/// 3.75 MB, which is 5 MB of base64 (API reference, Message).
const MAX_IMAGE_BYTES: usize = 15 * MEGABYTE / 4;

/// The maximum number of pixels per side (API reference, Message).
const MAX_IMAGE_SIDE: u32 = 8000;

/// 4.5 MB (user guide, API restrictions).
const MAX_DOCUMENT_BYTES: usize = 9 * MEGABYTE / 2;

/// 25 MB of base64 (Nova's user guide, video understanding): the maximum size of a request.
const MAX_INLINE_BYTES: usize = 25 * MEGABYTE;

/// The maximum number of documents: "You can't include more than 5 documents in a request."
pub(super) const MAX_DOCUMENTS: usize = 5;

/// Rejects files that exceed a limit; `parameter` is the file in the request.
pub(super) fn check_size(
    format: Format,
    bytes: &[u8],
    parameter: &Parameter,
) -> Result<(), ApiError> {
    match format {
        Format::Image(format) => {
            if bytes.len() > MAX_IMAGE_BYTES {
                return Err(too_large(parameter, "image", bytes.len(), "3.75 MB")
                    .code(ErrorCode::ImageTooLarge));
            }
            if let Some((width, height)) = dimensions(format, bytes)
                && width.max(height) > MAX_IMAGE_SIDE
            {
                return Err(ApiError::invalid(
                    parameter,
                    format!(
                        "the image has {width} × {height} pixels; the maximum is \
                         {MAX_IMAGE_SIDE} per side; send a smaller image"
                    ),
                )
                .code(ErrorCode::ImageTooLarge));
            }
        }
        // The user guide exempts PDF on Claude from version 4 and on Nova, and docx on Nova.
        Format::Document(DocumentFormat::Pdf | DocumentFormat::Docx) => {}
        Format::Document(_) if bytes.len() > MAX_DOCUMENT_BYTES => {
            return Err(too_large(parameter, "document", bytes.len(), "4.5 MB"));
        }
        Format::Document(_) | Format::Video(_) | Format::Audio(_) => {}
    }
    if bytes.len().div_ceil(3) * 4 >= MAX_INLINE_BYTES {
        return Err(too_large(parameter, "file", bytes.len(), "25 MB of base64"));
    }
    Ok(())
}

fn too_large(parameter: &Parameter, what: &str, size: usize, limit: &str) -> ApiError {
    ApiError::invalid(
        parameter,
        format!(
            "the {what} has {size} bytes; Bedrock accepts at most {limit}; send a smaller {what}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::media::samples::png;
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
            let error = check_size(format, &bytes, &"p".into()).err();
            assert_eq!(
                error
                    .as_ref()
                    .and_then(|error| error.code.map(ErrorCode::as_str)),
                code,
                "{format:?} {}",
                bytes.len()
            );
            assert!(error.is_none_or(|error| error.path().as_deref() == Some("p")));
        }
    }
}
