//! Translates an image request to calls of its model.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::ImageEndpoint;
use super::extra_fields::{additional, check_extra_field, checked_colors, extra_fields, number};
use super::inputs::{InputImage, Inputs, converted_mask};
use super::options::{Delivery, check_background, count, delivery, format, premium, streams};
use super::shape::{ImageShape, shape};
use super::task::{TaskInput, check_images, prompt, task};
use super::types::ImageRequest;
use crate::converse::media::RemoteFiles;
use crate::converse::policy::AllowList;
use crate::endpoints::images::bodies::{ImageOrder, body};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::models::{ImageCapabilities, ImageTask, Size};
use crate::reply::Adjustments;
use crate::wire::form::FormPart;
use crate::wire::hint;
use crate::wire::misspelling;

/// The maximum size in bytes of a Bedrock request body (botocore, bedrock-runtime: InvokeModel).
const MAX_BODY_BYTES: usize = 25_000_000;

/// The maximum size in bytes of all calls of a request together; each contains the input images.
const MAX_TOTAL_BYTES: usize = 3 * MAX_BODY_BYTES;

/// The context of an image request.
#[derive(Debug, Clone)]
pub struct ImageContext {
    /// What the model supports.
    pub capabilities: ImageCapabilities,
    /// The provider fields that requests may set.
    pub model_fields: AllowList,
    /// Whether an S3 bucket is configured, so that images can be returned as URLs.
    pub has_bucket: bool,
    /// The files fetched from the URLs in the request.
    pub fetched: Arc<RemoteFiles>,
}

/// A prepared image request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedImageRequest {
    /// The bodies of the calls.
    pub bodies: Vec<Bytes>,
    /// The number of images to return.
    pub count: u32,
    /// How images are delivered.
    pub delivery: Delivery,
    /// Whether the response is streamed.
    pub stream: bool,
    /// The requested size.
    pub requested_size: Option<Size>,
    /// The requested format, if it was not sent to the model.
    pub requested_format: Option<String>,
    /// Whether the table's price applies to these images.
    pub has_price: bool,
}

/// A translated image request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslatedImage {
    /// The prepared calls and output options.
    pub prepared: PreparedImageRequest,
    /// The adjustments of the request.
    pub adjustments: Adjustments,
}

/// Translates a request with the files of its form. The caller resolves the model name. Processor
/// time for masks and base64 grows with their size.
///
/// Fails with an error that names the unsupported field.
pub fn translate(
    endpoint: ImageEndpoint,
    request: ImageRequest,
    files: Vec<FormPart>,
    context: &ImageContext,
) -> Result<TranslatedImage, ApiError> {
    let ImageContext {
        capabilities,
        fetched,
        ..
    } = context;
    let mut adjustments = Adjustments::default();
    // Destructured without `..`, so that a new field does not compile until it is handled here.
    let ImageRequest {
        model: _,
        prompt: text,
        n,
        size,
        quality,
        response_format,
        output_format,
        output_compression,
        background,
        moderation,
        style,
        stream,
        partial_images,
        user,
        input_fidelity,
        images,
        mask,
        negative_prompt,
        seed,
        cfg_scale,
        strength,
        mask_prompt,
        colors,
        aspect_ratio,
        task_type,
        additional_model_request_fields,
        unknown,
    } = request;

    for (field, value, default) in [
        ("output_compression", output_compression, "100"),
        ("moderation", moderation, "\"auto\""),
        ("partial_images", partial_images, ""),
        ("user", user, ""),
        ("input_fidelity", input_fidelity, "\"low\""),
    ] {
        hint(field, value, default, &mut adjustments);
    }
    let count = count(n)?;
    let stream = streams(stream, endpoint)?;
    let delivery = delivery(response_format.as_deref(), stream, context.has_bucket)?;
    let inputs = Inputs::of(files, images, mask, fetched, &mut adjustments)?;
    let colors = colors.unwrap_or_default();
    let input = TaskInput {
        endpoint,
        task_type: task_type.as_deref(),
        has_colors: !colors.is_empty(),
        has_mask_prompt: mask_prompt.is_some(),
        inputs: &inputs,
    };
    let task = task(&input, capabilities)?;
    check_images(&input, task, capabilities)?;
    let premium = premium(quality.as_deref(), task, capabilities, &mut adjustments)?;
    check_background(background.as_deref(), task, capabilities)?;
    let shape = shape(
        size.as_deref(),
        aspect_ratio.as_deref(),
        task,
        capabilities,
        &mut adjustments,
    )?;
    let (output_format, requested_format) = format(output_format, capabilities)?;
    let misspelt_prompt = match &text {
        Some(_) => String::new(),
        None => misspelling(&unknown, "prompt", ImageRequest::FIELDS),
    };
    let extra_fields = extra_fields(style, unknown, task, capabilities, &mut adjustments)?;
    for (field, is_there) in [
        ("negative_prompt", negative_prompt.is_some()),
        ("cfg_scale", cfg_scale.is_some()),
        ("strength", strength.is_some()),
        ("mask_prompt", mask_prompt.is_some()),
        ("colors", !colors.is_empty()),
    ] {
        if is_there {
            check_extra_field(field, task, capabilities)?;
        }
    }
    if task == ImageTask::ColorGuided && colors.is_empty() {
        let message = "`colors` is missing; name up to ten, such as `#ff9900`";
        return Err(ApiError::missing("colors", message));
    }
    let has_price = has_price(premium, &shape, inputs.images.first(), capabilities);
    let order = ImageOrder {
        task,
        prompt: prompt(
            (text, &misspelt_prompt),
            task,
            capabilities,
            &mut adjustments,
        )?,
        negative_prompt,
        mask: converted_mask(&inputs, mask_prompt.is_some(), task, capabilities)?,
        images: inputs
            .images
            .into_iter()
            .map(|image| STANDARD.encode(image.bytes))
            .collect(),
        mask_prompt,
        size: shape.size,
        aspect_ratio: shape.aspect_ratio,
        premium,
        count,
        seed: super::extra_fields::seed(seed, task, capabilities, &mut adjustments)?,
        cfg_scale: number("cfg_scale", cfg_scale)?,
        strength: super::extra_fields::strength(strength, task, capabilities, &mut adjustments)?,
        colors: checked_colors(colors)?,
        output_format,
        extra_fields,
        additional: additional(additional_model_request_fields, &context.model_fields)?,
    };
    Ok(TranslatedImage {
        prepared: PreparedImageRequest {
            bodies: bodies(order, capabilities)?,
            count,
            delivery,
            stream,
            requested_size: shape.requested,
            requested_format,
            has_price,
        },
        adjustments,
    })
}

