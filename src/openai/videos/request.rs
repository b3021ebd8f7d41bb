//! The treatment of every field of a request for a video.

use super::pictures::{ImageReader, Reference, no_files, shot_path};
use super::shape::{seconds, shape, size_text};
use super::types::{ShotRequest, VideoRequest};
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::fault::ApiError;
use crate::models::{VideoBody, VideoCapabilities, VideoControl};
use crate::openai::chat::RemoteFiles;
use crate::openai::form::FormPart;
use crate::openai::typo::{misspelling, note_unknown_fields};
use crate::providers::videos::{Shot, Still, VideoGeneration, luma_ray, nova_reel};

/// The highest seed that is taken (Nova Reel's).
const HIGHEST_SEED: i64 = 2_147_483_646;

/// What a request means for Bedrock, and what the client is told of it.
#[derive(Debug)]
pub struct VideoOrder {
    /// The `modelInput` of StartAsyncInvoke.
    pub input: JsonText,
    /// The length that is made.
    pub seconds: u32,
    /// The size that is made, `1280x720`.
    pub size: String,
    /// The shorter side of it, in pixels.
    pub resolution: u32,
    /// The prompt, for the answer to show.
    pub prompt: Option<String>,
    /// What was changed.
    pub adjustments: Adjustments,
}

/// Translates a request and the files that came with it.
pub fn translate(
    request: VideoRequest,
    files: Vec<FormPart>,
    facts: &VideoCapabilities,
    fetched: &RemoteFiles,
) -> Result<VideoOrder, ApiError> {
    let mut adjustments = Adjustments::default();
    let VideoRequest {
        model: _,
        prompt,
        seconds: asked_seconds,
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
    let shape = shape(size.as_deref(), aspect_ratio.as_deref(), facts)?;
    let pictures = ImageReader {
        facts,
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
    let (first, last) = frames.read(pictures, &mut adjustments)?;
    check_knob(facts, VideoControl::LastFrame, "last_frame", last.is_some())?;
    check_knob(facts, VideoControl::Loop, "loop", looped == Some(true))?;
    check_knob(facts, VideoControl::Seed, "seed", seed.is_some())?;
    check_seed(seed)?;
    let mut film = VideoGeneration {
        prompt: prompt.unwrap_or_default(),
        shots: Vec::new(),
        seconds: 0,
        size: shape.size,
        aspect_ratio: shape.aspect_ratio,
        first,
        last,
        looped: looped.filter(|_| facts.takes(VideoControl::Loop)),
        seed,
    };
    match shots.filter(|shots| !shots.is_empty()) {
        None if film.prompt.is_empty() => {
            let misspelling = misspelling(&unknown, "prompt", VideoRequest::FIELDS);
            let message = format!("`prompt` is missing{misspelling}");
            return Err(ApiError::missing("prompt", message));
        }
        None => one_prompt(&mut film, asked_seconds.as_ref(), facts, &mut adjustments)?,
        Some(shots) => {
            let shots = read_shots(shots, pictures, &mut adjustments)?;
            told_by_shots(&mut film, shots, asked_seconds, &mut adjustments)?;
        }
    }
    let (width, height) = film.size;
    Ok(VideoOrder {
        input: input(&film, facts.body)?,
        seconds: film.seconds,
        size: size_text(film.size),
        resolution: width.min(height),
        prompt: Some(film.prompt).filter(|prompt| !prompt.is_empty()),
        adjustments,
    })
}

/// The pictures that a film begins and ends with, as the request has them.
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
        pictures: ImageReader<'_>,
        adjustments: &mut Adjustments,
    ) -> Result<(Option<Still>, Option<Still>), ApiError> {
        if self.first_file.is_some() {
            return Err(no_files("input_reference"));
        }
        let mut first = reference(self.first, "input_reference", pictures, adjustments)?;
        if let Some(address) = self.first_url {
            first = Some(pictures.addressed(address, "input_reference")?);
        }
        let mut last = reference(self.last, "last_frame", pictures, adjustments)?;
        for file in self.files {
            match file.field() {
                "input_reference" => first = Some(pictures.uploaded(&file)?),
                "last_frame" => last = Some(pictures.uploaded(&file)?),
                other => adjustments.ignored(other),
            }
        }
        Ok((first, last))
    }
}

fn input(film: &VideoGeneration, body: VideoBody) -> Result<JsonText, ApiError> {
    let input = match body {
        VideoBody::NovaReel => JsonText::of(&nova_reel::input(film)),
        VideoBody::LumaRay => JsonText::of(&luma_ray::input(film)),
    };
    input.map_err(|_| ApiError::internal())
}

