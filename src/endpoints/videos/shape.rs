//! Translates the requested duration and size of a video to the model's options.

use crate::converse::JsonText;
use crate::error::ApiError;
use crate::models::VideoCapabilities;
use crate::reply::Adjustments;

/// Width, height, and their ratio for models with a ratio option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VideoShape {
    pub(super) size: (u32, u32),
    pub(super) aspect_ratio: Option<String>,
}

/// The model's duration: the shortest that is at least the requested one, or its maximum. A
/// different duration is noted.
pub(super) fn seconds(
    requested: Option<&JsonText>,
    capabilities: &VideoCapabilities,
    adjustments: &mut Adjustments,
) -> Result<u32, ApiError> {
    let min_seconds = capabilities.seconds.first().copied().unwrap_or_default();
    let Some(requested) = requested else {
        return Ok(min_seconds);
    };
    let number = requested.as_str().trim().trim_matches('"').trim();
    let number: u32 = number.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
        let message = "`seconds` must be an integer, such as \"6\"";
        ApiError::invalid("seconds", message)
    })?;
    let enough = capabilities
        .seconds
        .iter()
        .find(|length| **length >= number);
    let rounded = enough.or(capabilities.seconds.last());
    let rounded = rounded.copied().unwrap_or(number);
    if rounded != number {
        adjustments.note("seconds", format!("set to {rounded}"));
    }
    Ok(rounded)
}

/// The size of the video.
pub(super) fn shape(
    size: Option<&str>,
    aspect_ratio: Option<&str>,
    capabilities: &VideoCapabilities,
) -> Result<VideoShape, ApiError> {
    match capabilities.aspect_ratios.is_empty() {
        true => listed(size, aspect_ratio, capabilities),
        false => by_ratio(size, aspect_ratio, capabilities),
    }
}

fn listed(
    size: Option<&str>,
    aspect_ratio: Option<&str>,
    capabilities: &VideoCapabilities,
) -> Result<VideoShape, ApiError> {
    if aspect_ratio.is_some() {
        let message = "this model has no aspect ratio option; use `size`";
        return Err(ApiError::unsupported("aspect_ratio", message));
    }
    let first = capabilities.sizes.first().map(String::as_str);
    let size = size.or(first).unwrap_or_default();
    let is_supported = capabilities
        .sizes
        .iter()
        .any(|is_supported| is_supported == size);
    let pair = pair(size, 'x').filter(|_| is_supported);
    let size = pair.ok_or_else(|| wrong_size(size, &capabilities.sizes.join(", ")))?;
    Ok(VideoShape {
        size,
        aspect_ratio: None,
    })
}

fn by_ratio(
    size: Option<&str>,
    aspect_ratio: Option<&str>,
    capabilities: &VideoCapabilities,
) -> Result<VideoShape, ApiError> {
    let is_supported = aspect_ratio
        .is_none_or(|requested| capabilities.aspect_ratios.iter().any(|r| r == requested));
    if !is_supported {
        let ratios = capabilities.aspect_ratios.join(", ");
        let message = format!("this model supports the aspect ratios {ratios}");
        return Err(ApiError::unsupported_value("aspect_ratio", message));
    }
    let Some(written) = size else {
        let first = capabilities.aspect_ratios.first().map(String::as_str);
        let ratio = aspect_ratio.or(first).unwrap_or_default();
        let short = capabilities
            .resolutions
            .first()
            .copied()
            .unwrap_or_default();
        return Ok(VideoShape {
            size: sides(ratio, short).unwrap_or_default(),
            aspect_ratio: Some(ratio.to_owned()),
        });
    };
    let possible = || {
        capabilities.aspect_ratios.iter().flat_map(|ratio| {
            let of = |short: &u32| Some((sides(ratio, *short)?, ratio.clone()));
            capabilities.resolutions.iter().filter_map(of)
        })
    };
    let requested_pair = pair(written, 'x');
    let matching = possible().find(|(size, _)| Some(*size) == requested_pair);
    let (size, ratio) = matching.ok_or_else(|| {
        let sizes: Vec<String> = possible().map(|(size, _)| size_text(size)).collect();
        wrong_size(written, &sizes.join(", "))
    })?;
    if aspect_ratio.is_some_and(|requested| requested != ratio) {
        let message = format!("`size` is {written}, whose ratio is {ratio}; omit one of them");
        return Err(ApiError::invalid("aspect_ratio", message));
    }
    Ok(VideoShape {
        size,
        aspect_ratio: Some(ratio),
    })
}

/// `1280x720`
pub(super) fn size_text((width, height): (u32, u32)) -> String {
    format!("{width}x{height}")
}

/// Width and height for a ratio and the shorter side.
fn sides(ratio: &str, short: u32) -> Option<(u32, u32)> {
    let (width, height) = pair(ratio, ':')?;
    let long = |long: u32, over: u32| short.checked_mul(long)?.checked_div(over);
    match width >= height {
        true => Some((long(width, height)?, short)),
        false => Some((short, long(height, width)?)),
    }
}

fn pair(text: &str, separator: char) -> Option<(u32, u32)> {
    let (one, other) = text.split_once(separator)?;
    Some((one.parse().ok()?, other.parse().ok()?))
}

fn wrong_size(size: &str, possible: &str) -> ApiError {
    let message = format!("this model does not support the size `{size}`; use one of {possible}");
    ApiError::unsupported_value("size", message)
}
