//! Collects the results of a job from its output files, which hold them in any order.

use super::charge::JobUsage;
use super::input::{InputFile, LineBlocks, ObjectLines};
use super::work::{Stop, Work};
use crate::batches::document::BatchPart;
use crate::batches::wire::{BatchFormat, BatchRequestLine, ResultIds, error_line, response_line};
use crate::bedrock::{JobResult, line_of, record_error};
use crate::converse::json::describe;
use crate::converse::response::ConverseResponse;
use crate::converse::translation::ChatTranslation;
use crate::error::ApiError;
use crate::store::StoredResult;
use crate::usage::TokenCounts;

/// Results per write to the store.
const RESULTS_PER_WRITE: usize = 200;

impl Work {
    /// Stores the results of the job of `part`, whose number is `number`. Returns what it has used.
    pub(super) async fn collect(&self, number: usize, part: &BatchPart) -> Result<JobUsage, Stop> {
        let mut output = self.folder(number).join("output");
        output.key.push('/');
        let objects = self.shared.s3.list(&output).await?;
        let input = self.input().await?;
        let mut blocks = input.blocks();
        let mut usage = self.job_usage(part).await;
        let mut results = Vec::new();
        for object in objects {
            // The output folder also contains a manifest.
            if !object.key.ends_with(".jsonl.out") {
                continue;
            }
            let mut lines = ObjectLines::new(self.shared.s3.get(&object, None).await?);
            while let Some(line) = lines.next().await? {
                let result = self.job_result(&line, (&input, &mut blocks), &mut usage);
                results.extend(result.await?);
                if results.len() >= RESULTS_PER_WRITE {
                    self.shared.store.add_results(&self.id, &results).await?;
                    results.clear();
                }
            }
        }
        self.shared.store.add_results(&self.id, &results).await?;
        Ok(usage)
    }

    /// The result in a line of a job's output, whose usage is added to `usage`; `None` if the line
    /// belongs to no request of the batch.
    async fn job_result(
        &self,
        line: &[u8],
        (input, blocks): (&InputFile<'_>, &mut LineBlocks<'_>),
        usage: &mut JobUsage,
    ) -> Result<Option<StoredResult>, Stop> {
        let result: JobResult = match serde_json::from_slice(line) {
            Ok(result) => result,
            Err(error) => {
                let error = describe(&error);
                tracing::warn!(
                    batch = self.id,
                    error,
                    "a line of a job's output could not be parsed"
                );
                return Ok(None);
            }
        };
        let number = line_of(&result.record_id);
        let held = match number.and_then(|number| input.find(number)) {
            Some(line) => Some(blocks.line(line).await?),
            None => None,
        };
        let request = held.as_ref();
        let request = request.and_then(|held| BatchRequestLine::of_checked(&held.bytes));
        let (Some(number), Some(request)) = (number, request) else {
            let record = &result.record_id;
            tracing::warn!(
                batch = self.id,
                record,
                "a job's output has a record that belongs to no request"
            );
            return Ok(None);
        };
        let ids = self.ids(number);
        let custom_id = request.custom_id.clone();
        let ids = ids.of(&custom_id);
        let response = self.line_for_result(result, request, ids, usage).await;
        let (succeeded, line) = match response {
            Ok(line) => (true, line),
            Err(error) => (false, error_line(ids, &error)?),
        };
        Ok(Some(StoredResult {
            line: number as i64,
            succeeded,
            result: line,
        }))
    }

    async fn line_for_result(
        &self,
        result: JobResult,
        request: BatchRequestLine,
        ids: ResultIds<'_>,
        usage: &mut JobUsage,
    ) -> Result<String, ApiError> {
        let Some(response) = result.model_output else {
            let error = record_error(&result.error.unwrap_or_default());
            let (code, upstream_error) = (&error.code, error.log_detail());
            tracing::warn!(
                batch = self.id,
                code,
                upstream_error,
                "a record of a job has no output"
            );
            return Err(error.api_error);
        };
        // Billed, whatever becomes of the response.
        let billed = TokenCounts::from(response.usage);
        let (name, completed) = match self.job_request(request, ids).await {
            Ok((name, format, translation)) => (
                Some(name),
                completed_line(response, translation, &format, ids),
            ),
            Err(error) => (None, Err(error)),
        };
        let reported = completed.as_ref().ok().and_then(|(_, tokens)| *tokens);
        usage.add(name.as_deref(), reported.unwrap_or(billed));
        completed.map(|(line, _)| line)
    }

    /// The model's name, the format of the response, and the translation of a request of a job.
    async fn job_request(
        &self,
        request: BatchRequestLine,
        ids: ResultIds<'_>,
    ) -> Result<(String, BatchFormat, ChatTranslation), ApiError> {
        let requests = self.requests();
        let body = request.into_body();
        let request = requests.parse(&body).await?;
        let name = request.model_name()?;
        let format = requests.job_format(&request, ids.request_id)?;
        let translation = requests.job_record(request, body).await?;
        Ok((name, format, translation))
    }
}

/// The line of the output file for `response`, and the tokens of the completion.
fn completed_line(
    response: ConverseResponse,
    translation: ChatTranslation,
    format: &BatchFormat,
    ids: ResultIds<'_>,
) -> Result<(String, Option<TokenCounts>), ApiError> {
    let (json, tokens) = format.json(response, translation.output_options)?;
    let line = response_line(ids, &json, &translation.adjustments);
    Ok((line.map_err(|_| ApiError::internal())?, tokens))
}
