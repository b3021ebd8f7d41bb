//! Media in messages: translates `image_url`, `file`, `input_audio` and `video_url` parts to
//! Converse blocks. The bytes determine the format of a file; the client's declaration counts only
//! if they cannot.
//!
//! This module does not fetch URLs. The caller fetches the [`remote_addresses`] of a request first
//! and passes them as [`RemoteFiles`].

mod block;
mod data_url;
mod declared;
mod detect;
mod image;
mod limits;
mod names;
mod office;
mod remote;
mod s3;
#[cfg(test)]
mod samples;
mod search_result;
mod signatures;
mod source;
#[cfg(test)]
mod tests;
mod types;

use detect::PartKind;
use names::DocumentNames;
use source::SourcePath;

use super::content::StringOrObject;
use super::conversation::note_unknown;
use crate::converse::content::CitationsConfig;
use crate::error::ApiError;
use crate::models::Capabilities;
use crate::reply::Adjustments;

pub(super) use block::MediaBlock;
pub(in crate::openai) use data_url::is_data_url;
pub(in crate::openai) use image::{image_header, open_image, open_image_bytes};
pub(in crate::openai) use remote::is_web_address;
pub use remote::{RemoteAddress, RemoteFiles, RemoteMedia, remote_addresses};
pub(super) use s3::is_s3_uri;
pub(super) use search_result::{SearchResultFields, citations_config, search_result};
pub use types::ImageUrl;
pub(super) use types::{Citations, SearchResultText, VideoUrl};
pub(in crate::openai) use types::{FilePart, InputAudio};

/// Translates the media of one request, in order. It gives each document a unique name.
#[derive(Debug)]
pub(super) struct Media<'a> {
    capabilities: &'a Capabilities,
    fetched: &'a RemoteFiles,
    names: DocumentNames,
}

/// A media part of any type, with its paths in the request.
struct MediaPart {
    kind: PartKind,
    /// A data URL, base64, or a URL.
    address: String,
    /// The path of `address`, for errors.
    address_path: String,
    /// The path of the part's object, for errors.
    path: String,
    /// The path of the object without indices, for adjustment notes.
    field: &'static str,
    filename: Option<String>,
    format: Option<String>,
    bucket_owner: Option<String>,
    citations: Option<CitationsConfig>,
    context: Option<String>,
}

impl<'a> Media<'a> {
    pub(super) fn new(capabilities: &'a Capabilities, fetched: &'a RemoteFiles) -> Self {
        Self {
            capabilities,
            fetched,
            names: DocumentNames::default(),
        }
    }

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
                if detail.is_some_and(|detail| detail != "auto") {
                    adjustments.ignored("messages[].content[].image_url.detail");
                }
                let url = url.ok_or_else(|| ApiError::missing_field(&path, "url"))?;
                MediaPart {
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
        if name != ".file_data" && !source::is_address(&address) {
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

impl MediaPart {
    /// A part with only an address, whose path is `path` followed by `name`.
    fn new(kind: PartKind, field: &'static str, address: String, path: &str, name: &str) -> Self {
        Self {
            kind,
            address,
            address_path: format!("{path}{name}"),
            path: path.to_owned(),
            field,
            filename: None,
            format: None,
            bucket_owner: None,
            citations: None,
            context: None,
        }
    }

    fn source_path(&self) -> SourcePath<'_> {
        SourcePath {
            kind: self.kind,
            path: &self.address_path,
        }
    }
}
