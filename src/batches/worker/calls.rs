//! Requests of a batch that run as individual calls, some of them concurrently.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;

use super::input::{BatchFileLine, HeldLine, InputFile};
use super::requests::{BatchLineError, BatchLineResponse, has_external_files, is_temporary};
use super::work::{Next, Stop, Work};
use crate::batches::document::{BatchPart, PartRoute};
use crate::batches::wire::{BatchRequest, BatchRequestLine, error_line, response_line};
use crate::endpoints::files::service::now;
use crate::store::StoredResult;

/// Requests of one batch that are sent before other batches get their turn.
const SLICE: usize = 500;

/// The maximum number of attempts for a request that fails temporarily.
const MAX_ATTEMPTS: u32 = 5;

/// A request without a result.
#[derive(Debug)]
struct OpenLine {
    line: BatchFileLine,
    custom_id: String,
    model: String,
}

impl Work {
    /// Sends a slice of the requests that run as individual calls. Results are stored as they
    /// arrive, so that another process can continue from there.
    pub(super) async fn run_calls(&mut self) -> Result<Next, Stop> {
        if !self.document.parts.iter().any(is_open) {
            return Ok(Next::Done);
        }
        if *self.closing.borrow() {
            return Ok(Next::More);
        }
        let more = match self.is_halted() {
            true => false,
            false => {
                if self.document.batch.in_progress_at.is_none() {
                    self.note_progress();
                    self.save().await?;
                }
                self.run_slice().await?
            }
        };
        if more {
            return Ok(Next::More);
        }
        for part in &mut self.document.parts {
            if let PartRoute::Calls { done } = &mut part.route {
                *done = true;
            }
        }
        self.save().await?;
        Ok(Next::Done)
    }

    /// Sends a slice. Returns whether there are more requests.
    async fn run_slice(&self) -> Result<bool, Stop> {
        let input = self.input().await?;
        let finished = self.shared.store.completed_lines(&self.id).await?;
        let finished: HashSet<i64> = finished.into_iter().collect();
        let lines = self.open_lines(&input, &finished).await?;
        let more = lines.len() == SLICE;
        let at_once = self.shared.settings.max_concurrent_requests;
        let results = lines.into_iter().map(|line| self.result(&input, line));
        let mut results = futures_util::stream::iter(results).buffer_unordered(at_once);
        while let Some(result) = results.next().await {
            if let Some(result) = result? {
                self.shared.store.add_results(&self.id, &[result]).await?;
            }
        }
        // A slice that ended early has not looked at all requests.
        Ok(more || *self.closing.borrow())
    }

    /// The next requests without a result, of parts that run as individual calls.
    async fn open_lines(
        &self,
        input: &InputFile<'_>,
        finished: &HashSet<i64>,
    ) -> Result<Vec<OpenLine>, Stop> {
        let mut open = Vec::new();
        let mut blocks = input.blocks();
        for line in &input.lines {
            if finished.contains(&(line.number as i64)) {
                continue;
            }
            let held = blocks.line(*line).await?;
            let Some(request) = BatchRequestLine::of_checked(&held.bytes) else {
                continue;
            };
            let custom_id = request.custom_id.clone();
            let body = request.into_body();
            let Ok(request) = BatchRequest::parse(self.document.batch.endpoint, &body) else {
                continue;
            };
            let is_remote = has_external_files(&request, &body);
            let model = request.model_name().unwrap_or_default();
            let parts = &self.document.parts;
            let part = parts.iter().find(|part| part.holds(&model, is_remote));
            if part.is_none_or(is_open) {
                open.push(OpenLine {
                    line: *line,
                    custom_id,
                    model,
                });
            }
            if open.len() >= SLICE || self.is_halted() {
                break;
            }
            // A long file must not block other tasks.
            tokio::task::yield_now().await;
        }
        Ok(open)
    }

    /// The result of a request; `None` if it was not attempted.
    async fn result(
        &self,
        input: &InputFile<'_>,
        open: OpenLine,
    ) -> Result<Option<StoredResult>, Stop> {
        let OpenLine {
            line,
            custom_id,
            model,
        } = open;
        let ids = self.ids(line.number);
        let mut attempt = 1;
        let response = loop {
            // The semaphore is never closed.
            let permit = self.shared.calls.acquire().await;
            if self.is_halted() {
                return Ok(None);
            }
            let response = self.response(input, line, &model, &ids.request_id).await?;
            drop(permit);
            match response {
                None => return Ok(None),
                Some(Err(BatchLineError {
                    limited_for: Some(wait),
                    ..
                })) => {
                    // Requests of batches wait for their owner's limits.
                    self.pause(wait).await;
                    continue;
                }
                Some(Err(BatchLineError { error, .. }))
                    if attempt < MAX_ATTEMPTS && is_temporary(&error) =>
                {
                    self.pause(self.shared.settings.poll_interval).await;
                }
                Some(response) => break response.map_err(|failed| failed.error),
            }
            attempt += 1;
        };
        let result = match &response {
            Ok(response) => {
                response_line(ids.of(&custom_id), &response.json, &response.adjustments)
            }
            Err(error) => error_line(ids.of(&custom_id), error),
        };
        Ok(Some(StoredResult {
            line: line.number as i64,
            succeeded: response.is_ok(),
            result: result?,
        }))
    }

    /// One attempt, once the limits admit the request and there is memory for it. `None` if the
    /// batch ends first.
    async fn response(
        &self,
        input: &InputFile<'_>,
        line: BatchFileLine,
        model: &str,
        request_id: &str,
    ) -> Result<Option<Result<BatchLineResponse, BatchLineError>>, Stop> {
        let requests = self.requests();
        let _turn = match requests.admit(model, self.until_halted()).await {
            None => return Ok(None),
            Some(Err(error)) => return Ok(Some(Err(error.into()))),
            Some(Ok(turn)) => turn,
        };
        let held = tokio::select! {
            held = input.line(line) => held?,
            () = self.until_halted() => return Ok(None),
        };
        let HeldLine { bytes, memory } = held;
        let Some(request) = BatchRequestLine::of_checked(&bytes) else {
            return Ok(None);
        };
        drop(bytes);
        let body = HeldLine {
            bytes: request.into_body(),
            memory,
        };
        Ok(Some(requests.complete(body, request_id).await))
    }

    /// Waits before the next attempt, unless the batch is halted.
    async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.until_halted() => {}
        }
    }

    /// Waits until no new request may start.
    async fn until_halted(&self) {
        let mut closing = self.closing.clone();
        let mut cancelling = self.cancelling.clone();
        let left = self
            .document
            .batch
            .expires_at
            .unwrap_or(i64::MAX)
            .saturating_sub(now());
        let left = Duration::from_secs(left.max(0).unsigned_abs());
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => {}
            _ = cancelling.wait_for(Option::is_some) => {}
            () = tokio::time::sleep(left) => {}
        }
    }
}

fn is_open(part: &BatchPart) -> bool {
    matches!(part.route, PartRoute::Calls { done: false })
}
