//! Batch parts that run as Bedrock jobs: creating, polling and stopping the jobs.

use std::collections::HashSet;

use super::input::HeldLine;
use super::requests::has_external_files;
use super::work::{Stop, Work};
use crate::batches::document::{BatchPart, JobPart, PartRoute};
use crate::batches::wire::{BatchRequest, BatchRequestLine, error_line};
use crate::bedrock::{JobOrder, JobStatus, ObjectLocation, UpstreamError};
use crate::bedrock::{JobRecord, record_id};
use crate::endpoints::files::service::{JSON_LINES, now};
use crate::error::ApiError;
use crate::models::ModelId;
use crate::store::StoredResult;

impl Work {
    /// Creates the jobs that do not exist yet, or stops the active ones if the batch is to end.
    pub(super) async fn create_jobs(&mut self) -> Result<(), Stop> {
        for number in 0..self.document.parts.len() {
            let Some(job) = self.job(number) else {
                continue;
            };
            if job.collected {
                continue;
            }
            match (job.arn.clone(), self.is_cancelled()) {
                (None, false) => self.create_job(number).await?,
                (None, true) => {
                    self.change_job(number, |job| {
                        job.status = JobStatus::Stopped;
                        job.collected = true;
                    });
                    self.save().await?;
                }
                (Some(arn), true) if !job.stopping => {
                    self.shared.gateway().bedrock().stop_job(&arn).await?;
                    self.change_job(number, |job| job.stopping = true);
                    self.save().await?;
                }
                (Some(_), _) => {}
            }
        }
        Ok(())
    }

    /// Polls the active jobs, and collects the results of those that have ended.
    pub(super) async fn poll_jobs(&mut self) -> Result<(), Stop> {
        for number in 0..self.document.parts.len() {
            let arn = self.job(number).filter(|job| !job.collected);
            let Some(arn) = arn.and_then(|job| job.arn.clone()) else {
                continue;
            };
            let seen = self.shared.gateway().bedrock().job(&arn).await?;
            if seen.status.has_started() {
                self.note_progress();
            }
            self.change_job(number, |job| {
                job.status = seen.status;
                job.succeeded = seen.success_record_count.unwrap_or_default();
                job.failed = seen.error_record_count.unwrap_or_default();
            });
            if seen.status == JobStatus::Failed {
                let (batch, upstream_error) = (&self.id, &seen.message);
                tracing::error!(batch, arn, upstream_error, "a batch job failed");
            }
            if seen.status.is_over() {
                self.settle_job(number).await?;
            }
            self.save().await?;
        }
        Ok(())
    }

    /// Collects the results of the job of part `number`, which has ended, and charges it.
    async fn settle_job(&mut self, number: usize) -> Result<(), Stop> {
        let Some(part) = self.document.parts.get(number).cloned() else {
            return Ok(());
        };
        let ended_at = match self.job(number).and_then(|job| job.ended_at) {
            Some(ended_at) => ended_at,
            None => {
                let ended_at = now().saturating_mul(1000);
                self.change_job(number, |job| job.ended_at = Some(ended_at));
                // Before it is charged: see `charge`.
                self.save().await?;
                ended_at
            }
        };
        let usage = self.collect(number, &part).await?;
        self.charge(number, ended_at, usage).await?;
        self.change_job(number, |job| job.collected = true);
        Ok(())
    }

    /// The job of part `number`; `None` if the part has another route.
    pub(super) fn job(&self, number: usize) -> Option<&JobPart> {
        match &self.document.parts.get(number)?.route {
            PartRoute::Job(job) => Some(job),
            PartRoute::Calls { .. } => None,
        }
    }

    fn change_job(&mut self, number: usize, change: impl FnOnce(&mut JobPart)) {
        let part = self.document.parts.get_mut(number);
        if let Some(PartRoute::Job(job)) = part.map(|part| &mut part.route) {
            change(job);
        }
    }

    /// Switches part `number` to individual calls.
    async fn use_calls(&mut self, number: usize) -> Result<(), Stop> {
        if let Some(part) = self.document.parts.get_mut(number) {
            part.route = PartRoute::Calls { done: false };
        }
        self.save().await
    }

