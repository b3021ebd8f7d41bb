//! Luma Ray 2 (AWS's user guide of Bedrock, "Luma AI models").

use serde::Serialize;

use super::{Film, Still};

/// The `modelInput` of StartAsyncInvoke.
#[derive(Debug, Serialize)]
pub struct Input<'a> {
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<&'a str>,
    #[serde(rename = "loop", skip_serializing_if = "Option::is_none")]
    looped: Option<bool>,
    duration: String,
    resolution: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyframes: Option<Keyframes<'a>>,
}

#[derive(Debug, Serialize)]
struct Keyframes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    frame0: Option<Frame<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame1: Option<Frame<'a>>,
}

#[derive(Debug, Serialize)]
struct Frame<'a> {
    r#type: &'static str,
    source: Source<'a>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    r#type: &'static str,
    media_type: String,
    data: &'a str,
}

/// One shot, with the pictures that it begins and ends with.
pub fn input(film: &Film) -> Input<'_> {
    let (width, height) = film.size;
    let frames = film.first.is_some() || film.last.is_some();
    Input {
        prompt: &film.prompt,
        aspect_ratio: film.aspect_ratio.as_deref(),
        looped: film.looped,
        duration: format!("{}s", film.seconds),
        resolution: format!("{}p", width.min(height)),
        keyframes: frames.then(|| Keyframes {
            frame0: film.first.as_ref().map(frame),
            frame1: film.last.as_ref().map(frame),
        }),
    }
}

fn frame(still: &Still) -> Frame<'_> {
    Frame {
        r#type: "image",
        source: Source {
            r#type: "base64",
            media_type: format!("image/{}", still.format),
            data: &still.base64,
        },
    }
}
