//! Translates a video request; handles every field.

use super::images::{ImageReader, Reference, no_files, shot_path};
use super::shape::{seconds, shape, size_text};
use super::types::{ShotRequest, VideoRequest};
use crate::converse::JsonText;
use crate::converse::media::RemoteFiles;
use crate::endpoints::videos::bodies::{Shot, Still, VideoGeneration, luma_ray, nova_reel};
use crate::error::{ApiError, ErrorCode};
use crate::models::{VideoBody, VideoCapabilities, VideoControl};
use crate::reply::Adjustments;
use crate::wire::form::FormPart;
use crate::wire::{misspelling, note_unknown_fields};

/// The maximum seed (Nova Reel's).
const MAX_SEED: i64 = 2_147_483_646;

/// A translated video request.
#[derive(Debug)]
pub struct VideoOrder {
    /// The `modelInput` of StartAsyncInvoke.
    pub input: JsonText,
    /// The duration of the video in seconds.
    pub seconds: u32,
    /// The size of the video, `1280x720`.
    pub size: String,
    /// The shorter side in pixels.
    pub resolution: u32,
    /// The prompt, for the response.
    pub prompt: Option<String>,
    /// The adjustments of the request.
    pub adjustments: Adjustments,
}

/// Translates a request and the files of its form.
pub fn translate(
    request: VideoRequest,
    files: Vec<FormPart>,
    capabilities: &VideoCapabilities,
    fetched: &RemoteFiles,
) -> Result<VideoOrder, ApiError> {
    let mut adjustments = Adjustments::default();
    let VideoRequest {
        model: _,
        prompt,
        seconds: requested_seconds,
        size,
        input_reference,
        input_reference_url,
        input_reference_file,
        last_frame,
        shots,
        aspect_ratio,
        looped,
        seed,
        unknown,
    } = request;
    note_unknown_fields(&unknown, VideoRequest::FIELDS, &mut adjustments);
    let shape = shape(size.as_deref(), aspect_ratio.as_deref(), capabilities)?;
    let images = ImageReader {
        capabilities,
        fetched,
        size: shape.size,
    };
    let frames = Frames {
        first: input_reference,
        first_url: input_reference_url,
        first_file: input_reference_file,
        last: last_frame,
        files,
    };
    let (first, last) = frames.read(images, &mut adjustments)?;
    check_control(
        capabilities,
        VideoControl::LastFrame,
        "last_frame",
        last.is_some(),
    )?;
    check_control(
        capabilities,
        VideoControl::Loop,
        "loop",
        looped == Some(true),
    )?;
    check_control(capabilities, VideoControl::Seed, "seed", seed.is_some())?;
    check_seed(seed)?;
    let mut video = VideoGeneration {
        prompt: prompt.unwrap_or_default(),
        shots: Vec::new(),
        seconds: 0,
        size: shape.size,
        aspect_ratio: shape.aspect_ratio,
        first,
        last,
        looped: looped.filter(|_| capabilities.takes(VideoControl::Loop)),
        seed,
    };
    match shots.filter(|shots| !shots.is_empty()) {
        None if video.prompt.is_empty() => {
            let misspelling = misspelling(&unknown, "prompt", VideoRequest::FIELDS);
            let message = format!("`prompt` is missing{misspelling}");
            return Err(ApiError::missing("prompt", message));
        }
        None => apply_prompt(
            &mut video,
            requested_seconds.as_ref(),
            capabilities,
            &mut adjustments,
        )?,
        Some(shots) => {
            let shots = read_shots(shots, images, &mut adjustments)?;
            apply_shots(&mut video, shots, requested_seconds, &mut adjustments)?;
        }
    }
    let (width, height) = video.size;
    Ok(VideoOrder {
        input: input(&video, capabilities.body)?,
        seconds: video.seconds,
        size: size_text(video.size),
        resolution: width.min(height),
        prompt: Some(video.prompt).filter(|prompt| !prompt.is_empty()),
        adjustments,
    })
}

/// The first and last frames of a request.
struct Frames {
    first: Option<Reference>,
    first_url: Option<String>,
    first_file: Option<String>,
    last: Option<Reference>,
    files: Vec<FormPart>,
}

impl Frames {
    fn read(
        self,
        images: ImageReader<'_>,
        adjustments: &mut Adjustments,
    ) -> Result<(Option<Still>, Option<Still>), ApiError> {
        if self.first_file.is_some() {
            return Err(no_files("input_reference"));
        }
        let mut first = reference(self.first, "input_reference", images, adjustments)?;
        if let Some(address) = self.first_url {
            first = Some(images.addressed(address, "input_reference")?);
        }
        let mut last = reference(self.last, "last_frame", images, adjustments)?;
        for file in self.files {
            match file.field() {
                "input_reference" => first = Some(images.uploaded(&file)?),
                "last_frame" => last = Some(images.uploaded(&file)?),
                other => adjustments.ignored(other),
            }
        }
        Ok((first, last))
    }
}

