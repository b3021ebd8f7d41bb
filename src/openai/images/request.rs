//! A request for pictures as the calls that make them, and what its answer has to look like.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::ImageEndpoint;
use super::further::{additional, check_further, checked_colors, further, number};
use super::inputs::{InputImage, Inputs, marked};
use super::shape::{ImageShape, shape};
use super::task::{TaskInput, check_pictures, prompt, task};
use super::types::ImageRequest;
use super::wishes::{Delivery, check_background, count, delivery, format, premium, streams};
use crate::adjustments::Adjustments;
use crate::fault::{ApiError, ErrorKind};
use crate::models::{ImageCapabilities, ImageTask, Size};
use crate::openai::chat::{AllowList, RemoteFiles, hint};
use crate::openai::form::FormPart;
use crate::openai::typo::misspelling;
use crate::providers::images::{ImageOrder, body};

/// The longest body that Bedrock takes, in bytes (botocore, bedrock-runtime: InvokeModel).
const LONGEST_BODY: usize = 25_000_000;

/// The most bytes that all calls of a request may have together: each has the pictures in it.
const MAX_WRITTEN: usize = 3 * LONGEST_BODY;

/// What a request for pictures is translated under.
#[derive(Debug, Clone)]
pub struct ImageContext {
    /// What the model takes.
    pub facts: ImageCapabilities,
    /// Which keys of the provider's own a request may set.
    pub model_fields: AllowList,
    /// Whether the operator has a bucket, so that pictures can have addresses.
    pub has_bucket: bool,
    /// What was fetched from the addresses of the request.
    pub fetched: Arc<RemoteFiles>,
}

/// What a request for pictures means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedImageRequest {
    /// The bodies of the calls.
    pub bodies: Vec<Bytes>,
    /// How many pictures there have to be.
    pub count: u32,
    /// How the client gets them.
    pub delivery: Delivery,
    /// Whether the answer is a stream of events.
    pub stream: bool,
    /// The size that was asked for.
    pub asked_size: Option<Size>,
    /// The format that was asked for and that the model was not told of.
    pub asked_format: Option<String>,
    /// Whether the table's price is the price of these pictures.
    pub has_price: bool,
}

/// A request for pictures, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslatedImage {
    /// What is asked, and what the answer looks like.
    pub plan: PreparedImageRequest,
    /// What was changed on the way.
    pub adjustments: Adjustments,
}

/// Translates a request with the files of its form. The model's name is the caller's business.
/// Masks and base64 take processor time by the byte.
///
/// Fails with a fault that names the field which cannot be served.
pub fn translate(
    endpoint: ImageEndpoint,
    request: ImageRequest,
    files: Vec<FormPart>,
    terms: &ImageContext,
) -> Result<TranslatedImage, ApiError> {
    let ImageContext { facts, fetched, .. } = terms;
    let mut adjustments = Adjustments::default();
    // Taken apart without a rest pattern: a new field does not compile until it is treated here.
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

    for (field, value, usual) in [
        ("output_compression", output_compression, "100"),
        ("moderation", moderation, "\"auto\""),
        ("partial_images", partial_images, ""),
        ("user", user, ""),
        ("input_fidelity", input_fidelity, "\"low\""),
    ] {
        hint(field, value, usual, &mut adjustments);
    }
    let count = count(n)?;
    let stream = streams(stream, endpoint)?;
    let delivery = delivery(response_format.as_deref(), stream, terms.has_bucket)?;
    let inputs = Inputs::of(files, images, mask, fetched, &mut adjustments)?;
    let colors = colors.unwrap_or_default();
    let wanted = TaskInput {
        endpoint,
        task_type: task_type.as_deref(),
        has_colors: !colors.is_empty(),
        has_mask_prompt: mask_prompt.is_some(),
        inputs: &inputs,
    };
    let task = task(&wanted, facts)?;
    check_pictures(&wanted, task, facts)?;
    let premium = premium(quality.as_deref(), task, facts, &mut adjustments)?;
    check_background(background.as_deref(), task, facts)?;
    let shape = shape(
        size.as_deref(),
        aspect_ratio.as_deref(),
        task,
        facts,
        &mut adjustments,
    )?;
    let (output_format, asked_format) = format(output_format, facts)?;
    let misspelt_prompt = match &text {
        Some(_) => String::new(),
        None => misspelling(&unknown, "prompt", ImageRequest::FIELDS),
    };
    let further = further(style, unknown, task, facts, &mut adjustments)?;
    for (field, is_there) in [
        ("negative_prompt", negative_prompt.is_some()),
        ("cfg_scale", cfg_scale.is_some()),
        ("strength", strength.is_some()),
        ("mask_prompt", mask_prompt.is_some()),
        ("colors", !colors.is_empty()),
    ] {
        if is_there {
            check_further(field, task, facts)?;
        }
    }
    if task == ImageTask::ColorGuided && colors.is_empty() {
        let message = "`colors` is missing; name up to ten, such as `#ff9900`";
        return Err(ApiError::missing("colors", message));
    }
    let has_price = has_price(premium, &shape, inputs.pictures.first(), facts);
    let order = ImageOrder {
        task,
        prompt: prompt((text, &misspelt_prompt), task, facts, &mut adjustments)?,
        negative_prompt,
        mask: marked(&inputs, mask_prompt.is_some(), task, facts)?,
        pictures: inputs
            .pictures
            .into_iter()
            .map(|picture| STANDARD.encode(picture.bytes))
            .collect(),
        mask_prompt,
        size: shape.size,
        aspect_ratio: shape.aspect_ratio,
        premium,
        count,
        seed: super::further::seed(seed, task, facts, &mut adjustments)?,
        cfg_scale: number("cfg_scale", cfg_scale)?,
        strength: super::further::strength(strength, task, facts, &mut adjustments)?,
        colors: checked_colors(colors)?,
        output_format,
        further,
        additional: additional(additional_model_request_fields, &terms.model_fields)?,
    };
    Ok(TranslatedImage {
        plan: PreparedImageRequest {
            bodies: bodies(order, facts)?,
            count,
            delivery,
            stream,
            asked_size: shape.asked,
            asked_format,
            has_price,
        },
        adjustments,
    })
}

