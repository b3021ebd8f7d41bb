use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use super::SpoolLoss;
use crate::store::StoredUsage;

/// A file of the spool.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// Its size.
    pub(super) bytes: u64,
    /// Where the records begin that are not stored yet.
    position: u64,
    /// Where the records end that were read last.
    read_to: u64,
    /// The lines among these that are not records.
    unread: u64,
}

impl Segment {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            bytes: 0,
            position: 0,
            read_to: 0,
            unread: 0,
        }
    }

    /// A segment of a process that has ended; `None` if its process is running.
    pub(super) fn left_behind(path: PathBuf) -> io::Result<Option<Self>> {
        let file = match File::open(&path) {
            // Another process has stored it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let bytes = file.metadata()?.len();
        Ok(Some(Self {
            bytes,
            ..Self::new(path)
        }))
    }

    /// The next records, at most `limit`; empty at the end.
    pub(super) fn read(&mut self, limit: usize) -> io::Result<Vec<StoredUsage>> {
        let mut records = Vec::new();
        let mut file = match File::open(&self.path) {
            // Another process has stored it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.bytes = 0;
                return Ok(records);
            }
            file => BufReader::new(file?),
        };
        self.unread = 0;
        self.read_to = file.seek(SeekFrom::Start(self.position))?;
        let mut line = Vec::new();
        while records.len() < limit {
            line.clear();
            let length = file.read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            self.read_to += length as u64;
            match serde_json::from_slice(&line) {
                Ok(record) => records.push(record),
                // Half a line, from a process that was killed.
                Err(_) => self.unread += 1,
            }
        }
        Ok(records)
    }

    /// Passes the records that were read last; returns whether they were the last ones, and how many
    /// lines among them were no records.
    pub(super) fn advance(&mut self) -> (bool, u64) {
        self.position = self.read_to;
        (
            self.position >= self.bytes,
            std::mem::take(&mut self.unread),
        )
    }

    /// What deleting the segment loses.
    pub(super) fn lost(&self) -> io::Result<SpoolLoss> {
        let mut rest = Self {
            path: self.path.clone(),
            ..*self
        };
        let mut lost = SpoolLoss::default();
        loop {
            let records = rest.read(1_000)?;
            lost.records += rest.advance().1;
            if records.is_empty() {
                return Ok(lost);
            }
            for record in records {
                lost.add(SpoolLoss {
                    records: 1,
                    nanodollars: record.cost.unwrap_or_default(),
                });
            }
        }
    }

    pub(super) fn delete(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}
