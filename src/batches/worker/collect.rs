//! Collects the results of a job from its output files, which hold them in any order.

use std::sync::Arc;

use super::input::{InputFile, LineBlocks, ObjectLines};
use super::requests::{BATCHES, batch_head};
use super::work::{Stop, Work};
use crate::batches::wire::{
    BatchRequestLine, BatchUsage, ResultIds, completion_of, error_line, response_line, usage_of,
};
use crate::bedrock::{JobResult, line_of};
use crate::bedrock::{JobStatus, record_error};
use crate::converse::json::describe;
use crate::converse::translation::ChatTranslation;
use crate::dialects::openai_chat::CompletionHead;
use crate::error::ApiError;
use crate::gateway::unix_seconds;
use crate::models::ModelId;
use crate::store::StoredResult;
use crate::usage::{Charge, Ledger, Target, TokenCounts, Upstream};

/// Results per write to the store.
const RESULTS_PER_WRITE: usize = 200;

impl Work {
    /// Stores the results of the job of part `number`.
    pub(super) async fn collect(&self, number: usize) -> Result<(), Stop> {
        let mut output = self.folder(number).join("output");
        output.key.push('/');
        let objects = self.shared.s3.list(&output).await?;
        let input = self.input().await?;
        let mut blocks = input.blocks();
        let mut usage = BatchUsage::default();
        let mut results = Vec::new();
        for object in objects {
            // The output folder also contains a manifest.
            if !object.key.ends_with(".jsonl.out") {
                continue;
            }
            let mut lines = ObjectLines::new(self.shared.s3.get(&object, None).await?);
            while let Some(line) = lines.next().await? {
                let Some(result) = self.job_result(&line, &input, &mut blocks).await? else {
                    continue;
                };
                if result.succeeded {
                    usage = usage.plus(usage_of(&result.result));
                }
                results.push(result);
                if results.len() >= RESULTS_PER_WRITE {
                    self.shared.store.add_results(&self.id, &results).await?;
                    results.clear();
                }
            }
        }
        self.shared.store.add_results(&self.id, &results).await?;
        self.account(number, usage);
        Ok(())
    }

    /// The result in a line of a job's output; `None` if the line belongs to no request of the
    /// batch.
    async fn job_result(
        &self,
        line: &[u8],
        input: &InputFile<'_>,
        blocks: &mut LineBlocks<'_>,
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
        let response = self.line_for_result(result, request, ids).await;
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
        let translated = self.requests().job_record(request.into_body()).await;
        let (
            name,
            ChatTranslation {
                output_options,
                adjustments,
                ..
            },
        ) = translated?;
        let id = ids.request_id.replacen("req_", "chatcmpl-", 1);
        let metadata = output_options.metadata.clone();
        let head = CompletionHead {
            id: &id,
            created: unix_seconds(),
            model: &name,
            metadata: metadata.as_ref(),
        };
        let json = completion_of(response, output_options, head)?;
        response_line(ids, &json, &adjustments).map_err(|_| ApiError::internal())
    }

    /// Writes one log line with the usage of the job. The price table has no batch prices.
    fn account(&self, number: usize, usage: BatchUsage) {
        let Some(part) = self.document.parts.get(number) else {
            return;
        };
        let head = batch_head(format!("{}-{number}", self.id));
        let ledger = Ledger::open(head, &self.shared.usage_queue);
        ledger.routed(BATCHES);
        ledger.called_by(self.caller.principal(), self.caller.identity());
        if let Some(name) = part.names.first() {
            ledger.model_requested(name);
        }
        if let Ok(id) = ModelId::parse(&part.model) {
            let base = id.clone();
            ledger.target(Target::Model { id, base });
        }
        let region = Arc::from(self.shared.gateway().bedrock().region());
        ledger.attempted(Upstream::BatchJob, &region);
        ledger.charge(Charge {
            tokens: Some(TokenCounts {
                prompt: usage.input_tokens,
                completion: usage.output_tokens,
                cached: usage.input_tokens_details.cached_tokens,
                reasoning: usage.output_tokens_details.reasoning_tokens,
                ..TokenCounts::default()
            }),
            ..Charge::default()
        });
        let failed = self
            .job(number)
            .is_some_and(|job| job.status == JobStatus::Failed);
        ledger.responded(if failed { 502 } else { 200 });
        ledger.completed();
    }
}
