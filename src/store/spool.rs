//! Records that wait for the store, in files of JSON lines.
//!
//! A segment is written to its end, then read from its beginning, and deleted when its records are
//! stored. The process that writes a segment locks it, so that another process with the same folder
//! reads only what a process has left behind.

mod segment;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::{StoreError, StoredUsage};
use segment::Segment;

/// The maximum size of a segment, in bytes.
const SEGMENT: u64 = 16 << 20;

/// The end of the names of segments.
const EXTENSION: &str = "jsonl";

/// The spool in a folder. Clones share it.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: Arc<Mutex<SpoolFolder>>,
    bytes: Arc<AtomicU64>,
}

/// Records that were deleted from the spool, because it was full or a line was damaged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolLoss {
    /// Their number.
    pub records: u64,
    /// Their cost, in nanodollars.
    pub nanodollars: i64,
}

#[derive(Debug)]
struct SpoolFolder {
    path: PathBuf,
    max_bytes: u64,
    segment_bytes: u64,
    /// The segments, the oldest first.
    segments: VecDeque<Segment>,
    /// The last segment, while it is written.
    current: Option<File>,
    is_listed: bool,
    /// What could not be read, and is not reported yet.
    unread: SpoolLoss,
}

impl Spool {
    /// The spool in the folder `path`, which is created with the first record, and which holds at
    /// most `max_bytes`.
    pub fn at(path: &Path, max_bytes: u64) -> Self {
        Self {
            folder: Arc::new(Mutex::new(SpoolFolder {
                path: path.to_owned(),
                max_bytes,
                // Half of a small spool is lost at a time.
                segment_bytes: SEGMENT.min(max_bytes / 2),
                segments: VecDeque::new(),
                current: None,
                is_listed: false,
                unread: SpoolLoss::default(),
            })),
            bytes: Arc::default(),
        }
    }

    /// The size of the waiting records, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Appends records. If the spool is full, the oldest ones are deleted.
    pub async fn append(&self, records: Vec<StoredUsage>) -> Result<SpoolLoss, StoreError> {
        self.with(move |folder| folder.append(&records)).await
    }

    /// The oldest records, at most `limit`; empty if there are none. They stay until
    /// [`Spool::stored`].
    pub async fn oldest(&self, limit: usize) -> Result<Vec<StoredUsage>, StoreError> {
        self.with(move |folder| folder.oldest(limit)).await
    }

    /// The records of the last [`Spool::oldest`] are stored. Returns what could not be read.
    pub async fn stored(&self) -> Result<SpoolLoss, StoreError> {
        self.with(SpoolFolder::stored).await
    }

    /// Runs `work` on a thread that may wait for the disk.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SpoolFolder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (folder, bytes) = (Arc::clone(&self.folder), Arc::clone(&self.bytes));
        let done = tokio::task::spawn_blocking(move || {
            let mut folder = folder.lock();
            let done = folder.list().and_then(|()| work(&mut folder));
            bytes.store(folder.bytes(), Ordering::Relaxed);
            let path = folder.path.display();
            done.map_err(|error| StoreError(format!("{path}: {error}")))
        });
        done.await.map_err(|error| StoreError(error.to_string()))?
    }
}

impl SpoolFolder {
    /// Finds the segments of earlier processes.
    fn list(&mut self) -> io::Result<()> {
        if self.is_listed {
            return Ok(());
        }
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            entries => Some(entries?),
        };
        for entry in entries.into_iter().flatten() {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == EXTENSION)
                && let Some(segment) = Segment::left_behind(path)?
            {
                self.segments.push_back(segment);
            }
        }
        // Names begin with the time.
        let segments = self.segments.make_contiguous();
        segments.sort_by(|one, other| one.path.cmp(&other.path));
        self.is_listed = true;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    fn append(&mut self, records: &[StoredUsage]) -> io::Result<SpoolLoss> {
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        let length = lines.len() as u64;
        let lost = self.make_room(length)?;
        let is_full = self
            .segments
            .back()
            .is_some_and(|last| last.bytes + length > self.segment_bytes);
        if is_full || self.segments.is_empty() {
            self.current = None;
        }
        let mut file = match self.current.take() {
            Some(file) => file,
            None => self.new_segment()?,
        };
        let Some(segment) = self.segments.back_mut() else {
            return Err(io::Error::other("the segment is missing"));
        };
        let written = file.write_all(&lines);
        match written {
            Ok(()) => segment.bytes += length,
            // A full disk. Without half a line at its end, the segment can be continued; otherwise
            // the next records begin a new one.
            Err(_) => file.set_len(segment.bytes)?,
        }
        self.current = Some(file);
        written.map(|()| lost)
    }

    /// Deletes the oldest segments until there is room for `length` bytes.
    fn make_room(&mut self, length: u64) -> io::Result<SpoolLoss> {
        if length > self.max_bytes {
            return Err(io::Error::other("the records are larger than the spool"));
        }
        let mut lost = SpoolLoss::default();
        while self.bytes() + length > self.max_bytes
            && let Some(oldest) = self.segments.pop_front()
        {
            lost.add(oldest.lost()?);
            oldest.delete()?;
        }
        Ok(lost)
    }

    fn new_segment(&mut self) -> io::Result<File> {
        fs::create_dir_all(&self.path)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map(|time| time.as_micros()).unwrap_or_default();
        let process = std::process::id();
        let path = self.path.join(format!("{now:017}-{process}.{EXTENSION}"));
        let file = File::options().append(true).create_new(true).open(&path)?;
        file.try_lock()?;
        self.segments.push_back(Segment::new(path));
        Ok(file)
    }

    fn oldest(&mut self, limit: usize) -> io::Result<Vec<StoredUsage>> {
        if self.segments.len() == 1 {
            // It is read to its end, and then deleted.
            self.current = None;
        }
        while let Some(oldest) = self.segments.front_mut() {
            let records = oldest.read(limit)?;
            if !records.is_empty() {
                return Ok(records);
            }
            self.advance()?;
        }
        Ok(Vec::new())
    }

    fn stored(&mut self) -> io::Result<SpoolLoss> {
        self.advance()?;
        Ok(std::mem::take(&mut self.unread))
    }

    /// Passes the records that were read last.
    fn advance(&mut self) -> io::Result<()> {
        let Some(oldest) = self.segments.front_mut() else {
            return Ok(());
        };
        let (is_over, unread) = oldest.advance();
        self.unread.records = self.unread.records.saturating_add(unread);
        if is_over {
            oldest.delete()?;
            self.segments.pop_front();
        }
        Ok(())
    }
}

