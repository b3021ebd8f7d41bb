//! Retrieves, lists, downloads and deletes videos.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{VIDEO_FILE, Videos, no_video};
use crate::bedrock::{AsyncInvoke, AsyncInvokePage, AsyncInvokeState, S3Object};
use crate::endpoints::videos::{DeletedVideo, Video, VideoId};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::client_error;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::usage::Ledger;
use crate::wire::page::{ListPage, PageQuery};

/// The maximum number of Bedrock's pages for one page of the client's list; each has up to 1,000
/// jobs.
const MAX_PAGES: usize = 10;
/// Concurrent S3 requests for one list.
const MAX_CONCURRENT_REQUESTS: usize = 8;

impl Videos {
    /// A video.
    pub async fn retrieve(
        &self,
        caller: &Caller,
        id: &str,
        ledger: &Ledger,
    ) -> Result<Reply, ApiError> {
        let job = self.job(caller, id, ledger).await?;
        if !self.is_there(&job, ledger).await? {
            return Err(no_video(id));
        }
        Reply::json(&self.video(&job))
    }

    /// The caller's videos.
    pub async fn list(
        &self,
        caller: &Caller,
        page: &PageQuery,
        ledger: &Ledger,
    ) -> Result<Reply, ApiError> {
        let limit = page.limit as usize;
        let after = page.after.as_deref().map(|id| {
            let parsed = VideoId::parse(id).ok_or_else(|| no_video(id).parameter("after"));
            parsed.map(|parsed| parsed.job)
        });
        let mut after = after.transpose()?;
        let mut videos = Vec::new();
        let mut call = AsyncInvokePage {
            next: None,
            oldest_first: !page.newest_first,
        };
        for _ in 0..MAX_PAGES {
            let found = self.bedrock.list_async_invokes(&call).await;
            let (jobs, next) = found.map_err(|error| client_error(error, ledger))?;
            let jobs = self.own(caller, jobs, &mut after);
            let count = (limit + 1).saturating_sub(videos.len());
            videos.extend(self.present(jobs, count, ledger).await?);
            call.next = next;
            if call.next.is_none() || videos.len() > limit {
                break;
            }
        }
        if let (Some(_), Some(id)) = (after, &page.after) {
            return Err(no_video(id).parameter("after"));
        }
        let has_more = videos.len() > limit;
        videos.truncate(limit);
        let videos = videos.iter().map(|job| self.video(job)).collect();
        Reply::json(&ListPage::new(videos, has_more, Video::id))
    }

    /// The content of a video, or the byte range of a `Range` header value.
    pub async fn content(
        &self,
        caller: &Caller,
        id: &str,
        range: Option<&str>,
        ledger: &Ledger,
    ) -> Result<S3Object, ApiError> {
        let job = self.job(caller, id, ledger).await?;
        match &job.state {
            AsyncInvokeState::Completed => {}
            AsyncInvokeState::InProgress => {
                let message = "the video is not ready; wait until GET /v1/videos/{id} reports the \
                               status `completed`";
                return Err(not_now(message, ErrorCode::VideoNotReady));
            }
            AsyncInvokeState::Failed(reason) => {
                let message = format!("the video has no content: its generation failed: {reason}");
                return Err(ApiError::new(ErrorKind::NotFound, message)
                    .code(ErrorCode::VideoGenerationFailed));
            }
        }
        let file = job.output.join(VIDEO_FILE);
        let found = self.s3.get(&file, range).await;
        found.map_err(|error| client_error(error, ledger))
    }

    /// Deletes a video with all files of its job.
    pub async fn delete(
        &self,
        caller: &Caller,
        id: &str,
        ledger: &Ledger,
    ) -> Result<Reply, ApiError> {
        let job = self.job(caller, id, ledger).await?;
        if job.state == AsyncInvokeState::InProgress {
            let message = "the video is still in progress and Bedrock cannot stop it; delete it \
                           when its status is `completed`";
            return Err(not_now(message, ErrorCode::VideoInProgress));
        }
        let deleted = async {
            // The trailing slash excludes folders whose names only begin with this one.
            for object in self.s3.list(&job.output.join("")).await? {
                self.s3.delete(&object).await?;
            }
            Ok(())
        };
        deleted.await.map_err(|error| client_error(error, ledger))?;
        Reply::json(&DeletedVideo::new(id.to_owned()))
    }

    /// The caller's jobs after the one with the id `after`, which is cleared when it is found.
    fn own(
        &self,
        caller: &Caller,
        jobs: Vec<AsyncInvoke>,
        after: &mut Option<String>,
    ) -> Vec<AsyncInvoke> {
        let mut own = Vec::new();
        for job in jobs.into_iter().filter(|job| self.is_of(caller, job)) {
            match after {
                None => own.push(job),
                Some(id) if *id == job.id => *after = None,
                Some(_) => {}
            }
        }
        own
    }

    /// The first `count` jobs whose videos were not deleted.
    async fn present(
        &self,
        jobs: Vec<AsyncInvoke>,
        count: usize,
        ledger: &Ledger,
    ) -> Result<Vec<AsyncInvoke>, ApiError> {
        let checks = jobs.into_iter().map(|job| async move {
            let there = self.is_there(&job, ledger).await?;
            Ok::<_, ApiError>(there.then_some(job))
        });
        let checked = stream::iter(checks).buffered(MAX_CONCURRENT_REQUESTS);
        let present = checked.try_filter_map(|job| std::future::ready(Ok(job)));
        present.take(count).try_collect().await
    }

    /// Whether the video still exists; Bedrock lists its job even after the file is deleted.
    async fn is_there(&self, job: &AsyncInvoke, ledger: &Ledger) -> Result<bool, ApiError> {
        if job.state != AsyncInvokeState::Completed {
            return Ok(true);
        }
        let found = self.s3.exists(&job.output.join(VIDEO_FILE)).await;
        found.map_err(|error| client_error(error, ledger))
    }
}

/// A conflict error without automatic retries, which would come too soon.
fn not_now(message: &str, code: ErrorCode) -> ApiError {
    ApiError::new(ErrorKind::Conflict, message)
        .code(code)
        .should_retry(false)
}
