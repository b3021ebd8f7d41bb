//! What a client wants of its answer: how many pictures, how good, in which format, and where.

use super::ImageEndpoint;
use crate::adjustments::Adjustments;
use crate::error::ApiError;
use crate::models::{ImageCapabilities, ImageTask};

/// The most pictures of a request (openapi.yaml).
const MAX_IMAGES: i64 = 10;

/// How the client gets its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In the answer, in base64.
    Base64,
    /// At an address.
    Address,
}

pub(super) fn count(n: Option<i64>) -> Result<u32, ApiError> {
    let n = n.unwrap_or(1);
    match u32::try_from(n) {
        Ok(count) if (1..=MAX_IMAGES).contains(&n) => Ok(count),
        _ => {
            let message = format!("`n` is {n}, and a request has 1 to {MAX_IMAGES} pictures");
            Err(ApiError::invalid("n", message))
        }
    }
}

pub(super) fn streams(stream: Option<bool>, endpoint: ImageEndpoint) -> Result<bool, ApiError> {
    match (stream, endpoint) {
        (Some(true), ImageEndpoint::Variations) => {
            let message = "variations are not streamed; leave `stream` out";
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
    match format {
        None | Some("b64_json") => Ok(Delivery::Base64),
        Some("url") if stream => {
            let message = "the events of a stream carry their pictures; leave out `url`";
            Err(ApiError::unsupported_value(FIELD, message))
        }
        // A client that reads addresses would find none, and fail where nobody can tell why.
        Some("url") if !has_bucket => {
            let message = "this gateway has no place to keep pictures, so that there are no \
                           addresses; ask for `b64_json`";
            Err(ApiError::unsupported_value(FIELD, message))
        }
        Some("url") => Ok(Delivery::Address),
        Some(other) => {
            let message = format!("`{other}` is neither `b64_json` nor `url`");
            Err(ApiError::invalid(FIELD, message))
        }
    }
}

pub(super) fn premium(
    quality: Option<&str>,
    task: ImageTask,
    capabilities: &ImageCapabilities,
    adjustments: &mut Adjustments,
) -> Result<Option<bool>, ApiError> {
    let is_high = match quality {
        None | Some("auto") => return Ok(None),
        Some("low" | "medium" | "standard") => false,
        Some("high" | "hd" | "premium") => true,
        Some(other) => {
            let message = format!(
                "`{other}` is none of `auto`, `low`, `medium`, `high`, `standard` and `hd`"
            );
            return Err(ApiError::invalid("quality", message));
        }
    };
    if !capabilities.premium || task == ImageTask::RemoveBackground {
        adjustments.note("quality", "ignored, there is one here");
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
    match background {
        None | Some("auto" | "opaque") => Ok(()),
        Some("transparent") if capabilities.transparent && removes => Ok(()),
        Some("transparent") => Err(ApiError::unsupported_value(
            "background",
            "this model makes no transparent backgrounds; make the picture, and send it to a \
             model that removes backgrounds",
        )),
        Some(other) => {
            let message = format!("`{other}` is none of `auto`, `opaque` and `transparent`");
            Err(ApiError::invalid("background", message))
        }
    }
}

/// The format that the model is told of, and the one that it cannot be told of.
pub(super) fn format(
    format: Option<String>,
    capabilities: &ImageCapabilities,
) -> Result<(Option<String>, Option<String>), ApiError> {
    let Some(word) = format else {
        return Ok((None, None));
    };
    match word.as_str() {
        "png" | "jpeg" | "webp" => {}
        other => {
            let message = format!("`{other}` is none of `png`, `jpeg` and `webp`");
            return Err(ApiError::invalid("output_format", message));
        }
    }
    // A model with one format has no field for it.
    let is_configurable =
        capabilities.output_formats.len() > 1 && capabilities.output_formats.contains(&word);
    Ok(match is_configurable {
        true => (Some(word), None),
        false => (None, Some(word)),
    })
}