/// The bodies of the calls that make `order.count` pictures. Each call begins with a seed of its
/// own, since the same one makes the same picture.
fn bodies(mut order: ImageOrder, facts: &ImageCapabilities) -> Result<Vec<Bytes>, ApiError> {
    let each = match order.task {
        ImageTask::RemoveBackground => 1,
        _ => facts.images_per_call.max(1),
    };
    let seed = order.seed;
    let mut left = order.count;
    let mut bodies: Vec<Bytes> = Vec::new();
    let mut written_bytes: usize = 0;
    while left > 0 {
        let count = each.min(left);
        let made = u64::from(bodies.len() as u32 * each);
        let is_as_before = !bodies.is_empty() && seed.is_none() && order.count == count;
        order.count = count;
        order.seed = seed.map(|seed| (seed + made) % (facts.most_seed + 1));
        let body = match bodies.last().filter(|_| is_as_before) {
            // Calls that are alike share their bytes: those of pictures are many.
            Some(body) => body.clone(),
            None => written(facts, &order)?,
        };
        // Bodies that are alike are one.
        if !is_as_before {
            written_bytes += body.len();
        }
        if written_bytes > MAX_WRITTEN {
            let message = format!(
                "with a `seed` each picture takes a call of its own, and together these are longer \
                 than {MAX_WRITTEN} bytes; ask for fewer, or send smaller pictures"
            );
            return Err(ApiError::invalid("n", message));
        }
        bodies.push(body);
        left -= count;
    }
    Ok(bodies)
}

fn written(facts: &ImageCapabilities, order: &ImageOrder) -> Result<Bytes, ApiError> {
    let body = serde_json::to_vec(&body(facts, order)).map_err(|_| ApiError::internal())?;
    if body.len() > LONGEST_BODY {
        let message = format!(
            "the pictures make a request of {} bytes, and {LONGEST_BODY} are the most that Bedrock \
             takes; send smaller ones",
            body.len()
        );
        let fault = ApiError::new(ErrorKind::InvalidRequest, message);
        return Err(fault.parameter("image").code("image_too_large"));
    }
    Ok(body.into())
}

/// The table has the price of pictures of the usual quality, up to a size.
fn has_price(
    premium: Option<bool>,
    shape: &ImageShape,
    picture: Option<&InputImage>,
    facts: &ImageCapabilities,
) -> bool {
    if facts.priced_pixels == 0 {
        return true;
    }
    let size = shape.size.or(picture.and_then(|picture| picture.size));
    let is_small = size.is_none_or(|size| size.pixels() <= facts.priced_pixels);
    premium != Some(true) && is_small
}
