//! Writes log lines to standard output.
//!
//! A write for each line, in the thread that serves the request, would take a tenth of the
//! request's processor time. So lines are buffered briefly and written together, in order, by a
//! thread of their own.
//!
//! If standard output is not read, lines are dropped and counted: a blocked log must not block the
//! gateway.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

/// The maximum time that a line is buffered.
const MOMENT: Duration = Duration::from_millis(20);

/// The maximum number of buffered bytes; the writing thread may hold as many again.
const MAX_WAITING: usize = 1 << 20;

/// How long a line waits for buffer space. After a timeout, further lines are dropped at once until
/// there is space again, so that a serving thread waits once and not for every line.
const MAX_WAIT: Duration = Duration::from_millis(50);

/// How long the process waits at its end for the last lines.
const MAX_FLUSH: Duration = Duration::from_secs(1);

static LINES: Lines = Lines::new(MAX_WAIT);

struct Lines {
    state: Mutex<LineBuffer>,
    arrived: Condvar,
    written: Condvar,
    max_wait: Duration,
}

struct LineBuffer {
    waiting: Vec<u8>,
    /// Dropped lines that have not been reported yet.
    dropped: u64,
    /// Whether a line has timed out since there was space last.
    stalled: bool,
    /// Whether a write is in progress.
    writing: bool,
}

/// The writer for tracing-subscriber; each write is one line.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineWriter;

/// Starts the writing thread.
pub(super) fn start() -> io::Result<()> {
    let writer = || {
        let mut buffer = Vec::new();
        loop {
            LINES.wait_for_one();
            thread::sleep(MOMENT);
            let dropped = LINES.write_to(&mut io::stdout().lock(), &mut buffer);
            if dropped > 0 {
                tracing::warn!(
                    lines = dropped,
                    "log lines dropped: standard output is not being read"
                );
            }
        }
    };
    let thread = thread::Builder::new().name("log".to_owned());
    thread.spawn(writer).map(drop)
}

/// Waits until buffered lines are written, up to the timeout.
pub(super) fn flush() {
    LINES.flush(MAX_FLUSH);
}

impl Lines {
    const fn new(max_wait: Duration) -> Self {
        Self {
            state: Mutex::new(LineBuffer {
                waiting: Vec::new(),
                dropped: 0,
                stalled: false,
                writing: false,
            }),
            arrived: Condvar::new(),
            written: Condvar::new(),
            max_wait,
        }
    }

    fn push(&self, line: &[u8]) {
        let full = |state: &LineBuffer| state.waiting.len() + line.len() > MAX_WAITING;
        let mut state = self.lock();
        if full(&state) && !state.stalled && line.len() <= MAX_WAITING {
            self.written
                .wait_while_for(&mut state, |state| full(state), self.max_wait);
            state.stalled = full(&state);
        }
        if full(&state) {
            state.dropped += 1;
            return;
        }
        let is_first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if is_first {
            self.arrived.notify_one();
        }
    }

    fn wait_for_one(&self) {
        let mut state = self.lock();
        self.arrived
            .wait_while(&mut state, |state| state.waiting.is_empty());
    }

    /// Writes the buffered lines, using `buffer`; returns the number of dropped lines.
    fn write_to(&self, output: &mut impl Write, buffer: &mut Vec<u8>) -> u64 {
        let mut state = self.lock();
        std::mem::swap(&mut state.waiting, buffer);
        state.stalled = false;
        state.writing = true;
        drop(state);
        self.written.notify_all();
        // An error of standard output cannot be reported anywhere.
        let _ = output.write_all(buffer).and_then(|()| output.flush());
        buffer.clear();
        let mut state = self.lock();
        state.writing = false;
        let dropped = std::mem::take(&mut state.dropped);
        drop(state);
        self.written.notify_all();
        dropped
    }

    fn flush(&self, limit: Duration) {
        let mut state = self.lock();
        let unwritten = |state: &mut LineBuffer| state.writing || !state.waiting.is_empty();
        self.written.wait_while_for(&mut state, unwritten, limit);
    }

    fn lock(&self) -> MutexGuard<'_, LineBuffer> {
        self.state.lock()
    }
}

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    const LINE: [u8; 1 << 10] = [b'x'; 1 << 10];

    #[test]
    fn lines_are_written_once_and_in_order() {
        let lines = Lines::new(MAX_WAIT);
        let (mut output, mut buffer) = (Vec::new(), Vec::new());
        lines.push(b"one\n");
        lines.push(b"two\n");
        lines.write_to(&mut output, &mut buffer);
        lines.push(b"three\n");
        lines.write_to(&mut output, &mut buffer);
        lines.write_to(&mut output, &mut buffer);
        assert_eq!(output, b"one\ntwo\nthree\n");
    }

    #[test]
    fn a_full_buffer_blocks_without_loss_while_lines_are_written() {
        // Long enough for a busy machine.
        let lines = Arc::new(Lines::new(Duration::from_secs(600)));
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let lines = Arc::clone(&lines);
                thread::spawn(move || (0..1_000).for_each(|_| lines.push(&LINE)))
            })
            .collect();
        let (mut output, mut buffer) = (Vec::new(), Vec::new());
        while output.len() < 4_000 * LINE.len() {
            assert_eq!(lines.write_to(&mut output, &mut buffer), 0);
        }
        for writer in writers {
            writer.join().expect("a writer that ended");
        }
        assert_eq!(output.len(), 4_000 * LINE.len());
    }

    /// An output that blocks until it is released.
    struct Unread(Receiver<()>);

    impl Write for Unread {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_dropped_and_counted_while_the_reader_is_stalled() {
        let lines = Arc::new(Lines::new(MAX_WAIT));
        let (release, released) = channel();
        lines.push(&LINE);
        let writer = thread::spawn({
            let lines = Arc::clone(&lines);
            move || lines.write_to(&mut Unread(released), &mut Vec::new())
        });
        while !lines.lock().writing {
            thread::yield_now();
        }
        // More lines than a test could wait for one by one.
        for _ in 0..100_000 {
            lines.push(&LINE);
        }
        let expected = MAX_WAITING / LINE.len();
        lines.flush(Duration::ZERO);
        release.send(()).expect("a writer that waits");
        let dropped = writer.join().expect("a writer that ended");
        assert_eq!(dropped, 100_000 - expected as u64);

        let (mut output, mut buffer) = (Vec::new(), Vec::new());
        assert_eq!(lines.write_to(&mut output, &mut buffer), 0);
        assert_eq!(output.len(), expected * LINE.len());
        lines.push(b"again\n");
        assert_eq!(lines.write_to(&mut output, &mut buffer), 0);
        assert!(output.ends_with(b"again\n"));
    }

    #[test]
    fn an_oversized_line_is_dropped_immediately() {
        let lines = Lines::new(MAX_WAIT);
        lines.push(&vec![b'x'; MAX_WAITING + 1]);
        lines.push(b"short\n");
        let mut output = Vec::new();
        assert_eq!(lines.write_to(&mut output, &mut Vec::new()), 1);
        assert_eq!(output, b"short\n");
    }
}
