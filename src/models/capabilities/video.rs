//! Capabilities of a video model. `models.toml` documents the fields.

use serde::Deserialize;

/// What a video model supports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoCapabilities {
    /// The form of the request body.
    pub body: VideoBody,
    /// The supported durations in seconds, shortest first; the first is the default.
    pub seconds: Vec<u32>,
    /// The maximum length of a prompt, and of a shot's prompt, in characters.
    pub max_prompt_chars: usize,
    /// The maximum prompt length in characters for videos longer than the shortest duration; 0 if
    /// it is the same.
    #[serde(default)]
    pub max_long_video_prompt_chars: usize,
    /// The maximum number of shots with separate prompts; 0 if not supported.
    #[serde(default)]
    pub max_shots: usize,
    /// The supported sizes, if AWS lists them; the first is the default.
    #[serde(default)]
    pub sizes: Vec<String>,
    /// The supported aspect ratios, if each is available in every one of `resolutions`; the first
    /// is the default.
    #[serde(default)]
    pub aspect_ratios: Vec<String>,
    /// The shorter sides in pixels; the first is the default.
    #[serde(default)]
    pub resolutions: Vec<u32>,
    /// The accepted formats of the first frame, as OpenAI names them.
    #[serde(default)]
    pub input_formats: Vec<String>,
    /// Whether the first frame must have the size of the video.
    #[serde(default)]
    pub input_has_size: bool,
    /// Supported additional fields.
    #[serde(default)]
    pub takes: Vec<VideoControl>,
    /// The shorter side to which the price in prices.toml applies; 0 if it applies to all.
    #[serde(default)]
    pub priced_resolution: u32,
}

/// The form of `modelInput`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoBody {
    /// Nova Reel.
    NovaReel,
    /// Luma Ray.
    LumaRay,
}

/// A field that only some models support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoControl {
    /// The seed.
    Seed,
    /// Whether the video loops.
    Loop,
    /// The last frame.
    LastFrame,
}

impl VideoCapabilities {
    /// Whether the field is supported.
    pub fn takes(&self, control: VideoControl) -> bool {
        self.takes.contains(&control)
    }

    /// The maximum prompt length in characters for a video of this duration.
    pub fn prompt_limit(&self, seconds: u32) -> usize {
        let is_long = self.seconds.first().is_some_and(|short| seconds > *short);
        match self.max_long_video_prompt_chars {
            0 => self.max_prompt_chars,
            max if is_long => max,
            _ => self.max_prompt_chars,
        }
    }
}
