//! Log lines on their way to standard output.
//!
//! A line for each request would be a write for each, by the thread that answers: a tenth of a
//! request's processor time. So lines are gathered for a moment and written together, by a thread
//! of their own, in the order in which they came.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a line may wait for others.
const MOMENT: Duration = Duration::from_millis(20);

/// Bytes that wait at the most. Whoever comes then waits too, as if it wrote by itself: nothing is
/// lost where standard output is slow.
const MOST: usize = 1 << 20;

static LINES: Lines = Lines {
    waiting: Mutex::new(Vec::new()),
    arrived: Condvar::new(),
    written: Condvar::new(),
    spare: Mutex::new(Vec::new()),
};

struct Lines {
    waiting: Mutex<Vec<u8>>,
    arrived: Condvar,
    written: Condvar,
    /// The buffer that is not in use, and held while it is written.
    spare: Mutex<Vec<u8>>,
}

/// Where the log writes its lines; each write is one line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line;

/// Starts the thread that writes.
pub(super) fn start() -> io::Result<()> {
    let writer = || loop {
        LINES.wait_for_one();
        thread::sleep(MOMENT);
        flush();
    };
    let thread = thread::Builder::new().name("log".to_owned());
    thread.spawn(writer).map(drop)
}

/// Writes what waits.
pub(super) fn flush() {
    LINES.write_to(&mut io::stdout().lock());
}

impl Lines {
    fn push(&self, line: &[u8]) {
        let mut waiting = lock(&self.waiting);
        while waiting.len() >= MOST {
            let written = self.written.wait(waiting);
            waiting = written.unwrap_or_else(PoisonError::into_inner);
        }
        let is_first = waiting.is_empty();
        waiting.extend_from_slice(line);
        drop(waiting);
        if is_first {
            self.arrived.notify_one();
        }
    }

    fn wait_for_one(&self) {
        let waiting = lock(&self.waiting);
        let waiting = self.arrived.wait_while(waiting, |lines| lines.is_empty());
        drop(waiting);
    }

    fn write_to(&self, output: &mut impl Write) {
        let mut lines = lock(&self.spare);
        std::mem::swap(&mut *lines, &mut *lock(&self.waiting));
        self.written.notify_all();
        // There is nobody left to tell of a standard output that is closed.
        let _ = output.write_all(&lines).and_then(|()| output.flush());
        lines.clear();
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn lines() -> Lines {
        Lines {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            written: Condvar::new(),
            spare: Mutex::default(),
        }
    }

    #[test]
    fn lines_are_written_once_and_in_their_order() {
        let lines = lines();
        let mut output = Vec::new();
        lines.push(b"one\n");
        lines.push(b"two\n");
        lines.write_to(&mut output);
        lines.push(b"three\n");
        lines.write_to(&mut output);
        lines.write_to(&mut output);
        assert_eq!(output, b"one\ntwo\nthree\n");
    }

    #[test]
    fn whoever_finds_the_buffer_full_waits_and_loses_nothing() {
        let lines = Arc::new(lines());
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let lines = Arc::clone(&lines);
                thread::spawn(move || (0..1_000).for_each(|_| lines.push(&[b'x'; 1 << 10])))
            })
            .collect();
        let mut output = Vec::new();
        while output.len() < 4_000 * 1024 {
            lines.wait_for_one();
            lines.write_to(&mut output);
        }
        for writer in writers {
            writer.join().expect("a writer that ended");
        }
        assert_eq!(output.len(), 4_000 * 1024);
    }
}
