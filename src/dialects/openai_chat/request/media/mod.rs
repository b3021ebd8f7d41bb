//! Media in messages: translates `image_url`, `file`, `input_audio` and `video_url` parts to
//! Converse blocks. The bytes determine the format of a file; the client's declaration counts only
//! if they cannot.
//!
//! This module does not fetch URLs. The caller fetches the [`remote_addresses`] of a request first
//! and passes them as [`RemoteFiles`](crate::converse::media::RemoteFiles).

mod remote;
mod search_result;
#[cfg(test)]
mod tests;
mod types;

use crate::converse::content::CitationsConfig;
use crate::converse::media::{Media, MediaBlock, MediaPart, PartKind, is_address};
use crate::error::{ApiError, MediaField, PartPosition};
use crate::reply::Adjustments;
use crate::wire::{ImageUrl, StringOrObject, note_unknown};

pub use remote::remote_addresses;
pub(super) use search_result::{SearchResultFields, citations_config, search_result};
pub(super) use types::{Citations, SearchResultText, VideoUrl};
pub(crate) use types::{FilePart, InputAudio};

impl Media<'_> {
    /// The block of an `image_url` part at `position`.
    pub(super) fn image_url(
        &mut self,
        part: StringOrObject<ImageUrl>,
        position: PartPosition,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        let part = match part {
            StringOrObject::String(url) => {
                MediaPart::new(PartKind::ImageUrl, position, url, MediaField::Whole)
            }
            StringOrObject::Object(ImageUrl {
                url,
                detail,
                format,
                bucket_owner,
                unknown,
            }) => {
                note_unknown(adjustments, &unknown, "messages[].content[].image_url.");
                let url =
                    url.ok_or_else(|| missing(PartKind::ImageUrl, position, MediaField::Url))?;
                MediaPart {
                    detail,
                    format,
                    bucket_owner,
                    ..MediaPart::new(PartKind::ImageUrl, position, url, MediaField::Url)
                }
            }
        };
        self.block(part, adjustments)
    }

    /// The block of a `file` part at `position`. `citations` and `context` are fields of the part,
    /// for documents only.
    pub(super) fn file(
        &mut self,
        part: FilePart,
        citations: Option<CitationsConfig>,
        context: Option<String>,
        position: PartPosition,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        let FilePart {
            file_data,
            filename,
            file_id,
            file_url,
            format,
            bucket_owner,
            unknown,
        } = part;
        note_unknown(adjustments, &unknown, "messages[].content[].file.");
        let (address, field) = match (file_data, file_url, file_id) {
            (Some(data), None, None) => (data, MediaField::Data),
            (None, Some(url), None) => (url, MediaField::Url),
            (None, None, Some(id)) => (id, MediaField::Id),
            (None, None, None) => {
                return Err(missing(PartKind::File, position, MediaField::Data));
            }
            _ => {
                return Err(ApiError::invalid(
                    PartKind::File.at(position, MediaField::Whole),
                    "send only one of `file_data`, `file_url` and `file_id`",
                ));
            }
        };
        if field != MediaField::Data && !is_address(&address) {
            return Err(ApiError::invalid(
                PartKind::File.at(position, field),
                "the value is not a URL; send `s3://bucket/key`, an https URL, or the file's \
                 bytes as `file_data`",
            ));
        }
        let part = MediaPart {
            filename,
            format,
            bucket_owner,
            citations,
            context,
            ..MediaPart::new(PartKind::File, position, address, field)
        };
        self.block(part, adjustments)
    }

    /// The block of an `input_audio` part at `position`.
    pub(super) fn input_audio(
        &mut self,
        part: InputAudio,
        position: PartPosition,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        let InputAudio {
            data,
            format,
            bucket_owner,
            unknown,
        } = part;
        note_unknown(adjustments, &unknown, "messages[].content[].input_audio.");
        let data = data.ok_or_else(|| missing(PartKind::InputAudio, position, MediaField::Data))?;
        let part = MediaPart {
            format,
            bucket_owner,
            ..MediaPart::new(PartKind::InputAudio, position, data, MediaField::Data)
        };
        self.block(part, adjustments)
    }

    /// The block of a `video_url` part at `position`.
    pub(super) fn video_url(
        &mut self,
        part: StringOrObject<VideoUrl>,
        position: PartPosition,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        let part = match part {
            StringOrObject::String(url) => {
                MediaPart::new(PartKind::VideoUrl, position, url, MediaField::Whole)
            }
            StringOrObject::Object(VideoUrl {
                url,
                format,
                bucket_owner,
                unknown,
            }) => {
                note_unknown(adjustments, &unknown, "messages[].content[].video_url.");
                let url =
                    url.ok_or_else(|| missing(PartKind::VideoUrl, position, MediaField::Url))?;
                MediaPart {
                    format,
                    bucket_owner,
                    ..MediaPart::new(PartKind::VideoUrl, position, url, MediaField::Url)
                }
            }
        };
        self.block(part, adjustments)
    }
}

fn missing(kind: PartKind, position: PartPosition, field: MediaField) -> ApiError {
    ApiError::missing_value(kind.at(position, field))
}
