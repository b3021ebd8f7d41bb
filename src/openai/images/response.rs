//! Pictures in the client's words.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use super::ImageEndpoint;
use super::request::PreparedImageRequest;
use crate::adjustments::Adjustments;
use crate::converse::media::ImageFormat;
use crate::error::{ApiError, ErrorKind};
use crate::models::{ImageBody, Size};
use crate::openai::chat::image_header;
use crate::providers::images::{ImageOutcome, outcome};

/// How much of a picture is read for its head, in characters of base64: a JPEG may have a preview
/// before its size.
const HEAD: usize = 128 << 10;

/// A picture that a model has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedImage {
    /// The file in base64.
    pub base64: String,
    /// Its format, where the bytes tell.
    pub format: Option<ImageFormat>,
    /// Its size, where the bytes tell.
    pub size: Option<Size>,
}

/// A picture as the client gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum ImageData {
    /// In base64.
    #[serde(rename = "b64_json")]
    Base64(String),
    /// At an address.
    #[serde(rename = "url")]
    Address(String),
}

/// What an answer tells of its pictures, where they are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHead {
    /// When they were made, in Unix seconds.
    pub created: u64,
    /// Their format.
    pub format: Option<ImageFormat>,
    /// Their size.
    pub size: Option<Size>,
}

/// The pictures of all `responses`. What a provider keeps back fails the whole request, and so does
/// a picture that is missing.
pub fn images(
    form: ImageBody,
    responses: &[Bytes],
    prepared: &PreparedImageRequest,
    adjustments: &mut Adjustments,
) -> Result<Vec<GeneratedImage>, ApiError> {
    let mut generated = Vec::with_capacity(prepared.count as usize);
    for response in responses {
        let outcome = outcome(form, response)
            .map_err(|_| failed("the model's answer could not be read; try again"))?;
        match outcome {
            ImageOutcome::Generated(images) => {
                generated.extend(images.into_iter().map(GeneratedImage::new))
            }
            ImageOutcome::Filtered(reason) => return Err(filtered(&reason)),
            ImageOutcome::Failed(_) => {
                return Err(failed("the model failed to make the picture; try again"));
            }
        }
    }
    if generated.len() != prepared.count as usize {
        let message = format!(
            "the model made {} pictures of {}; try again",
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

/// The body of a whole answer.
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

/// The events of a streamed answer: one a picture. There are no unfinished pictures before them.
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
    /// What holds of all `images`.
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

    /// The file; nothing where the provider's base64 is none.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.base64).ok()
    }

    /// The media type of the file, and how its name ends.
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
            adjustments.note("size", format!("{size}, the model's nearest"));
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
            let action = format!("{}, what the model makes", word(format));
            adjustments.note("output_format", action);
        }
    }
}

fn filtered(reason: &str) -> ApiError {
    // The reasons are the provider's few sentences; none has anything of the operator's.
    let message = format!(
        "Your request was rejected as a result of our safety system. The provider's filter kept \
         the picture back: {reason}"
    );
    ApiError::new(ErrorKind::InvalidRequest, message).code("content_policy_violation")
}

fn failed(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::BadGateway, message).code("upstream_bad_response")
}
