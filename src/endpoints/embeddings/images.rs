//! Images in `input`: data URLs, base64, and files fetched from https URLs.

use super::types::{EmbeddingsInput, EmbeddingsRequest, InputObject, InputPart};
use crate::converse::media::{RemoteAddress, RemoteFiles, is_web_address, open_image};
use crate::endpoints::embeddings::bodies::EmbeddingImage;
use crate::error::{ApiError, ErrorCode};
use crate::models::EmbeddingCapabilities;
use crate::reply::Adjustments;
use crate::wire::{ImageUrl, StringOrObject, note_unknown};

/// The https URLs of images in a request, each with its field path.
pub fn remote_images(request: &EmbeddingsRequest) -> Vec<RemoteAddress> {
    let parts = match &request.input {
        Some(EmbeddingsInput::One(part)) => std::slice::from_ref(part),
        Some(EmbeddingsInput::Several(parts)) => parts.as_slice(),
        Some(EmbeddingsInput::Tokens(_)) | None => &[],
    };
    let several = matches!(request.input, Some(EmbeddingsInput::Several(_)));
    let objects = parts
        .iter()
        .zip(0..)
        .filter_map(|(part, index)| match part {
            InputPart::Object(object) => Some((object, index)),
            InputPart::Text(_) | InputPart::Token(_) | InputPart::Tokens(_) => None,
        });
    let addresses = objects.filter_map(|(object, index)| {
        let (address, field) = address_of(object)?;
        let path = path(several.then_some(index));
        is_web_address(address).then(|| RemoteAddress {
            address: address.to_owned(),
            path: format!("{path}.{field}").into(),
        })
    });
    addresses.collect()
}

/// `input[3]`, or `input` if it is not a list.
pub(super) fn path(index: Option<usize>) -> String {
    match index {
        Some(index) => format!("input[{index}]"),
        None => "input".to_owned(),
    }
}

/// The image URL in an object, and its field.
fn address_of(object: &InputObject) -> Option<(&str, &'static str)> {
    let image = object.image.as_deref().map(|image| (image, "image"));
    image.or_else(|| object.image_url.as_ref().and_then(url_of))
}

fn url_of(url: &StringOrObject<ImageUrl>) -> Option<(&str, &'static str)> {
    match url {
        StringOrObject::String(url) => Some((url, "image_url")),
        StringOrObject::Object(object) => Some((object.url.as_deref()?, "image_url.url")),
    }
}

/// The fields that can hold an image.
pub(super) struct ImageFields {
    pub(super) image: Option<String>,
    pub(super) image_url: Option<StringOrObject<ImageUrl>>,
}

impl ImageFields {
    /// The image URL, if any, and its field path.
    pub(super) fn address(
        self,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> Result<Option<(String, String)>, ApiError> {
        let Self { image, image_url } = self;
        match (image, image_url) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(ApiError::invalid(
                path,
                format!("`{path}` has both `image` and `image_url`; send one of them"),
            )),
            (Some(image), None) => Ok(Some((image, format!("{path}.image")))),
            (None, Some(StringOrObject::String(url))) => {
                Ok(Some((url, format!("{path}.image_url"))))
            }
            (None, Some(StringOrObject::Object(object))) => {
                let path = format!("{path}.image_url");
                let ImageUrl {
                    url,
                    detail,
                    format,
                    bucket_owner,
                    unknown,
                } = object;
                let ignored = [
                    ("detail", detail.filter(|detail| detail != "auto")),
                    ("format", format),
                    ("bucket_owner", bucket_owner),
                ];
                for (field, value) in ignored {
                    if value.is_some() {
                        adjustments.ignored(format!("input[].image_url.{field}"));
                    }
                }
                note_unknown(adjustments, &unknown, "input[].image_url.");
                let url = url.ok_or_else(|| ApiError::missing_field(&path, "url"))?;
                Ok(Some((url, format!("{path}.url"))))
            }
        }
    }
}

/// The image at `address`, from the field `path`.
pub(super) fn image(
    address: String,
    path: &str,
    capabilities: &EmbeddingCapabilities,
    fetched: &RemoteFiles,
) -> Result<EmbeddingImage, ApiError> {
    let (format, base64) = open_image(address, path, fetched)?;
    let supported = &capabilities.image_formats;
    if !supported.iter().any(|word| word == format.as_str()) {
        return Err(ApiError::unsupported_value(
            path,
            format!(
                "the image is {}; this model accepts {}",
                format.as_str(),
                supported.join(", ")
            ),
        )
        .code(ErrorCode::InvalidImageFormat));
    }
    Ok(EmbeddingImage { format, base64 })
}
