//! Nova Reel (AWS's user guide of Nova, "Video generation input parameters"; version 1:0 supports
//! only `TEXT_VIDEO`).

use serde::Serialize;

use super::{Shot, Still, VideoGeneration};

/// The duration of a shot, and of a single-shot video.
pub const SHOT_SECONDS: u32 = 6;
const FPS: u32 = 24;

/// The `modelInput` of StartAsyncInvoke.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReelInput<'a> {
    #[serde(flatten)]
    task: Task<'a>,
    video_generation_config: VideoGenerationConfig,
}

#[derive(Debug, Serialize)]
#[serde(tag = "taskType", rename_all = "SCREAMING_SNAKE_CASE")]
enum Task<'a> {
    #[serde(rename_all = "camelCase")]
    TextVideo { text_to_video_params: ReelText<'a> },
    #[serde(rename_all = "camelCase")]
    MultiShotAutomated {
        multi_shot_automated_params: ReelText<'a>,
    },
    #[serde(rename_all = "camelCase")]
    MultiShotManual { multi_shot_manual_params: Shots<'a> },
}

#[derive(Debug, Serialize)]
struct ReelText<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<ReelImage<'a>>,
}

#[derive(Debug, Serialize)]
struct Shots<'a> {
    shots: Vec<OneShot<'a>>,
}

#[derive(Debug, Serialize)]
struct OneShot<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ReelImage<'a>>,
}

#[derive(Debug, Serialize)]
struct ReelImage<'a> {
    format: &'a str,
    source: ReelImageSource<'a>,
}

#[derive(Debug, Serialize)]
struct ReelImageSource<'a> {
    bytes: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VideoGenerationConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u32>,
    fps: u32,
    dimension: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

/// One shot, several shots that the model derives from the prompt, or several shots with a prompt
/// each.
pub fn input(video: &VideoGeneration) -> ReelInput<'_> {
    let text = |images| ReelText {
        text: &video.prompt,
        images,
    };
    let task = match video.shots.as_slice() {
        [] if video.seconds <= SHOT_SECONDS => Task::TextVideo {
            text_to_video_params: text(video.first.iter().map(image).collect()),
        },
        [] => Task::MultiShotAutomated {
            multi_shot_automated_params: text(Vec::new()),
        },
        shots => Task::MultiShotManual {
            multi_shot_manual_params: Shots {
                shots: shots.iter().map(shot).collect(),
            },
        },
    };
    let (width, height) = video.size;
    ReelInput {
        task,
        video_generation_config: VideoGenerationConfig {
            // Implied by the number of shots.
            duration_seconds: video.shots.is_empty().then_some(video.seconds),
            fps: FPS,
            dimension: format!("{width}x{height}"),
            seed: video.seed,
        },
    }
}

fn shot(shot: &Shot) -> OneShot<'_> {
    OneShot {
        text: &shot.prompt,
        image: shot.first.as_ref().map(image),
    }
}

fn image(still: &Still) -> ReelImage<'_> {
    ReelImage {
        format: &still.format,
        source: ReelImageSource {
            bytes: &still.base64,
        },
    }
}
