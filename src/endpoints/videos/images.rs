//! The images of a request: form files, data URLs, and files fetched from https URLs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::types::{VideoImageReference, VideoRequest};
use crate::converse::media::{
    RemoteAddress, RemoteFiles, image_header, is_web_address, open_image_bytes,
};
use crate::endpoints::videos::bodies::Still;
use crate::error::{ApiError, ErrorCode};
use crate::models::VideoCapabilities;
use crate::reply::Adjustments;
use crate::wire::StringOrObject;
use crate::wire::form::FormPart;

/// An image reference in a request.
pub(super) type Reference = StringOrObject<VideoImageReference>;

/// The https URLs in `request`.
pub fn remote_images(request: &VideoRequest) -> Vec<RemoteAddress> {
    let top = [
        (request.input_reference.as_ref(), "input_reference"),
        (request.last_frame.as_ref(), "last_frame"),
    ];
    let top = top
        .into_iter()
        .filter_map(|(reference, path)| Some((address(reference?)?, path.to_owned())));
    let shots = request.shots.iter().flatten().zip(0_usize..);
    let shots = shots.filter_map(|(shot, index)| {
        let path = shot_path(index);
        Some((address(shot.input_reference.as_ref()?)?, path))
    });
    let url = request.input_reference_url.as_deref();
    let url = url.map(|address| (address, "input_reference".to_owned()));
    let all = top.chain(shots).chain(url);
    all.filter(|(address, _)| is_web_address(address))
        .map(|(address, path)| RemoteAddress {
            address: address.to_owned(),
            path: path.into(),
        })
        .collect()
}

/// The field path of a shot's image.
pub(super) fn shot_path(index: usize) -> String {
    format!("shots[{index}].input_reference")
}

fn address(reference: &Reference) -> Option<&str> {
    match reference {
        StringOrObject::String(address) => Some(address),
        StringOrObject::Object(reference) => reference.image_url.as_deref(),
    }
}

/// Reads the images of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImageReader<'a> {
    pub(super) capabilities: &'a VideoCapabilities,
    /// The files fetched from the URLs in the request.
    pub(super) fetched: &'a RemoteFiles,
    /// The size of the video.
    pub(super) size: (u32, u32),
}

impl ImageReader<'_> {
    /// The image of the JSON field `path`.
    pub(super) fn referenced(
        &self,
        reference: Reference,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> Result<Still, ApiError> {
        let address = match reference {
            StringOrObject::String(address) => address,
            StringOrObject::Object(VideoImageReference {
                image_url,
                file_id,
                unknown,
            }) => {
                for (key, _) in &unknown {
                    adjustments.ignored(format!("{path}.{key}"));
                }
                if file_id.is_some() {
                    return Err(no_files(path));
                }
                image_url.ok_or_else(|| ApiError::missing_field(path, "image_url"))?
            }
        };
        self.addressed(address, path)
    }

    /// The image of a data URL or an https URL.
    pub(super) fn addressed(&self, address: String, path: &str) -> Result<Still, ApiError> {
        let bytes = open_image_bytes(address, self.fetched, path)?;
        self.still(&bytes, path)
    }

    /// The image of a form file.
    pub(super) fn uploaded(&self, file: &FormPart) -> Result<Still, ApiError> {
        self.still(&file.bytes, file.field())
    }

    fn still(&self, bytes: &Bytes, path: &str) -> Result<Still, ApiError> {
        let invalid =
            |message: String| ApiError::invalid(path, message).code(ErrorCode::InvalidImage);
        let VideoCapabilities {
            input_formats,
            input_has_size,
            ..
        } = self.capabilities;
        if input_formats.is_empty() {
            let message = "this model does not support a first frame; omit it";
            return Err(ApiError::unsupported(path, message));
        }
        let head = image_header(bytes);
        let format = head
            .and_then(|head| serde_json::to_value(head.format).ok())
            .and_then(|word| word.as_str().map(str::to_owned))
            .filter(|word| input_formats.contains(word));
        let Some(format) = format else {
            let formats = input_formats.join(", ");
            return Err(invalid(format!("unsupported image format; send {formats}")));
        };
        let (width, height) = self.size;
        let dimensions = head.and_then(|head| head.dimensions);
        if *input_has_size && dimensions != Some(self.size) {
            return Err(invalid(format!(
                "the image must have the size of the video, {width}x{height}"
            )));
        }
        Ok(Still {
            format,
            base64: STANDARD.encode(bytes),
        })
    }
}

pub(super) fn no_files(path: &str) -> ApiError {
    let message = "videos do not support file ids; send the image as a \
                   form file, or as a data URL in `image_url`";
    ApiError::unsupported(format!("{path}.file_id"), message)
}
