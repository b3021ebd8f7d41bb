use bytes::Bytes;
use tokio::sync::SemaphorePermit;

use super::work::{Stop, Work};
use crate::bedrock::{Failure, S3Object};

/// The file of a batch, held in memory; few are at once.
#[derive(Debug)]
pub(super) struct Input<'a> {
    bytes: Bytes,
    _leave: SemaphorePermit<'a>,
}

/// The lines of an object, one by one as they arrive.
#[derive(Debug)]
pub(super) struct ObjectLines {
    object: S3Object,
    pending: Vec<u8>,
    ended: bool,
}

/// The longest line of a job's output: a request with its files, and its answer.
const LONGEST_LINE: usize = 128 << 20;

impl Work {
    /// Reads the batch's file. Waits while as many as may be are held.
    pub(super) async fn input(&self) -> Result<Input<'_>, Stop> {
        let leave = self.shared.inputs.acquire().await;
        let leave = leave.map_err(|_| Stop::Later("the worker is ending".to_owned()))?;
        let id = &self.document.batch.input_file_id;
        let object = self.shared.files.open(id).await?;
        let most = self.shared.settings.max_file_size as u64;
        Ok(Input {
            bytes: object.whole(most).await?,
            _leave: leave,
        })
    }
}

impl Input<'_> {
    /// Its lines with their numbers, from 0; empty ones are counted and passed over.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, Bytes)> {
        let lines = self.bytes.split(|byte| *byte == b'\n').enumerate();
        let lines = lines.map(|(number, line)| (number, line.trim_ascii()));
        let full = lines.filter(|(_, line)| !line.is_empty());
        full.map(|(number, line)| (number, self.bytes.slice_ref(line)))
    }

    /// The line of the number `number`, for those that come in any order.
    pub(super) fn index(&self) -> Vec<Bytes> {
        let lines = self.bytes.split(|byte| *byte == b'\n');
        lines
            .map(|line| self.bytes.slice_ref(line.trim_ascii()))
            .collect()
    }
}

impl ObjectLines {
    pub(super) fn new(object: S3Object) -> Self {
        Self {
            object,
            pending: Vec::new(),
            ended: false,
        }
    }

    /// The next line that is not empty; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut searched = 0;
        loop {
            let tail = self.pending.get(searched..).unwrap_or_default();
            if let Some(place) = memchr::memchr(b'\n', tail) {
                let rest = self.pending.split_off(searched + place + 1);
                let line = std::mem::replace(&mut self.pending, rest);
                searched = 0;
                match line.trim_ascii() {
                    [] => continue,
                    line => return Ok(Some(line.to_owned())),
                }
            }
            searched = self.pending.len();
            if self.ended {
                let line = std::mem::take(&mut self.pending);
                let line = line.trim_ascii();
                return Ok((!line.is_empty()).then(|| line.to_owned()));
            }
            match self.object.next().await? {
                Some(bytes) => self.pending.extend_from_slice(&bytes),
                None => self.ended = true,
            }
            if self.pending.len() > LONGEST_LINE {
                let detail = format!("a line is longer than {LONGEST_LINE} bytes");
                return Err(Failure::unreadable(detail));
            }
        }
    }
}
