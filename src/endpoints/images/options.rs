//! Output options of image requests: number, quality, format and delivery.

use super::ImageEndpoint;
use crate::error::ApiError;
use crate::models::{ImageCapabilities, ImageTask};
use crate::reply::Adjustments;
use crate::wire::Words;

/// The maximum number of images per request (openapi.yaml).
const MAX_IMAGES: i64 = 10;

/// How images are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In the response, in base64.
    Base64,
    /// As a URL.
    Address,
}

const DELIVERIES: Words<Delivery> = Words::new(
    "a response format",
    &[("b64_json", Delivery::Base64), ("url", Delivery::Address)],
);

/// The qualities, and whether they are high; `None` leaves the choice to the model.
const QUALITIES: Words<Option<bool>> = Words::new(
    "a quality",
    &[
        ("auto", None),
        ("low", Some(false)),
        ("medium", Some(false)),
        ("high", Some(true)),
        ("standard", Some(false)),
        ("hd", Some(true)),
    ],
)
.with_aliases(&[("premium", Some(true))]);

/// The backgrounds, and whether they are transparent.
const BACKGROUNDS: Words<bool> = Words::new(
    "a background",
    &[("auto", false), ("opaque", false), ("transparent", true)],
);

const OUTPUT_FORMATS: Words<()> = Words::new(
    "an output format",
    &[("png", ()), ("jpeg", ()), ("webp", ())],
);

pub(super) fn count(n: Option<i64>) -> Result<u32, ApiError> {
    let n = n.unwrap_or(1);
    match u32::try_from(n) {
        Ok(count) if (1..=MAX_IMAGES).contains(&n) => Ok(count),
        _ => {
            let message = format!("`n` is {n}; it must be from 1 to {MAX_IMAGES}");
            Err(ApiError::invalid("n", message))
        }
    }
}

pub(super) fn streams(stream: Option<bool>, endpoint: ImageEndpoint) -> Result<bool, ApiError> {
    match (stream, endpoint) {
        (Some(true), ImageEndpoint::Variations) => {
            let message = "variations do not support streaming; omit `stream`";
            Err(ApiError::unsupported("stream", message))
        }
        (stream, _) => Ok(stream.unwrap_or(false)),
    }
}

pub(super) fn delivery(
    format: Option<&str>,
    stream: bool,
    has_bucket: bool,
) -> Result<Delivery, ApiError> {
    const FIELD: &str = "response_format";
    match DELIVERIES.read(format, FIELD)? {
        Some(Delivery::Address) if stream => {
            let message = "streamed images are sent as base64; omit `url`";
            Err(ApiError::unsupported_value(FIELD, message))
        }
        // Without this error, clients that read URLs would find none, and fail without an
        // explanation.
        Some(Delivery::Address) if !has_bucket => {
            let message = "this gateway has no S3 bucket for images, so it returns no \
                           URLs; use `b64_json`";
            Err(ApiError::unsupported_value(FIELD, message))
        }
        delivery => Ok(delivery.unwrap_or(Delivery::Base64)),
    }
}

pub(super) fn premium(
    quality: Option<&str>,
    task: ImageTask,
    capabilities: &ImageCapabilities,
    adjustments: &mut Adjustments,
) -> Result<Option<bool>, ApiError> {
    let Some(Some(is_high)) = QUALITIES.read(quality, "quality")? else {
        return Ok(None);
    };
    if !capabilities.premium || task == ImageTask::RemoveBackground {
        adjustments.note("quality", "ignored; the model has only one quality");
        return Ok(None);
    }
    Ok(Some(is_high))
}

pub(super) fn check_background(
    background: Option<&str>,
    task: ImageTask,
    capabilities: &ImageCapabilities,
) -> Result<(), ApiError> {
    let removes = matches!(task, ImageTask::RemoveBackground | ImageTask::Edit);
    match BACKGROUNDS.read(background, "background")? {
        Some(true) if !(capabilities.transparent && removes) => Err(ApiError::unsupported_value(
            "background",
            "this model does not support transparent backgrounds; generate the image, and send it to a \
             model that removes backgrounds",
        )),
        _ => Ok(()),
    }
}

/// The format to send to the model, or the requested format if the model has no such option.
pub(super) fn format(
    format: Option<String>,
    capabilities: &ImageCapabilities,
) -> Result<(Option<String>, Option<String>), ApiError> {
    OUTPUT_FORMATS.read(format.as_deref(), "output_format")?;
    let Some(word) = format else {
        return Ok((None, None));
    };
    // Models with one format have no field for it.
    let is_configurable =
        capabilities.output_formats.len() > 1 && capabilities.output_formats.contains(&word);
    Ok(match is_configurable {
        true => (Some(word), None),
        false => (None, Some(word)),
    })
}
