//! Luma Ray 2 (AWS's user guide of Bedrock, "Luma AI models").

use serde::Serialize;

use super::{Still, VideoGeneration};

/// The `modelInput` of StartAsyncInvoke.
#[derive(Debug, Serialize)]
pub struct LumaInput<'a> {
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
    frame0: Option<LumaFrame<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame1: Option<LumaFrame<'a>>,
}

#[derive(Debug, Serialize)]
struct LumaFrame<'a> {
    r#type: &'static str,
    source: LumaFrameSource<'a>,
}

#[derive(Debug, Serialize)]
struct LumaFrameSource<'a> {
    r#type: &'static str,
    media_type: String,
    data: &'a str,
}

/// One shot, with optional first and last frames.
pub fn input(video: &VideoGeneration) -> LumaInput<'_> {
    let (width, height) = video.size;
    let frames = video.first.is_some() || video.last.is_some();
    LumaInput {
        prompt: &video.prompt,
        aspect_ratio: video.aspect_ratio.as_deref(),
        looped: video.looped,
        duration: format!("{}s", video.seconds),
        resolution: format!("{}p", width.min(height)),
        keyframes: frames.then(|| Keyframes {
            frame0: video.first.as_ref().map(frame),
            frame1: video.last.as_ref().map(frame),
        }),
    }
}

fn frame(still: &Still) -> LumaFrame<'_> {
    LumaFrame {
        r#type: "image",
        source: LumaFrameSource {
            r#type: "base64",
            media_type: format!("image/{}", still.format),
            data: &still.base64,
        },
    }
}
