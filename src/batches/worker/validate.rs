//! Validates the input file of a batch, line by line, and splits its requests into parts.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::finish;
use super::input::{HeldLine, InputFile};
use super::work::{Stop, Work, batch_error};
use crate::batches::document::{BatchPart, JobPart, PartRoute};
use crate::batches::wire::{BatchError, LineReader};
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The maximum number of reported errors.
const MAX_ERRORS: usize = 100;

/// The maximum number of models in a batch: each becomes a job.
const MAX_MODELS: usize = 32;

/// The requests to one model.
#[derive(Debug, Default)]
struct Group {
    names: Vec<String>,
    plain: u64,
    /// Requests that reference external files, which jobs do not support.
    remote: u64,
    /// Whether a guardrail applies to some of them. AWS does not document guardrails for the
    /// records of jobs, and a guardrail must never be skipped.
    is_guarded: bool,
}

/// The result of reading a file.
#[derive(Debug, Default)]
struct FileValidation {
    errors: Vec<BatchError>,
    groups: BTreeMap<String, Group>,
    requests: usize,
}

impl Work {
    /// Validates the file: the batch fails with the errors found, or is split into parts.
    pub(super) async fn validate(&mut self) -> Result<(), Stop> {
        let FileValidation {
            mut errors,
            groups,
            requests,
        } = {
            let input = self.input().await?;
            self.read_all(&input).await?
        };
        if requests == 0 && errors.is_empty() {
            let error = ApiError::new(ErrorKind::InvalidRequest, "the file contains no requests");
            errors.push(batch_error(error.code(ErrorCode::EmptyFile), None));
        }
        if !errors.is_empty() {
            return finish::fail(self, errors).await;
        }
        let batch = &mut self.document.batch;
        batch.request_counts.total = requests as u64;
        if let [group] = groups.values().collect::<Vec<_>>().as_slice()
            && let [name] = group.names.as_slice()
        {
            batch.model = Some(name.clone());
        }
        let groups = groups.into_iter();
        self.document.parts = groups
            .flat_map(|(model, group)| self.parts(model, group))
            .collect();
        self.save().await
    }

    async fn read_all(&self, input: &InputFile<'_>) -> Result<FileValidation, Stop> {
        let mut validation = FileValidation::default();
        let mut reader = LineReader::new(self.document.batch.endpoint);
        let max = self.shared.settings.max_requests;
        let mut blocks = input.blocks();
        for line in &input.lines {
            validation.requests += 1;
            if validation.requests > max {
                let message = format!("the file has more than {max} requests");
                let error = ApiError::new(ErrorKind::InvalidRequest, message)
                    .code(ErrorCode::TooManyRequests);
                validation.errors.push(batch_error(error, None));
                break;
            }
            let max_body = self.shared.current.load().max_body;
            let read = match line.length > max_body {
                true => Err(too_long(max_body)),
                false => {
                    let held = blocks.line(*line).await?;
                    self.read_line(held, &mut reader, &mut validation.groups)
                        .await
                }
            };
            if let Err(error) = read {
                let number = line.number as u64 + 1;
                validation.errors.push(batch_error(error, Some(number)));
            }
            if validation.errors.len() >= MAX_ERRORS {
                break;
            }
            // A long file must not block other tasks.
            tokio::task::yield_now().await;
        }
        Ok(validation)
    }

    /// Parses a line, and adds its request to the group of its model.
    async fn read_line(
        &self,
        held: HeldLine,
        reader: &mut LineReader,
        groups: &mut BTreeMap<String, Group>,
    ) -> Result<(), ApiError> {
        // Held until the request is checked.
        let HeldLine { bytes, memory } = held;
        let read = || reader.read(&bytes);
        let gateway = self.shared.gateway();
        let request = gateway.workers().on_body(bytes.len(), read).await?;
        drop(bytes);
        let with_parameter = self.add_to_group(request.into_body(), groups).await;
        drop(memory);
        with_parameter
    }

    /// Adds a request to the group of its model, unless it cannot be sent.
    async fn add_to_group(
        &self,
        body: Bytes,
        groups: &mut BTreeMap<String, Group>,
    ) -> Result<(), ApiError> {
        let info = self.requests().check(body).await;
        let info = info.map_err(|error| error.within("body"))?;
        let is_new = !groups.contains_key(&info.model);
        if is_new && groups.len() >= MAX_MODELS {
            let message = format!("a batch can use at most {MAX_MODELS} models");
            return Err(ApiError::invalid("body.model", message));
        }
        let group = groups.entry(info.model).or_default();
        if !group.names.contains(&info.name) {
            group.names.push(info.name);
        }
        group.is_guarded |= info.is_guarded;
        match info.is_remote {
            true => group.remote += 1,
            false => group.plain += 1,
        }
        Ok(())
    }

    fn parts(&self, model: String, group: Group) -> Vec<BatchPart> {
        let Group {
            names,
            plain,
            remote,
            is_guarded,
        } = group;
        let settings = &self.shared.settings;
        let part = |which, route| BatchPart {
            names: names.clone(),
            model: model.clone(),
            remote: which,
            route,
        };
        let calls = PartRoute::Calls { done: false };
        let is_small = plain < settings.minimum_records as u64;
        if settings.role_arn.is_none() || is_small || is_guarded {
            return vec![part(None, calls)];
        }
        let job = part(Some(false), PartRoute::Job(JobPart::default()));
        let rest = (remote > 0).then(|| part(Some(true), calls));
        std::iter::once(job).chain(rest).collect()
    }
}

fn too_long(max_body: usize) -> ApiError {
    let message = format!("the line is longer than {max_body} bytes, the maximum of this gateway");
    ApiError::new(ErrorKind::TooLarge, message).code(ErrorCode::RequestTooLarge)
}
