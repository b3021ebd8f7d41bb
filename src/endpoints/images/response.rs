//! Image responses in OpenAI's format.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use super::ImageEndpoint;
use super::request::PreparedImageRequest;
use crate::converse::media::ImageFormat;
use crate::converse::media::image_header;
use crate::endpoints::images::bodies::{ImageOutcome, outcome};
use crate::error::{ApiError, ErrorCode, ErrorKind, Sentence};
use crate::models::{ImageBody, Size};
use crate::reply::Adjustments;

/// How many base64 characters are decoded to find the header: a JPEG may have a preview before
/// its dimensions.
const HEAD: usize = 128 << 10;

/// A generated image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedImage {
    /// The file in base64.
    pub base64: String,
    /// The format; `None` if not recognized.
    pub format: Option<ImageFormat>,
    /// The dimensions; `None` if not readable.
    pub size: Option<Size>,
}

/// An image as returned to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum ImageData {
    /// In base64.
    #[serde(rename = "b64_json")]
    Base64(String),
    /// As a URL.
    #[serde(rename = "url")]
    Address(String),
}

/// The properties that all images of a response share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHead {
    /// When they were created, in Unix seconds.
    pub created: u64,
    /// Their format.
    pub format: Option<ImageFormat>,
    /// Their size.
    pub size: Option<Size>,
}

/// The images of all `responses`. A filtered or missing image fails the whole request.
pub fn images(
    form: ImageBody,
    responses: &[Bytes],
    prepared: &PreparedImageRequest,
    adjustments: &mut Adjustments,
) -> Result<Vec<GeneratedImage>, ApiError> {
    let mut generated = Vec::with_capacity(prepared.count as usize);
    for response in responses {
        let outcome = outcome(form, response)
            .map_err(|_| failed("the model's response could not be read; try again"))?;
        match outcome {
            ImageOutcome::Generated(images) => {
                generated.extend(images.into_iter().map(GeneratedImage::new))
            }
            ImageOutcome::Filtered(reason) => return Err(filtered(&reason)),
            ImageOutcome::Failed(_) => {
                return Err(failed("the model failed to generate the image; try again"));
            }
        }
    }
    if generated.len() != prepared.count as usize {
        let message = format!(
            "the model generated {} of {} images; try again",
            generated.len(),
            prepared.count
        );
        return Err(failed(message));
    }
    for image in &generated {
        image.note_differences(prepared, adjustments);
    }
    Ok(generated)
}

/// The body of a non-streaming response.
pub fn images_response(head: &ImageHead, data: &[ImageData]) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct ImagesResponse<'a> {
        created: u64,
        data: &'a [ImageData],
        #[serde(skip_serializing_if = "Option::is_none")]
        output_format: Option<ImageFormat>,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<String>,
    }
    serde_json::to_vec(&ImagesResponse {
        created: head.created,
        data,
        output_format: head.format,
        size: head.size.map(|size| size.to_string()),
    })
}

/// The events of a streamed response, one for each image, without partial images.
pub fn completed_events(
    endpoint: ImageEndpoint,
    created: u64,
    images: &[GeneratedImage],
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct ImageEvent<'a> {
        r#type: &'a str,
        b64_json: &'a str,
        created_at: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<String>,
        quality: &'a str,
        background: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        output_format: Option<ImageFormat>,
    }
    let kind = match endpoint {
        ImageEndpoint::Generations => "image_generation.completed",
        ImageEndpoint::Edits | ImageEndpoint::Variations => "image_edit.completed",
    };
    let mut events = Vec::new();
    for image in images {
        let event = ImageEvent {
            r#type: kind,
            b64_json: &image.base64,
            created_at: created,
            size: image.size.map(|size| size.to_string()),
            quality: "auto",
            background: "auto",
            output_format: image.format,
        };
        events.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
        serde_json::to_writer(&mut events, &event)?;
        events.extend_from_slice(b"\n\n");
    }
    Ok(events)
}

impl ImageHead {
    /// The properties shared by all `images`.
    pub fn of(created: u64, images: &[GeneratedImage]) -> Self {
        let first = images.first();
        let format = first.and_then(|first| first.format);
        let size = first.and_then(|first| first.size);
        Self {
            created,
            format: format.filter(|_| images.iter().all(|image| image.format == format)),
            size: size.filter(|_| images.iter().all(|image| image.size == size)),
        }
    }
}

impl GeneratedImage {
    fn new(base64: String) -> Self {
        let length = base64.len().min(HEAD);
        let start = base64.get(..length - length % 4).unwrap_or_default();
        let head = STANDARD
            .decode(start)
            .ok()
            .and_then(|bytes| image_header(&bytes));
        let dimensions = head.and_then(|head| head.dimensions);
        Self {
            format: head.map(|head| head.format),
            size: dimensions.map(|(width, height)| Size { width, height }),
            base64,
        }
    }

    /// The decoded file; `None` if the base64 is invalid.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.base64).ok()
    }

    /// The media type and the file name extension.
    pub fn media_type(&self) -> (&'static str, &'static str) {
        match self.format {
            Some(ImageFormat::Jpeg) => ("image/jpeg", "jpg"),
            Some(ImageFormat::Webp) => ("image/webp", "webp"),
            Some(ImageFormat::Gif) => ("image/gif", "gif"),
            Some(ImageFormat::Png) | None => ("image/png", "png"),
        }
    }

    fn note_differences(&self, prepared: &PreparedImageRequest, adjustments: &mut Adjustments) {
        if let (Some(requested), Some(size)) = (prepared.requested_size, self.size)
            && requested != size
        {
            adjustments.note("size", format!("set to {size}; the closest supported size"));
        }
        let word = |format: ImageFormat| match format {
            ImageFormat::Png => "png",
            ImageFormat::Jpeg => "jpeg",
            ImageFormat::Gif => "gif",
            ImageFormat::Webp => "webp",
        };
        if let (Some(requested), Some(format)) = (&prepared.requested_format, self.format)
            && requested != word(format)
        {
            let action = format!("set to {}; the model's output format", word(format));
            adjustments.note("output_format", action);
        }
    }
}

fn filtered(reason: &str) -> ApiError {
    // The reasons are a few fixed sentences of the provider, without operator data.
    let message = format!(
        "Your request was rejected as a result of our safety system. The provider's filter blocked \
         the image: {reason}"
    );
    ApiError::new(ErrorKind::InvalidRequest, message).code(ErrorCode::ContentPolicyViolation)
}

fn failed(message: impl Into<Sentence>) -> ApiError {
    ApiError::new(ErrorKind::BadGateway, message).code(ErrorCode::UpstreamBadResponse)
}
