//! The life of a video: a Bedrock job, and a file in the operator's bucket.
//!
//! The gateway stores nothing. Bedrock reports the output folder of every job, which identifies the
//! caller; the client's view of the video is in the job's token ([`JobNote`]).

mod create;
mod read;

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::bedrock::{AsyncInvoke, AsyncInvokeState, Bedrock, ObjectLocation, S3};
use crate::config::Config;
use crate::endpoints::videos::{JobNote, Video, VideoId};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::client_error;
use crate::identity::Caller;
use crate::usage::Ledger;

/// The file name that Bedrock gives a video.
const VIDEO_FILE: &str = "output.mp4";

/// The videos of all callers; each caller sees only its own.
#[derive(Debug)]
pub struct Videos {
    bedrock: Bedrock,
    s3: S3,
    /// The parent of all callers' folders.
    folder: ObjectLocation,
}

impl Videos {
    /// `None` if videos are disabled.
    pub fn new(config: &Config, bedrock: &Bedrock) -> Option<Self> {
        let bucket = config.s3.bucket.clone();
        let bucket = bucket.filter(|_| config.videos.enabled)?;
        let root = ObjectLocation {
            bucket,
            key: config.s3.prefix.clone(),
        };
        Some(Self {
            bedrock: bedrock.clone(),
            s3: S3::new(bedrock, config.s3.path_style),
            folder: root.join("videos"),
        })
    }

    /// The folder of a caller. Its name does not reveal the caller's.
    fn folder_of(&self, caller: &Caller) -> ObjectLocation {
        let digest = Sha256::digest(caller.id());
        let name = digest
            .iter()
            .take(16)
            .fold(String::new(), |mut name, byte| {
                // Writing to a string cannot fail.
                let _ = write!(name, "{byte:02x}");
                name
            });
        self.folder.join(&name)
    }

    /// Whether the job's output is in the caller's folder.
    fn is_of(&self, caller: &Caller, job: &AsyncInvoke) -> bool {
        let folder = self.folder_of(caller);
        job.output.bucket == folder.bucket
            && job.output.key.starts_with(&format!("{}/", folder.key))
    }

    /// The job of a video of the caller.
    async fn job(
        &self,
        caller: &Caller,
        id: &str,
        ledger: &Ledger,
    ) -> Result<AsyncInvoke, ApiError> {
        let parsed = VideoId::parse(id).filter(|parsed| parsed.region == self.bedrock.region());
        let Some(VideoId { job, .. }) = parsed else {
            return Err(no_video(id));
        };
        let found = self.bedrock.get_async_invoke(&job).await;
        let found = found.map_err(|error| client_error(error, ledger))?;
        // Another caller's video is reported as missing, so that ids reveal nothing.
        found
            .filter(|job| self.is_of(caller, job))
            .ok_or_else(|| no_video(id))
    }

    /// The client's view of a job.
    fn video(&self, job: &AsyncInvoke) -> Video {
        let id = VideoId {
            region: self.bedrock.region().to_owned(),
            job: job.id.clone(),
        };
        let note = job.token.as_deref().and_then(JobNote::parse);
        let (model, size, seconds) = match note {
            Some(note) if !note.model.is_empty() => (note.model, note.size, note.seconds),
            Some(note) => (job.model.clone(), note.size, note.seconds),
            None => (job.model.clone(), String::new(), 0),
        };
        let video = Video::new(id.to_string(), model, job.submitted, size, seconds);
        match &job.state {
            AsyncInvokeState::InProgress => video,
            AsyncInvokeState::Completed => video.completed(job.ended),
            AsyncInvokeState::Failed(reason) => video.failed(reason.clone()),
        }
    }
}

/// The videos, or an error if they are disabled.
pub(super) fn enabled(videos: &Option<Arc<Videos>>) -> Result<&Videos, ApiError> {
    videos.as_deref().ok_or_else(|| {
        let message = "videos are disabled on this gateway; its operator can enable them with \
                       `[videos] enabled`";
        ApiError::new(ErrorKind::NotFound, message).code(ErrorCode::NotEnabled)
    })
}

fn no_video(id: &str) -> ApiError {
    let message = format!("no video found with id `{id}`; GET /v1/videos lists your videos");
    ApiError::new(ErrorKind::NotFound, message)
        .parameter("video_id")
        .code(ErrorCode::NotFound)
}
