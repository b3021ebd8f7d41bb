//! Requests of a batch that are answered call by call, some at once, each when its turn comes.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;

use super::document::{Part, Way};
use super::input::Input;
use super::translation::{is_passing, points_elsewhere};
use super::work::{Next, Stop, Work};
use crate::openai::batches::{RequestLine, answered_line, refused_line};
use crate::openai::chat::ChatRequest;
use crate::pipeline::files::now;
use crate::store::StoredResult;

/// Requests that are answered before other batches have their turn.
const SLICE: usize = 500;

/// How often a request is tried where it may do better later.
const ROUNDS: u32 = 5;

impl Work {
    /// Answers requests that no job answers: a slice of them. Results are kept as they come, so
    /// that whoever goes on does not begin anew.
    pub(super) async fn answer_calls(&mut self) -> Result<Next, Stop> {
        if !self.document.parts.iter().any(is_open) {
            return Ok(Next::Nothing);
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
                self.answer_slice().await?
            }
        };
        if more {
            return Ok(Next::More);
        }
        for part in &mut self.document.parts {
            if let Way::Calls { done } = &mut part.way {
                *done = true;
            }
        }
        self.save().await?;
        Ok(Next::Nothing)
    }

    /// Whether there are more.
    async fn answer_slice(&self) -> Result<bool, Stop> {
        let input = self.input().await?;
        let answered = self.shared.store.answered_lines(&self.id).await?;
        let answered: HashSet<i64> = answered.into_iter().collect();
        let lines: Vec<(usize, RequestLine)> =
            self.open_lines(&input, &answered).take(SLICE).collect();
        let more = lines.len() == SLICE;
        let at_once = self.shared.settings.calls_under_way;
        let results = lines
            .into_iter()
            .map(|(number, line)| self.result(number, line));
        let mut results = futures_util::stream::iter(results).buffer_unordered(at_once);
        let mut left_out = false;
        while let Some(result) = results.next().await {
            match result? {
                Some(result) => self.shared.store.add_results(&self.id, &[result]).await?,
                None => left_out = true,
            }
        }
        Ok(more || left_out && *self.closing.borrow())
    }

    /// The requests of parts that are answered call by call, and have no result.
    fn open_lines(
        &self,
        input: &Input<'_>,
        answered: &HashSet<i64>,
    ) -> impl Iterator<Item = (usize, RequestLine)> {
        let lines = input.lines();
        let open = lines.filter(|(number, _)| !answered.contains(&(*number as i64)));
        let read =
            open.filter_map(|(number, line)| Some((number, RequestLine::of_checked(&line)?)));
        read.filter(|(_, line)| {
            let part = part_of(line, &self.document.parts);
            part.is_none_or(is_open)
        })
    }

    /// The result of a request; nothing where it was not tried.
    async fn result(&self, number: usize, line: RequestLine) -> Result<Option<StoredResult>, Stop> {
        let ids = self.ids(number);
        let mut round = 1;
        let answer = loop {
            // Never closed.
            let place = self.shared.calls.acquire().await;
            if self.is_halted() {
                return Ok(None);
            }
            let pipeline = &self.shared.pipeline;
            let answer =
                pipeline.answer_line(&self.caller, &line.body, &ids.request_id, self.halted());
            let answer = answer.await;
            drop(place);
            match answer {
                None => return Ok(None),
                Some(Err(fault)) if round < ROUNDS && is_passing(&fault) => self.rest().await,
                Some(answer) => break answer,
            }
            round += 1;
        };
        let result = match &answer {
            Ok(answer) => answered_line(ids.of(&line.custom_id), &answer.json, &answer.adjustments),
            Err(fault) => refused_line(ids.of(&line.custom_id), fault),
        };
        Ok(Some(StoredResult {
            line: number as i64,
            succeeded: answer.is_ok(),
            result: result?,
        }))
    }

    /// Waits before a request is tried again, unless there is nothing to wait for.
    async fn rest(&self) {
        tokio::select! {
            () = tokio::time::sleep(self.shared.settings.poll_interval) => {}
            () = self.halted() => {}
        }
    }

    /// Waits until nothing new may begin.
    async fn halted(&self) {
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

/// The part that a request belongs to.
fn part_of<'a>(line: &RequestLine, parts: &'a [Part]) -> Option<&'a Part> {
    let request: ChatRequest = serde_json::from_str(line.body.as_str()).ok()?;
    let is_remote = points_elsewhere(&request, &line.body);
    let name = request.model.as_deref().unwrap_or_default();
    parts.iter().find(|part| part.holds(name, is_remote))
}

fn is_open(part: &Part) -> bool {
    matches!(part.way, Way::Calls { done: false })
}