    async fn create_job(&mut self, number: usize) -> Result<(), Stop> {
        let folder = self.folder(number);
        let input = folder.join("input.jsonl");
        let Some(part) = self.document.parts.get(number).cloned() else {
            return Ok(());
        };
        let refusal = self.job_refusal(&part).await?;
        let records = self.write_records(&part, refusal, &input).await?;
        let minimum = self.shared.settings.minimum_records;
        let role = self.shared.settings.role_arn.clone();
        let model = ModelId::parse(&part.model).ok();
        let (Some(role), Some(model), true) = (role, model, records >= minimum) else {
            return self.use_calls(number).await;
        };
        let name = self.id.replace("batch_", "outcrop-");
        let name = format!("{name}-{number}");
        let order = JobOrder {
            name: &name,
            token: &name,
            role_arn: &role,
            model: &model,
            input: &input,
            output: &folder.join("output/"),
            timeout_hours: self.shared.settings.timeout_hours,
        };
        match self.shared.gateway().bedrock().create_job(&order).await {
            Ok(arn) => {
                tracing::info!(batch = self.id, arn, records, "a batch job was created");
                self.change_job(number, |job| job.arn = Some(arn));
                self.save().await
            }
            Err(error) if has_no_jobs(&error) => {
                let (model, upstream_error) = (&part.model, error.log_detail());
                tracing::warn!(
                    batch = self.id,
                    model,
                    upstream_error,
                    "Bedrock does not accept a batch job for these requests; they are sent as \
                     individual calls"
                );
                self.use_calls(number).await
            }
            // The quota frees up when other jobs end.
            Err(error) if error.code == "ServiceQuotaExceededException" => {
                Err(Stop::Later(error.log_detail()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the input file of a job and returns the number of its records. Requests that turn out
    /// to be invalid get an error result, and so do all with a `refusal`.
    async fn write_records(
        &self,
        part: &BatchPart,
        refusal: Option<ApiError>,
        at: &ObjectLocation,
    ) -> Result<usize, Stop> {
        let input = self.input().await?;
        let finished = self.shared.store.completed_lines(&self.id).await?;
        let finished: HashSet<i64> = finished.into_iter().collect();
        let mut upload = self.shared.s3.upload(at.clone(), JSON_LINES);
        let mut records = 0;
        let mut blocks = input.blocks();
        for line in &input.lines {
            let number = line.number;
            if finished.contains(&(number as i64)) {
                continue;
            }
            // The memory is held until the record is written.
            let HeldLine {
                bytes,
                memory: _memory,
            } = blocks.line(*line).await?;
            let Some(line) = BatchRequestLine::of_checked(&bytes) else {
                continue;
            };
            drop(bytes);
            let custom_id = line.custom_id.clone();
            let body = line.into_body();
            let request = BatchRequest::parse(self.document.batch.endpoint, &body);
            let Some(request) = request.ok().filter(|request| is_in(part, request, &body)) else {
                continue;
            };
            let record = match &refusal {
                Some(error) => Err(error.clone()),
                None => self.requests().job_record(request, body).await,
            };
            match record {
                // The operator has since configured a guardrail; see `BatchPart`.
                Ok(translated) if translated.converse.guardrail_config.is_some() => {
                    upload.abandon().await;
                    return Ok(0);
                }
                Ok(translated) => {
                    let mut record = serde_json::to_vec(&JobRecord {
                        record_id: &record_id(number),
                        model_input: &translated.converse,
                    })?;
                    record.push(b'\n');
                    upload.write(&record).await?;
                    records += 1;
                }
                Err(error) => {
                    let ids = self.ids(number);
                    let result = StoredResult {
                        line: number as i64,
                        succeeded: false,
                        result: error_line(ids.of(&custom_id), &error)?,
                    };
                    self.shared.store.add_results(&self.id, &[result]).await?;
                }
            }
            // A long file must not block other tasks.
            tokio::task::yield_now().await;
        }
        match records >= self.shared.settings.minimum_records {
            true => upload.finish().await?,
            false => upload.abandon().await,
        }
        Ok(records)
    }
}

fn is_in(part: &BatchPart, request: &BatchRequest, body: &[u8]) -> bool {
    let is_remote = has_external_files(request, body);
    part.holds(&request.model_name().unwrap_or_default(), is_remote)
}

/// Whether Bedrock rejects batch jobs for such a model or such a file.
fn has_no_jobs(error: &UpstreamError) -> bool {
    let code = error.code.as_str();
    matches!(code, "ValidationException" | "ResourceNotFoundException")
}