/// A film of one prompt: its length, and whether the prompt fits it.
fn one_prompt(
    film: &mut VideoGeneration,
    asked_seconds: Option<&JsonText>,
    facts: &VideoCapabilities,
    adjustments: &mut Adjustments,
) -> Result<(), ApiError> {
    film.seconds = seconds(asked_seconds, facts, adjustments)?;
    check_prompt(&film.prompt, "prompt", facts.prompt_limit(film.seconds))?;
    let is_script = facts.prompt_limit(film.seconds) != facts.longest_prompt;
    if is_script && film.first.is_some() {
        let message = format!(
            "a video of {} seconds does not begin with a picture; ask for {} seconds, or tell of \
             it in `shots`",
            film.seconds,
            facts.seconds.first().copied().unwrap_or_default()
        );
        return Err(ApiError::unsupported("input_reference", message));
    }
    Ok(())
}

/// A film of several shots, whose number is its length.
fn told_by_shots(
    film: &mut VideoGeneration,
    shots: Vec<Shot>,
    asked_seconds: Option<JsonText>,
    adjustments: &mut Adjustments,
) -> Result<(), ApiError> {
    if film.first.is_some() {
        let message = "with `shots`, a picture belongs to a shot: `shots[].input_reference`";
        return Err(ApiError::unsupported("input_reference", message));
    }
    if !film.prompt.is_empty() {
        film.prompt.clear();
        adjustments.note("prompt", "ignored beside `shots`");
    }
    film.seconds = nova_reel::SHOT_SECONDS.saturating_mul(shots.len() as u32);
    if asked_seconds.is_some() {
        adjustments.note("seconds", format!("made {}", film.seconds));
    }
    film.shots = shots;
    Ok(())
}

fn read_shots(
    shots: Vec<ShotRequest>,
    pictures: ImageReader<'_>,
    adjustments: &mut Adjustments,
) -> Result<Vec<Shot>, ApiError> {
    let VideoCapabilities {
        most_shots,
        longest_prompt,
        ..
    } = pictures.facts;
    if *most_shots == 0 {
        let message = "this model makes a video of one prompt; leave `shots` out";
        return Err(ApiError::unsupported("shots", message));
    }
    if !(2..=*most_shots).contains(&shots.len()) {
        let message = format!("the model takes 2 to {most_shots} shots");
        return Err(ApiError::invalid("shots", message));
    }
    let shots = shots.into_iter().enumerate().map(|(place, shot)| {
        let ShotRequest {
            prompt,
            input_reference,
            unknown,
        } = shot;
        for (key, _) in &unknown {
            adjustments.ignored(&format!("shots[].{key}"));
        }
        let prompt = prompt.unwrap_or_default();
        check_prompt(&prompt, &format!("shots[{place}].prompt"), *longest_prompt)?;
        let path = shot_path(place);
        let first = reference(input_reference, &path, pictures, adjustments)?;
        Ok(Shot { prompt, first })
    });
    shots.collect()
}

fn reference(
    reference: Option<Reference>,
    path: &str,
    pictures: ImageReader<'_>,
    adjustments: &mut Adjustments,
) -> Result<Option<Still>, ApiError> {
    let still = reference.map(|reference| pictures.referenced(reference, path, adjustments));
    still.transpose()
}

fn check_prompt(prompt: &str, path: &str, most: usize) -> Result<(), ApiError> {
    if prompt.trim().is_empty() {
        return Err(ApiError::missing(path, format!("`{path}` is missing")));
    }
    let length = prompt.chars().count();
    if length > most {
        let message = format!("`{path}` has {length} characters; the model takes {most}");
        return Err(ApiError::invalid(path, message).code("string_above_max_length"));
    }
    Ok(())
}

fn check_knob(
    facts: &VideoCapabilities,
    knob: VideoControl,
    field: &str,
    is_asked: bool,
) -> Result<(), ApiError> {
    if is_asked && !facts.takes(knob) {
        let message = format!("this model has no counterpart for `{field}`; leave it out");
        return Err(ApiError::unsupported(field, message));
    }
    Ok(())
}

fn check_seed(seed: Option<i64>) -> Result<(), ApiError> {
    if seed.is_none_or(|seed| (0..=HIGHEST_SEED).contains(&seed)) {
        return Ok(());
    }
    let message = format!("`seed` is a number from 0 to {HIGHEST_SEED}");
    Err(ApiError::invalid("seed", message))
}
