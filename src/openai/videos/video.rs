//! A video as clients see it (OpenAI's SDK for Python 3.5.0, `Video`).

use serde::Serialize;

/// A video, made or in the making.
#[derive(Debug, Serialize)]
pub struct Video {
    id: String,
    object: &'static str,
    model: String,
    status: VideoStatus,
    progress: u32,
    created_at: u64,
    completed_at: Option<u64>,
    expires_at: Option<u64>,
    prompt: Option<String>,
    size: String,
    seconds: String,
    remixed_from_video_id: Option<String>,
    error: Option<VideoError>,
}

/// How far a video has come. Bedrock says no more than that, so that nothing is `queued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoStatus {
    /// It is being made.
    InProgress,
    /// It is there.
    Completed,
    /// There will be none.
    Failed,
}

#[derive(Debug, Serialize)]
struct VideoError {
    code: &'static str,
    message: String,
}

impl Video {
    /// A video in the making, of `size` and `seconds`.
    pub fn new(id: String, model: String, created_at: u64, size: String, seconds: u32) -> Self {
        Self {
            id,
            object: "video",
            model,
            status: VideoStatus::InProgress,
            progress: 0,
            created_at,
            completed_at: None,
            expires_at: None,
            prompt: None,
            size,
            seconds: seconds.to_string(),
            remixed_from_video_id: None,
            error: None,
        }
    }

    /// With what is to be seen, which only the answer to the request knows.
    #[must_use]
    pub fn prompted(self, prompt: Option<String>) -> Self {
        Self { prompt, ..self }
    }

    /// The same video, made.
    #[must_use]
    pub fn completed(self, completed_at: Option<u64>) -> Self {
        Self {
            status: VideoStatus::Completed,
            progress: 100,
            completed_at,
            ..self
        }
    }

    /// The same video, which could not be made.
    #[must_use]
    pub fn failed(self, message: String) -> Self {
        Self {
            status: VideoStatus::Failed,
            error: Some(VideoError {
                code: "video_generation_failed",
                message,
            }),
            ..self
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A video that is no more.
#[derive(Debug, Serialize)]
pub struct DeletedVideo {
    id: String,
    object: &'static str,
    deleted: bool,
}

impl DeletedVideo {
    /// The video `id` is deleted.
    pub fn new(id: String) -> Self {
        Self {
            id,
            object: "video.deleted",
            deleted: true,
        }
    }
}
