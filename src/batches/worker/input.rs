//! The input file of a batch. A line is in memory only while it is processed.

use bytes::Bytes;
use memchr::memchr;
use tokio::sync::SemaphorePermit;

use super::work::{Stop, Work};
use crate::batches::BatchService;
use crate::bedrock::{S3Object, UpstreamError};
use crate::converse::json::scan::scan;
use crate::resources::body_memory::BodyPermit;
use crate::wire::json_body::JsonSize;

/// The positions of the lines in an input file.
#[derive(Debug)]
pub(super) struct InputFile<'a> {
    shared: &'a BatchService,
    file: &'a str,
    /// The size of the file, in bytes.
    length: u64,
    /// The lines that are not empty, in order.
    pub(super) lines: Vec<BatchFileLine>,
    _turn: SemaphorePermit<'a>,
}

/// The position of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchFileLine {
    /// The line number, from 0, empty lines included.
    pub(super) number: usize,
    /// The length, in bytes.
    pub(super) length: usize,
    start: u64,
}

/// A line with the memory permit for processing it.
#[derive(Debug)]
pub(super) struct HeldLine {
    pub(super) bytes: Bytes,
    pub(super) memory: BodyPermit,
}

/// Reads the lines of a file in blocks.
#[derive(Debug)]
pub(super) struct LineBlocks<'a> {
    input: &'a InputFile<'a>,
    /// The size of a read, in bytes; a longer line is read whole.
    size: u64,
    /// The last block.
    block: Bytes,
    start: u64,
}

/// The lines of an object, read as they arrive.
#[derive(Debug)]
pub(super) struct ObjectLines {
    object: S3Object,
    pending: Vec<u8>,
    ended: bool,
}

/// The maximum line length in a job's output: a request with its files, and its response.
const MAX_LINE_LENGTH: usize = 128 << 20;

/// The size of a read, in bytes, for lines that are shorter.
const BLOCK: u64 = 1 << 20;

/// Memory is first reserved for one JSON value per this many bytes of a line. A line with more
/// values is read again with a larger reservation.
const BYTES_PER_VALUE: usize = 32;

impl Work {
    /// Indexes the lines of the input file, up to one more than a batch may have. Waits for a slot:
    /// the number of files that are indexed concurrently is limited.
    pub(super) async fn input(&self) -> Result<InputFile<'_>, Stop> {
        let turn = self.shared.inputs.acquire().await;
        let turn = turn.map_err(|_| Stop::Later("the worker is shutting down".to_owned()))?;
        let file = &self.document.batch.input_file_id;
        let object = self.shared.files.open(file, None).await?;
        let max = self.shared.settings.max_file_size as u64;
        let length = object.length;
        if length > max {
            let detail = format!("the input file of a batch is longer than {max} bytes");
            return Err(UpstreamError::unreadable(detail).into());
        }
        Ok(InputFile {
            shared: &self.shared,
            file,
            length,
            lines: lines_of(object, self.shared.settings.max_requests + 1).await?,
            _turn: turn,
        })
    }
}

/// The positions of the first `max` lines of an object that are not empty.
async fn lines_of(mut object: S3Object, max: usize) -> Result<Vec<BatchFileLine>, UpstreamError> {
    let mut lines = LineIndex::default();
    while let Some(bytes) = object.next().await? {
        lines.read(&bytes);
        if lines.found.len() >= max {
            break;
        }
    }
    lines.end();
    lines.found.truncate(max);
    Ok(lines.found)
}

/// The index of the lines read so far.
#[derive(Debug, Default)]
struct LineIndex {
    found: Vec<BatchFileLine>,
    number: usize,
    start: u64,
    length: usize,
    has_text: bool,
}

impl LineIndex {
    fn read(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            self.extend(line);
            self.end();
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.extend(bytes);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        self.has_text |= !bytes.trim_ascii().is_empty();
    }

    /// Ends the current line.
    fn end(&mut self) {
        if self.has_text {
            self.found.push(BatchFileLine {
                number: self.number,
                length: self.length,
                start: self.start,
            });
        }
        self.number += 1;
        self.start += self.length as u64 + 1;
        self.length = 0;
        self.has_text = false;
    }
}

