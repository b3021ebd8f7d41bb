//! Media in messages: translates `image_url`, `file`, `input_audio` and `video_url` parts to
//! Converse blocks. The bytes determine the format of a file; the client's declaration counts only
//! if they cannot.
//!
//! This module does not fetch URLs. The caller fetches the [`remote_addresses`] of a request first
//! and passes them as [`RemoteFiles`].

mod remote;
mod search_result;
#[cfg(test)]
mod tests;
mod types;

use crate::converse::content::CitationsConfig;
use crate::converse::media::{Media, MediaBlock, MediaPart, PartKind, is_address};
use crate::dialects::wire::{StringOrObject, note_unknown};
use crate::error::ApiError;
use crate::reply::Adjustments;

pub use remote::remote_addresses;
pub(super) use search_result::{SearchResultFields, citations_config, search_result};
pub use types::ImageUrl;
pub(super) use types::{Citations, SearchResultText, VideoUrl};
pub(crate) use types::{FilePart, InputAudio};

impl Media<'_> {
    /// The block of an `image_url` part at `path`.
    pub(super) fn image_url(
        &mut self,
        part: StringOrObject<ImageUrl>,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        const FIELD: &str = "messages[].content[].image_url";
        let path = format!("{path}.image_url");
        let part = match part {
            StringOrObject::String(url) => {
                MediaPart::new(PartKind::ImageUrl, FIELD, url, &path, "")
            }
            StringOrObject::Object(ImageUrl {
                url,
                detail,
                format,
                bucket_owner,
                unknown,
            }) => {
                note_unknown(adjustments, &unknown, "messages[].content[].image_url.");
                let url = url.ok_or_else(|| ApiError::missing_field(&path, "url"))?;
                MediaPart {
                    detail,
                    format,
                    bucket_owner,
                    ..MediaPart::new(PartKind::ImageUrl, FIELD, url, &path, ".url")
                }
            }
        };
        self.block(part, adjustments)
    }

    /// The block of a `file` part at `path`. `citations` and `context` are fields of the part, for
    /// documents only.
    pub(super) fn file(
        &mut self,
        part: FilePart,
        citations: Option<CitationsConfig>,
        context: Option<String>,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        const FIELD: &str = "messages[].content[].file";
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
        let path = format!("{path}.file");
        let (address, name) = match (file_data, file_url, file_id) {
            (Some(data), None, None) => (data, ".file_data"),
            (None, Some(url), None) => (url, ".file_url"),
            (None, None, Some(id)) => (id, ".file_id"),
            (None, None, None) => return Err(ApiError::missing_field(&path, "file_data")),
            _ => {
                return Err(ApiError::invalid(
                    path,
                    "send only one of `file_data`, `file_url` and `file_id`",
                ));
            }
        };
        if name != ".file_data" && !is_address(&address) {
            return Err(ApiError::invalid(
                format!("{path}{name}"),
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
            ..MediaPart::new(PartKind::File, FIELD, address, &path, name)
        };
        self.block(part, adjustments)
    }

    /// The block of an `input_audio` part at `path`.
    pub(super) fn input_audio(
        &mut self,
        part: InputAudio,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        const FIELD: &str = "messages[].content[].input_audio";
        let InputAudio {
            data,
            format,
            bucket_owner,
            unknown,
        } = part;
        note_unknown(adjustments, &unknown, "messages[].content[].input_audio.");
        let path = format!("{path}.input_audio");
        let data = data.ok_or_else(|| ApiError::missing_field(&path, "data"))?;
        let part = MediaPart {
            format,
            bucket_owner,
            ..MediaPart::new(PartKind::InputAudio, FIELD, data, &path, ".data")
        };
        self.block(part, adjustments)
    }

    /// The block of a `video_url` part at `path`.
    pub(super) fn video_url(
        &mut self,
        part: StringOrObject<VideoUrl>,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        const FIELD: &str = "messages[].content[].video_url";
        let path = format!("{path}.video_url");
        let part = match part {
            StringOrObject::String(url) => {
                MediaPart::new(PartKind::VideoUrl, FIELD, url, &path, "")
            }
            StringOrObject::Object(VideoUrl {
                url,
                format,
                bucket_owner,
                unknown,
            }) => {
                note_unknown(adjustments, &unknown, "messages[].content[].video_url.");
                let url = url.ok_or_else(|| ApiError::missing_field(&path, "url"))?;
                MediaPart {
                    format,
                    bucket_owner,
                    ..MediaPart::new(PartKind::VideoUrl, FIELD, url, &path, ".url")
                }
            }
        };
        self.block(part, adjustments)
    }
}
