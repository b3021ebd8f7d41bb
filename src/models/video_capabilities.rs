//! What a model that makes films takes. The fields are explained in `models.toml`.

use serde::Deserialize;

/// What a model that makes films takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoCapabilities {
    /// The form of the body.
    pub body: VideoBody,
    /// The lengths that can be asked for, in seconds, shortest first; the first is made unasked.
    pub seconds: Vec<u32>,
    /// The most characters of a prompt, and of a shot's.
    pub max_prompt_chars: usize,
    /// The most characters of a prompt for a film that is longer than the shortest; 0 where that
    /// is the same.
    #[serde(default)]
    pub max_long_video_prompt_chars: usize,
    /// The most shots that can be told of one by one; 0 where none can.
    #[serde(default)]
    pub max_shots: usize,
    /// The sizes that can be asked for, where they are listed; the first is made unasked.
    #[serde(default)]
    pub sizes: Vec<String>,
    /// The ratios of width and height, where each comes in every one of `resolutions`; the first
    /// is made unasked.
    #[serde(default)]
    pub aspect_ratios: Vec<String>,
    /// The shorter sides, in pixels; the first is made unasked.
    #[serde(default)]
    pub resolutions: Vec<u32>,
    /// The formats of the pictures that a film may begin with, by OpenAI's words.
    #[serde(default)]
    pub input_formats: Vec<String>,
    /// Whether such a picture has to be as large as the film.
    #[serde(default)]
    pub input_has_size: bool,
    /// Further fields that are taken.
    #[serde(default)]
    pub takes: Vec<VideoControl>,
    /// The shorter side to which the price in prices.toml belongs; 0 where it holds for all.
    #[serde(default)]
    pub priced_resolution: u32,
}

/// The forms of `modelInput`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoBody {
    /// Nova Reel's.
    NovaReel,
    /// Luma Ray's.
    LumaRay,
}

/// A field beside those that every model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoControl {
    /// Where chance begins.
    Seed,
    /// Whether the end leads back to the beginning.
    Loop,
    /// The picture to end with.
    LastFrame,
}

impl VideoCapabilities {
    /// Whether the field is taken.
    pub fn takes(&self, control: VideoControl) -> bool {
        self.takes.contains(&control)
    }

    /// The most characters of a prompt for a film of so many seconds.
    pub fn prompt_limit(&self, seconds: u32) -> usize {
        let is_long = self.seconds.first().is_some_and(|short| seconds > *short);
        match self.max_long_video_prompt_chars {
            0 => self.max_prompt_chars,
            script if is_long => script,
            _ => self.max_prompt_chars,
        }
    }
}
