//! The end of a batch: writes its output files and removes the intermediate data.

use std::collections::HashSet;

use super::work::{Stop, Work};
use crate::batches::document::{BatchPart, PartRoute};
use crate::batches::wire::{
    BatchError, BatchErrors, BatchRequestLine, BatchStatus, BatchUsage, unsent_line, usage_of,
};
use crate::bedrock::{JobStatus, S3Upload};
use crate::endpoints::files::service::{JSON_LINES, now};
use crate::endpoints::files::wire::BATCH_OUTPUT;
use crate::store::{StoredFile, StoredResult};

/// Results per read from, or write to, the store.
const RESULTS_PER_PAGE: usize = 500;

/// OpenAI's error code for requests of an expired batch.
const EXPIRED: (&str, &str) = (
    "batch_expired",
    "the request could not be executed before the completion window expired",
);

/// The error of requests whose job failed as a whole.
const JOB_FAILED: (&str, &str) = (
    "batch_job_failed",
    "the batch job for this model failed; the gateway's operator can find the reason in the log",
);

/// The error of requests that the job's output omits.
const NO_RESULT: (&str, &str) = (
    "no_result",
    "the batch job returned no result for this request",
);

struct OutputFile {
    id: String,
    filename: String,
    upload: S3Upload,
    lines: u64,
}

/// Ends a batch whose requests were all attempted.
pub(super) async fn finish(work: &mut Work) -> Result<(), Stop> {
    let batch = &mut work.document.batch;
    if batch.finalizing_at.is_none() {
        batch.status = BatchStatus::Finalizing;
        batch.finalizing_at = Some(now());
        work.save().await?;
    }
    let left_out = match work.is_cancelled() {
        true => false,
        false => work.complete_remaining_lines().await?,
    };
    let usage = work.write_files().await?;
    let (completed, failed) = work.shared.store.count_results(&work.id).await?;
    let (status, cancelled_at) = (work.final_status(left_out), *work.cancelling.borrow());
    let time = now();
    let batch = &mut work.document.batch;
    batch.request_counts.completed = completed;
    batch.request_counts.failed = failed;
    batch.usage = Some(usage);
    batch.status = status;
    batch.cancelling_at = cancelled_at;
    let ended = match status {
        BatchStatus::Cancelled => &mut batch.cancelled_at,
        BatchStatus::Expired => &mut batch.expired_at,
        BatchStatus::Failed => &mut batch.failed_at,
        _ => &mut batch.completed_at,
    };
    *ended = Some(time);
    if status == BatchStatus::Failed {
        let (code, message) = JOB_FAILED;
        batch.errors = Some(BatchErrors::new(vec![BatchError {
            code: code.to_owned(),
            line: None,
            message: message.to_owned(),
            param: None,
        }]));
    }
    work.save().await?;
    tracing::info!(
        batch = work.id,
        caller = work.caller.id(),
        status = ?status,
        completed,
        failed,
        "a batch has ended"
    );
    work.tidy_up().await
}

/// Ends a batch that cannot be processed.
pub(super) async fn fail(work: &mut Work, errors: Vec<BatchError>) -> Result<(), Stop> {
    for part in &work.document.parts {
        if let PartRoute::Job(job) = &part.route
            && let (Some(arn), false) = (&job.arn, job.status.is_over())
            && let Err(error) = work.shared.gateway().bedrock().stop_job(arn).await
        {
            let upstream_error = error.log_detail();
            tracing::warn!(
                batch = work.id,
                upstream_error,
                "a batch job could not be stopped"
            );
        }
    }
    let batch = &mut work.document.batch;
    batch.status = BatchStatus::Failed;
    batch.failed_at = Some(now());
    batch.errors = Some(BatchErrors::new(errors));
    work.save().await?;
    tracing::info!(
        batch = work.id,
        caller = work.caller.id(),
        "a batch has failed"
    );
    work.tidy_up().await
}

impl Work {
    /// Stores an error for each request without a result. Returns whether any of them expired.
    async fn complete_remaining_lines(&self) -> Result<bool, Stop> {
        let (completed, failed) = self.shared.store.count_results(&self.id).await?;
        if completed + failed >= self.document.batch.request_counts.total {
            return Ok(false);
        }
        let input = self.input().await?;
        let finished = self.shared.store.completed_lines(&self.id).await?;
        let finished: HashSet<i64> = finished.into_iter().collect();
        let (code, message) = self.why_unanswered();
        let mut results = Vec::new();
        let mut blocks = input.blocks();
        for line in &input.lines {
            let number = line.number;
            if finished.contains(&(number as i64)) {
                continue;
            }
            let held = blocks.line(*line).await?;
            let Some(line) = BatchRequestLine::of_checked(&held.bytes) else {
                continue;
            };
            let ids = self.ids(number);
            results.push(StoredResult {
                line: number as i64,
                succeeded: false,
                result: unsent_line(ids.of(&line.custom_id), code, message)?,
            });
            if results.len() >= RESULTS_PER_PAGE {
                self.shared.store.add_results(&self.id, &results).await?;
                results.clear();
            }
        }
        self.shared.store.add_results(&self.id, &results).await?;
        Ok(code == EXPIRED.0)
    }