impl SpoolLoss {
    fn add(&mut self, more: Self) {
        self.records = self.records.saturating_add(more.records);
        self.nanodollars = self.nanodollars.saturating_add(more.nanodollars);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let name = format!("outcrop-spool-{:016x}", fastrand::u64(..));
        std::env::temp_dir().join(name)
    }

    fn record(id: &str) -> StoredUsage {
        StoredUsage {
            id: id.to_owned(),
            tags: Some(r#"{"cost_center":"7"}"#.to_owned()),
            cost: Some(3),
            ..StoredUsage::default()
        }
    }

    async fn next(spool: &Spool) -> Vec<String> {
        let records = spool.oldest(2).await.expect("records");
        let unread = spool.stored().await.expect("an advance");
        assert_eq!(unread, SpoolLoss::default());
        records.into_iter().map(|record| record.id).collect()
    }

    #[tokio::test]
    async fn records_are_replayed_in_order_also_by_the_next_process() {
        let path = folder();
        let spool = Spool::at(&path, 1 << 20);
        assert!(next(&spool).await.is_empty());
        assert!(!path.exists(), "an unused spool has no folder");
        for id in ["a", "b", "c"] {
            spool.append(vec![record(id)]).await.expect("room");
        }
        assert!(spool.bytes() > 0);
        assert_eq!(next(&spool).await, ["a", "b"]);
        spool.append(vec![record("d")]).await.expect("room");
        drop(spool);
        let again = Spool::at(&path, 1 << 20);
        assert_eq!(
            next(&again).await,
            ["a", "b"],
            "only whole segments are deleted"
        );
        assert_eq!(next(&again).await, ["c"]);
        let records = again.oldest(2).await.expect("records");
        assert_eq!(records, [record("d")]);
        again.stored().await.expect("an advance");
        assert!(next(&again).await.is_empty());
        assert_eq!(again.bytes(), 0);
        assert_eq!(fs::read_dir(&path).expect("a folder").count(), 0);
    }

    #[tokio::test]
    async fn a_full_spool_deletes_its_oldest_segment_and_counts_it() {
        let length = serde_json::to_string(&record("a")).expect("JSON").len() as u64 + 1;
        let spool = Spool::at(&folder(), 4 * length);
        for id in ["a", "b", "c", "d"] {
            let lost = spool.append(vec![record(id)]).await.expect("room");
            assert_eq!(lost, SpoolLoss::default());
        }
        let lost = spool.append(vec![record("e")]).await.expect("room");
        let expected = SpoolLoss {
            records: 2,
            nanodollars: 6,
        };
        assert_eq!(lost, expected);
        assert_eq!(next(&spool).await, ["c", "d"]);
        assert_eq!(next(&spool).await, ["e"]);
    }

    #[tokio::test]
    async fn a_torn_line_is_counted_and_the_others_are_read() {
        let path = folder();
        fs::create_dir_all(&path).expect("a folder");
        let whole = serde_json::to_string(&record("a")).expect("JSON");
        fs::write(path.join("1.jsonl"), format!("{whole}\n{}", &whole[..9])).expect("a file");
        let spool = Spool::at(&path, 1 << 20);
        assert_eq!(spool.oldest(5).await.expect("records"), [record("a")]);
        let unread = spool.stored().await.expect("an advance");
        assert_eq!(unread.records, 1);
        assert!(spool.oldest(5).await.expect("no records").is_empty());
    }

    #[tokio::test]
    async fn the_segment_of_a_running_process_is_left_alone() {
        let path = folder();
        let running = Spool::at(&path, 1 << 20);
        running.append(vec![record("a")]).await.expect("room");
        let other = Spool::at(&path, 1 << 20);
        assert!(next(&other).await.is_empty());
        assert_eq!(next(&running).await, ["a"]);
    }
}