fn input(video: &VideoGeneration, body: VideoBody) -> Result<JsonText, ApiError> {
    let input = match body {
        VideoBody::NovaReel => JsonText::of(&nova_reel::input(video)),
        VideoBody::LumaRay => JsonText::of(&luma_ray::input(video)),
    };
    input.map_err(|_| ApiError::internal())
}

/// Applies the prompt of a single-prompt video, and checks its length.
fn apply_prompt(
    video: &mut VideoGeneration,
    requested_seconds: Option<&JsonText>,
    capabilities: &VideoCapabilities,
    adjustments: &mut Adjustments,
) -> Result<(), ApiError> {
    video.seconds = seconds(requested_seconds, capabilities, adjustments)?;
    check_prompt(
        &video.prompt,
        "prompt",
        capabilities.prompt_limit(video.seconds),
    )?;
    let is_script = capabilities.prompt_limit(video.seconds) != capabilities.max_prompt_chars;
    if is_script && video.first.is_some() {
        let message = format!(
            "videos of {} seconds do not support a first frame; request {} seconds, or use \
             `shots`",
            video.seconds,
            capabilities.seconds.first().copied().unwrap_or_default()
        );
        return Err(ApiError::unsupported("input_reference", message));
    }
    Ok(())
}

/// Applies shots; their number determines the duration.
fn apply_shots(
    video: &mut VideoGeneration,
    shots: Vec<Shot>,
    requested_seconds: Option<JsonText>,
    adjustments: &mut Adjustments,
) -> Result<(), ApiError> {
    if video.first.is_some() {
        let message = "with `shots`, set `shots[].input_reference` instead";
        return Err(ApiError::unsupported("input_reference", message));
    }
    if !video.prompt.is_empty() {
        video.prompt.clear();
        adjustments.note("prompt", "ignored; `shots` takes precedence");
    }
    video.seconds = nova_reel::SHOT_SECONDS.saturating_mul(shots.len() as u32);
    if requested_seconds.is_some() {
        adjustments.note("seconds", format!("set to {}", video.seconds));
    }
    video.shots = shots;
    Ok(())
}

fn read_shots(
    shots: Vec<ShotRequest>,
    images: ImageReader<'_>,
    adjustments: &mut Adjustments,
) -> Result<Vec<Shot>, ApiError> {
    let VideoCapabilities {
        max_shots,
        max_prompt_chars,
        ..
    } = images.capabilities;
    if *max_shots == 0 {
        let message = "this model does not support `shots`; use `prompt`";
        return Err(ApiError::unsupported("shots", message));
    }
    if !(2..=*max_shots).contains(&shots.len()) {
        let message = format!("this model supports 2 to {max_shots} shots");
        return Err(ApiError::invalid("shots", message));
    }
    let shots = shots.into_iter().enumerate().map(|(index, shot)| {
        let ShotRequest {
            prompt,
            input_reference,
            unknown,
        } = shot;
        for (key, _) in &unknown {
            adjustments.ignored(format!("shots[].{key}"));
        }
        let prompt = prompt.unwrap_or_default();
        check_prompt(
            &prompt,
            &format!("shots[{index}].prompt"),
            *max_prompt_chars,
        )?;
        let path = shot_path(index);
        let first = reference(input_reference, &path, images, adjustments)?;
        Ok(Shot { prompt, first })
    });
    shots.collect()
}

fn reference(
    reference: Option<Reference>,
    path: &str,
    images: ImageReader<'_>,
    adjustments: &mut Adjustments,
) -> Result<Option<Still>, ApiError> {
    let still = reference.map(|reference| images.referenced(reference, path, adjustments));
    still.transpose()
}

fn check_prompt(prompt: &str, path: &str, max: usize) -> Result<(), ApiError> {
    if prompt.trim().is_empty() {
        return Err(ApiError::missing(path, format!("`{path}` is missing")));
    }
    let length = prompt.chars().count();
    if length > max {
        let message = format!("`{path}` has {length} characters; this model accepts at most {max}");
        return Err(ApiError::invalid(path, message).code(ErrorCode::StringAboveMaxLength));
    }
    Ok(())
}

fn check_control(
    capabilities: &VideoCapabilities,
    control: VideoControl,
    field: &str,
    is_requested: bool,
) -> Result<(), ApiError> {
    if is_requested && !capabilities.takes(control) {
        let message = format!("this model does not support `{field}`; omit it");
        return Err(ApiError::unsupported(field, message));
    }
    Ok(())
}

fn check_seed(seed: Option<i64>) -> Result<(), ApiError> {
    if seed.is_none_or(|seed| (0..=MAX_SEED).contains(&seed)) {
        return Ok(());
    }
    let message = format!("`seed` must be an integer from 0 to {MAX_SEED}");
    Err(ApiError::invalid("seed", message))
}