    fn why_unanswered(&self) -> (&'static str, &'static str) {
        let has = |status| self.document.parts.iter().any(|part| is_job(part, status));
        match (
            self.is_expired() || has(JobStatus::Expired),
            has(JobStatus::Failed),
        ) {
            (_, true) => JOB_FAILED,
            (true, false) => EXPIRED,
            (false, false) => NO_RESULT,
        }
    }

    /// The status of the batch, derived from its parts.
    fn final_status(&self, ran_out_of_time: bool) -> BatchStatus {
        let parts = &self.document.parts;
        let failed = |part: &BatchPart| is_job(part, JobStatus::Failed);
        match () {
            () if self.is_cancelled() => BatchStatus::Cancelled,
            () if !parts.is_empty() && parts.iter().all(failed) => BatchStatus::Failed,
            () if ran_out_of_time => BatchStatus::Expired,
            () => BatchStatus::Completed,
        }
    }

    /// Writes the output file and the error file, each only if it has lines.
    async fn write_files(&mut self) -> Result<BatchUsage, Stop> {
        let mut outputs = [self.output("output", 'o'), self.output("error", 'e')];
        let [good, bad] = &mut outputs;
        let mut usage = BatchUsage::default();
        let mut from = 0;
        loop {
            let limit = RESULTS_PER_PAGE as u32;
            let page = self.shared.store.results(&self.id, from, limit).await?;
            let Some(last) = page.last() else {
                break;
            };
            from = last.line + 1;
            for result in &page {
                let output = match result.succeeded {
                    true => &mut *good,
                    false => &mut *bad,
                };
                if result.succeeded {
                    usage = usage.plus(usage_of(&result.result));
                }
                output.lines += 1;
                output.upload.write(result.result.as_bytes()).await?;
                output.upload.write(b"\n").await?;
            }
        }
        let [good, bad] = outputs;
        self.document.batch.output_file_id = self.keep(good).await?;
        self.document.batch.error_file_id = self.keep(bad).await?;
        Ok(usage)
    }

    /// The output file `kind`. Its id is always the same, so that a repeated write replaces the
    /// file.
    fn output(&self, kind: &str, suffix: char) -> OutputFile {
        let id = format!("{}{suffix}", self.id.replacen("batch_", "file-", 1));
        OutputFile {
            filename: format!("{}_{kind}.jsonl", self.id),
            upload: self
                .shared
                .s3
                .upload(self.shared.files.object_location(&id), JSON_LINES),
            lines: 0,
            id,
        }
    }

    async fn keep(&self, output: OutputFile) -> Result<Option<String>, Stop> {
        let OutputFile {
            id,
            filename,
            upload,
            lines,
        } = output;
        if lines == 0 {
            return Ok(None);
        }
        let length = upload.length();
        upload.finish().await?;
        let created_at = now();
        let file = StoredFile {
            id: id.clone(),
            caller: self.caller.id().to_owned(),
            purpose: BATCH_OUTPUT.to_owned(),
            filename,
            bytes: i64::try_from(length).unwrap_or(i64::MAX),
            created_at,
            expires_at: Some(created_at.saturating_add(self.document.output_life)),
        };
        self.shared.store.add_file(&file).await?;
        Ok(Some(id))
    }

    /// Deletes the intermediate data of the batch. A failed deletion only leaves unused objects.
    async fn tidy_up(&self) -> Result<(), Stop> {
        self.shared.store.remove_results(&self.id).await?;
        let mut folder = self.shared.folder.join(&self.id);
        folder.key.push('/');
        let objects = match self.document.parts.iter().any(had_job) {
            true => self.shared.s3.list(&folder).await.unwrap_or_default(),
            false => Vec::new(),
        };
        for object in objects {
            if let Err(error) = self.shared.s3.delete(&object).await {
                let upstream_error = error.log_detail();
                tracing::warn!(
                    batch = self.id,
                    upstream_error,
                    "a job's file could not be deleted"
                );
            }
        }
        Ok(())
    }
}

fn is_job(part: &BatchPart, status: JobStatus) -> bool {
    matches!(&part.route, PartRoute::Job(job) if job.status == status)
}

fn had_job(part: &BatchPart) -> bool {
    matches!(&part.route, PartRoute::Job(_))
}