/// The bodies of the calls that generate `order.count` images. Each call has its own seed, since
/// equal seeds generate equal images.
fn bodies(mut order: ImageOrder, capabilities: &ImageCapabilities) -> Result<Vec<Bytes>, ApiError> {
    let each = match order.task {
        ImageTask::RemoveBackground => 1,
        _ => capabilities.images_per_call.max(1),
    };
    let seed = order.seed;
    let mut remaining = order.count;
    let mut bodies: Vec<Bytes> = Vec::new();
    let mut total_bytes: usize = 0;
    while remaining > 0 {
        let count = each.min(remaining);
        let generated = u64::from(bodies.len() as u32 * each);
        let is_as_before = !bodies.is_empty() && seed.is_none() && order.count == count;
        order.count = count;
        order.seed = seed.map(|seed| (seed + generated) % (capabilities.max_seed + 1));
        let body = match bodies.last().filter(|_| is_as_before) {
            // Equal bodies share their bytes, since images are large.
            Some(body) => body.clone(),
            None => serialized(capabilities, &order)?,
        };
        // Equal bodies are counted once.
        if !is_as_before {
            total_bytes += body.len();
        }
        if total_bytes > MAX_TOTAL_BYTES {
            let message = format!(
                "with a `seed` each image needs a separate call, and the calls together exceed \
                 {MAX_TOTAL_BYTES} bytes; request fewer images, or send smaller ones"
            );
            return Err(ApiError::invalid("n", message));
        }
        bodies.push(body);
        remaining -= count;
    }
    Ok(bodies)
}

fn serialized(capabilities: &ImageCapabilities, order: &ImageOrder) -> Result<Bytes, ApiError> {
    let body = serde_json::to_vec(&body(capabilities, order)).map_err(|_| ApiError::internal())?;
    if body.len() > MAX_BODY_BYTES {
        let message = format!(
            "the images result in a request of {} bytes, which exceeds Bedrock's maximum of \
             {MAX_BODY_BYTES}; send smaller ones",
            body.len()
        );
        let error = ApiError::new(ErrorKind::InvalidRequest, message);
        return Err(error.parameter("image").code(ErrorCode::ImageTooLarge));
    }
    Ok(body.into())
}

/// The table's price applies to standard quality up to a size.
fn has_price(
    premium: Option<bool>,
    shape: &ImageShape,
    image: Option<&InputImage>,
    capabilities: &ImageCapabilities,
) -> bool {
    if capabilities.priced_pixels == 0 {
        return true;
    }
    let size = shape.size.or(image.and_then(|image| image.size));
    let is_small = size.is_none_or(|size| size.pixels() <= capabilities.priced_pixels);
    premium != Some(true) && is_small
}
