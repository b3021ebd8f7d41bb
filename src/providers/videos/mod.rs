//! Films, made by StartAsyncInvoke.

pub mod luma_ray;
pub mod nova_reel;

/// A film that is wanted, for any model: each form of body takes of it what it has keys for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VideoGeneration {
    /// What is to be seen.
    pub prompt: String,
    /// What is to be seen shot by shot, in the prompt's place; empty where there is a prompt.
    pub shots: Vec<Shot>,
    /// The length.
    pub seconds: u32,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The ratio of both, where the model is asked for that.
    pub aspect_ratio: Option<String>,
    /// The picture to begin with.
    pub first: Option<Still>,
    /// The picture to end with.
    pub last: Option<Still>,
    /// Whether the end leads back to the beginning.
    pub looped: Option<bool>,
    /// Where chance begins.
    pub seed: Option<i64>,
}

/// A shot of six seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shot {
    /// What is to be seen.
    pub prompt: String,
    /// The picture to begin with.
    pub first: Option<Still>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// `png` or `jpeg`.
    pub format: String,
    /// The file in base64.
    pub base64: String,
}