impl InputFile<'_> {
    /// Reads lines roughly in order, many of them per request to S3.
    pub(super) fn blocks(&self) -> LineBlocks<'_> {
        LineBlocks {
            input: self,
            size: BLOCK,
            block: Bytes::new(),
            start: 0,
        }
    }

    /// Reads one line.
    pub(super) async fn line(&self, line: BatchFileLine) -> Result<HeldLine, UpstreamError> {
        let alone = LineBlocks {
            size: 0,
            ..self.blocks()
        };
        { alone }.line(line).await
    }

    /// The line with the number `number`.
    pub(super) fn find(&self, number: usize) -> Option<BatchFileLine> {
        let newline = self.lines.binary_search_by_key(&number, |line| line.number);
        self.lines.get(newline.ok()?).copied()
    }

    async fn read(&self, start: u64, length: u64) -> Result<Bytes, UpstreamError> {
        let length = length.min(self.length.saturating_sub(start));
        let last = start + length.saturating_sub(1);
        let range = format!("bytes={start}-{last}");
        let object = self.shared.files.open(self.file, Some(&range)).await?;
        let bytes = object.read_all(length).await?;
        match bytes.len() as u64 == length {
            true => Ok(bytes),
            false => Err(UpstreamError::connection("a ranged read was cut off")),
        }
    }
}

impl LineBlocks<'_> {
    /// Reads a line once there is memory for processing it. The wait is unlimited: requests of
    /// waiting clients have priority.
    pub(super) async fn line(&mut self, line: BatchFileLine) -> Result<HeldLine, UpstreamError> {
        let shared = self.input.shared;
        let mut shape = JsonSize {
            containers: 0,
            values: line.length / BYTES_PER_VALUE + 16,
        };
        loop {
            let memory = shared.memory.when_free(line.length, shape).await;
            let bytes = self.read(line).await?;
            let scan = || scan(&bytes);
            let gateway = shared.gateway();
            match gateway.workers().on_body(bytes.len(), scan).await {
                Ok(counted) if counted.values > shape.values => shape = counted,
                // The parser rejects a line that needs too much memory.
                _ => return Ok(HeldLine { bytes, memory }),
            }
        }
    }

    async fn read(&mut self, line: BatchFileLine) -> Result<Bytes, UpstreamError> {
        let end = self.start + self.block.len() as u64;
        let is_held = line.start >= self.start && line.start + line.length as u64 <= end;
        if !is_held {
            let is_next = line.start >= end && line.start - end < self.size;
            let length = match is_next {
                true => self.size.max(line.length as u64),
                false => line.length as u64,
            };
            // Frees the previous block before the next one is read.
            self.block = Bytes::new();
            self.block = self.input.read(line.start, length).await?;
            self.start = line.start;
        }
        let newline = usize::try_from(line.start - self.start).unwrap_or(usize::MAX);
        let bytes = self.block.get(newline..newline.saturating_add(line.length));
        let bytes = bytes.ok_or_else(|| UpstreamError::connection("a ranged read was cut off"))?;
        Ok(self.block.slice_ref(bytes.trim_ascii()))
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

    /// The next line that is not empty; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, UpstreamError> {
        let mut searched = 0;
        loop {
            let tail = self.pending.get(searched..).unwrap_or_default();
            if let Some(newline) = memchr(b'\n', tail) {
                let rest = self.pending.split_off(searched + newline + 1);
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
            if self.pending.len() > MAX_LINE_LENGTH {
                let detail = format!("a line is longer than {MAX_LINE_LENGTH} bytes");
                return Err(UpstreamError::unreadable(detail));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_at_any_chunk_boundary() {
        let file = b"\r\n{a}\n  \n\n{long}\r\n{last}";
        let found = |size: usize| {
            let mut index = LineIndex::default();
            file.chunks(size).for_each(|chunk| index.read(chunk));
            index.end();
            let line = |line: &BatchFileLine| (line.number, line.start, line.length);
            index.found.iter().map(line).collect::<Vec<_>>()
        };
        for size in 1..=file.len() {
            assert_eq!(found(size), [(1, 2, 3), (4, 10, 7), (5, 18, 6)], "{size}");
        }
    }
}
