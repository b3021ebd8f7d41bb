//! Media within messages: `image_url`, `file`, `input_audio` and `video_url` parts become blocks
//! of Converse. The bytes decide what a file is; what a client declares counts where they cannot.
//!
//! Nothing is fetched here. What lies at addresses on the web is asked for beforehand
//! ([`remote_addresses`]) and handed in as [`RemoteFiles`].

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
use crate::adjustments::Adjustments;
use crate::converse::content::CitationsConfig;
use crate::error::ApiError;
use crate::models::Capabilities;

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

/// Translates the media of one request, in order: it keeps the names of documents apart.
#[derive(Debug)]
pub(super) struct Media<'a> {
    capabilities: &'a Capabilities,
    fetched: &'a RemoteFiles,
    names: DocumentNames,
}

/// A part, whichever it was, and where the client wrote it.
struct MediaPart {
    kind: PartKind,
    /// A data URL, base64, or an address.
    address: String,
    /// The place of the address, for refusals.
    address_path: String,
    /// The place of the part's object, for refusals.
    path: String,
    /// The place of the object in the client's schema, for notes.
    field: &'static str,
    filename: Option<String>,
    format: Option<String>,
    bucket_owner: Option<String>,
    citations: Option<CitationsConfig>,
    context: Option<String>,
}

impl<'a> Media<'a> {
    /// For a model with these facts, and with what was fetched for the request.
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

    /// The block of a `file` part at `path`; `citations` and `context` stand beside `file` and
    /// are for documents.
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
                    "a file has one of `file_data`, `file_url` and `file_id`, and this one has more",
                ));
            }
        };
        if name != ".file_data" && !source::is_address(&address) {
            return Err(ApiError::invalid(
                format!("{path}{name}"),
                "this is no address; write `s3://bucket/key` or an https address, or send the \
                 file's bytes as `file_data`",
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
    /// A part with nothing but an address, which stands at `path` and `name`.
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

    /// Where the client wrote the address, and in which part.
    fn source_path(&self) -> SourcePath<'_> {
        SourcePath {
            kind: self.kind,
            path: &self.address_path,
        }
    }
}
