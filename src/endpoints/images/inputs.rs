//! The images of a request, from form files, JSON or URLs; and their validation for the model,
//! including the mask.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::types::{ImageReference, ImageRequest};
use crate::converse::media::{
    RemoteAddress, RemoteFiles, image_header, is_web_address, open_image_bytes,
};
use crate::endpoints::images::bodies::mask_for;
use crate::error::{ApiError, ErrorCode};
use crate::models::{ImageCapabilities, ImageTask, Size};
use crate::reply::Adjustments;
use crate::wire::form::FormPart;

/// The maximum number of images in a request (openapi.yaml: `image` of edits).
const MAX_IMAGES: usize = 16;

/// An image of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputImage {
    /// The file.
    pub bytes: Bytes,
    /// The field's path, for error messages.
    pub path: String,
    /// The dimensions; `None` if not readable.
    pub size: Option<Size>,
}

/// The images of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The input images.
    pub images: Vec<InputImage>,
    /// The mask.
    pub mask: Option<InputImage>,
}

/// The URLs of images in `request`.
pub fn remote_images(request: &ImageRequest) -> Vec<RemoteAddress> {
    let images = request.images.iter().flatten().zip(0..);
    let images = images.map(|(image, index)| (image, image_path(index)));
    let mask = request.mask.iter().map(|mask| (mask, "mask".to_owned()));
    let all = images.take(MAX_IMAGES).chain(mask);
    let remote = all.filter_map(|(reference, path)| {
        let address = reference.image_url.clone()?;
        is_web_address(&address).then(|| RemoteAddress {
            address,
            path: format!("{path}.image_url").into(),
        })
    });
    remote.collect()
}

impl Inputs {
    /// The images of form files and of JSON references.
    pub(super) fn of(
        files: Vec<FormPart>,
        images: Option<Vec<ImageReference>>,
        mask: Option<ImageReference>,
        fetched: &RemoteFiles,
        adjustments: &mut Adjustments,
    ) -> Result<Self, ApiError> {
        let mut inputs = Self::default();
        for file in files {
            match file.field() {
                "image" | "images" => inputs.images.push(InputImage::new(file.bytes, "image")),
                "mask" => inputs.mask = Some(InputImage::new(file.bytes, "mask")),
                other => adjustments.ignored(other),
            }
        }
        for (reference, index) in images.into_iter().flatten().zip(0..) {
            let path = image_path(index);
            let note = "images[].";
            let image = referenced(reference, &path, note, fetched, adjustments)?;
            inputs.images.push(image);
        }
        if let Some(mask) = mask {
            let mask = referenced(mask, "mask", "mask.", fetched, adjustments)?;
            inputs.mask = Some(mask);
        }
        if inputs.images.len() > MAX_IMAGES {
            let message = format!("a request may have at most {MAX_IMAGES} images");
            return Err(ApiError::invalid("image", message));
        }
        Ok(inputs)
    }
}

impl InputImage {
    fn new(bytes: Bytes, path: &str) -> Self {
        let dimensions = image_header(&bytes).and_then(|head| head.dimensions);
        Self {
            bytes,
            path: path.to_owned(),
            size: dimensions.map(|(width, height)| Size { width, height }),
        }
    }

    /// Rejects images that the model does not support.
    pub(super) fn check(&self, capabilities: &ImageCapabilities) -> Result<(), ApiError> {
        let ImageCapabilities {
            input_formats,
            min_side,
            max_side,
            max_input_pixels,
            ..
        } = capabilities;
        let invalid =
            |message: String| ApiError::invalid(&*self.path, message).code(ErrorCode::InvalidImage);
        let word = image_header(&self.bytes)
            .and_then(|head| serde_json::to_value(head.format).ok())
            .and_then(|word| word.as_str().map(str::to_owned));
        if !word.is_some_and(|word| input_formats.contains(&word)) {
            let formats = input_formats.join(", ");
            return Err(invalid(format!("unsupported image format; send {formats}")));
        }
        let Some(size) = self.size else {
            return Err(invalid("the image's dimensions cannot be read".to_owned()));
        };
        if size.width.min(size.height) < *min_side {
            return Err(invalid(format!(
                "the image is {size}; each side must be at least {min_side} pixels"
            )));
        }
        if *max_side > 0 && size.width.max(size.height) > *max_side {
            return Err(invalid(format!(
                "the image is {size}; each side must be at most {max_side} pixels"
            )));
        }
        if *max_input_pixels > 0 && size.pixels() > *max_input_pixels {
            return Err(invalid(format!(
                "the image is {size}; it must have at most {max_input_pixels} pixels"
            )));
        }
        Ok(())
    }
}

/// The mask in the model's convention, in base64.
pub(super) fn converted_mask(
    inputs: &Inputs,
    has_words: bool,
    task: ImageTask,
    capabilities: &ImageCapabilities,
) -> Result<Option<String>, ApiError> {
    let can_be = matches!(
        task,
        ImageTask::Inpaint | ImageTask::Outpaint | ImageTask::Edit
    );
    let needs = matches!(task, ImageTask::Inpaint | ImageTask::Outpaint);
    let Some(mask) = &inputs.mask else {
        if needs && !has_words {
            let message = match capabilities.takes("mask_prompt") {
                true => "`mask` is missing; send one, or describe the area in `mask_prompt`",
                false => "`mask` is missing; it marks the area to edit",
            };
            return Err(ApiError::missing("mask", message));
        }
        return Ok(None);
    };
    if has_words {
        let message = "send either `mask` or `mask_prompt`, not both";
        return Err(ApiError::invalid("mask_prompt", message));
    }
    let Some(convention) = capabilities.mask.filter(|_| can_be) else {
        let message = "this model does not support `mask`; it edits the complete image";
        return Err(ApiError::unsupported("mask", message));
    };
    let size = inputs.images.first().and_then(|image| image.size);
    let mask = mask_for(convention, &mask.bytes, size).map_err(|error| {
        ApiError::invalid("mask", error.to_string()).code(ErrorCode::InvalidImage)
    })?;
    Ok(Some(STANDARD.encode(mask)))
}

fn image_path(index: usize) -> String {
    format!("images[{index}]")
}

fn referenced(
    reference: ImageReference,
    path: &str,
    note: &str,
    fetched: &RemoteFiles,
    adjustments: &mut Adjustments,
) -> Result<InputImage, ApiError> {
    let ImageReference {
        image_url,
        file_id,
        unknown,
    } = reference;
    for (key, _) in unknown {
        adjustments.ignored(format!("{note}{key}"));
    }
    if file_id.is_some() {
        let path = format!("{path}.file_id");
        let message = format!("`{path}` is not supported; send the image as `image_url`");
        return Err(ApiError::unsupported(path, message));
    }
    let address = image_url.ok_or_else(|| ApiError::missing_field(path, "image_url"))?;
    let path = format!("{path}.image_url");
    let bytes = open_image_bytes(address, fetched, &path)?;
    Ok(InputImage::new(bytes, &path))
}
