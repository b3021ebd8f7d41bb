//! The life of a video: a job that Bedrock runs and remembers, and a film in the operator's bucket.
//!
//! Nothing is kept here. Bedrock tells of every job in which folder its film lies, and that folder
//! says whose it is; what its client was told is in the job's token ([`JobNote`]).

mod create;
mod read;

pub use create::VideoRequestWithFiles;
pub use read::VideoContent;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{Pipeline, client_error};
use crate::bedrock::{AsyncInvoke, AsyncInvokeState, Bedrock, ObjectLocation, S3};
use crate::config::Config;
use crate::error::{ApiError, ErrorKind};
use crate::identity::Caller;
use crate::openai::videos::{JobNote, Video, VideoId};
use crate::record::Record;

/// What Bedrock calls a film.
const VIDEO_FILE: &str = "output.mp4";

/// Where films are kept.
#[derive(Debug)]
pub(super) struct VideoStore {
    s3: S3,
    /// All callers' folders are in it.
    folder: ObjectLocation,
}

impl VideoStore {
    /// Nothing where films are off.
    pub(super) fn new(config: &Config, bedrock: &Bedrock) -> Option<Self> {
        let bucket = config.s3.bucket.clone();
        let bucket = bucket.filter(|_| config.videos.enabled)?;
        let root = ObjectLocation {
            bucket,
            key: config.s3.prefix.clone(),
        };
        Some(Self {
            s3: S3::new(bedrock, config.s3.path_style),
            folder: root.join("videos"),
        })
    }

    /// The folder of a caller. Its name does not tell the caller's.
    fn folder_of(&self, caller: &Caller) -> ObjectLocation {
        let digest = Sha256::digest(caller.name());
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

    /// Whether the job's film lies in the caller's folder.
    fn is_of(&self, caller: &Caller, job: &AsyncInvoke) -> bool {
        let folder = self.folder_of(caller);
        job.output.bucket == folder.bucket
            && job.output.key.starts_with(&format!("{}/", folder.key))
    }
}

impl Pipeline {
    fn video_store(&self) -> Result<&VideoStore, ApiError> {
        self.video_store.as_ref().ok_or_else(|| {
            let message = "videos are switched off on this gateway; its operator switches them on \
                           with `[videos] enabled`";
            ApiError::new(ErrorKind::NotFound, message).code("not_enabled")
        })
    }

    /// The job of a video of the caller's.
    async fn job(
        &self,
        caller: &Caller,
        id: &str,
        record: &Record,
    ) -> Result<AsyncInvoke, ApiError> {
        let video_store = self.video_store()?;
        let parsed = VideoId::parse(id).filter(|parsed| parsed.region == self.bedrock.region());
        let Some(VideoId { job, .. }) = parsed else {
            return Err(no_video(id));
        };
        let found = self.bedrock.get_async_invoke(&job).await;
        let found = found.map_err(|error| client_error(error, record))?;
        // Another's video is not there, rather than forbidden: its id says nothing of it.
        found
            .filter(|job| video_store.is_of(caller, job))
            .ok_or_else(|| no_video(id))
    }

    /// A job as its client sees it.
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

fn no_video(id: &str) -> ApiError {
    let message = format!("there is no video `{id}`; GET /v1/videos lists those that there are");
    ApiError::new(ErrorKind::NotFound, message)
        .parameter("video_id")
        .code("not_found")
}
