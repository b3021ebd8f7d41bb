//! A video object (OpenAI's SDK for Python 3.5.0, `Video`).

use serde::Serialize;

use crate::error::ErrorCode;

/// A video.
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

/// The status of a video. Bedrock does not distinguish `queued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoStatus {
    /// The video is being generated.
    InProgress,
    /// The video is available.
    Completed,
    /// Generation failed.
    Failed,
}

#[derive(Debug, Serialize)]
struct VideoError {
    code: ErrorCode,
    message: String,
}

impl Video {
    /// A video in progress.
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

    /// Adds the prompt, which is only known in the response to the create request.
    #[must_use]
    pub fn prompted(self, prompt: Option<String>) -> Self {
        Self { prompt, ..self }
    }

    /// Marks the video as completed.
    #[must_use]
    pub fn completed(self, completed_at: Option<u64>) -> Self {
        Self {
            status: VideoStatus::Completed,
            progress: 100,
            completed_at,
            ..self
        }
    }

    /// Marks the video as failed.
    #[must_use]
    pub fn failed(self, message: String) -> Self {
        Self {
            status: VideoStatus::Failed,
            error: Some(VideoError {
                code: ErrorCode::VideoGenerationFailed,
                message,
            }),
            ..self
        }
    }

    /// The video's id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The response to the deletion of a video.
#[derive(Debug, Serialize)]
pub struct DeletedVideo {
    id: String,
    object: &'static str,
    deleted: bool,
}

impl DeletedVideo {
    /// The response for the video `id`.
    pub fn new(id: String) -> Self {
        Self {
            id,
            object: "video.deleted",
            deleted: true,
        }
    }
}
