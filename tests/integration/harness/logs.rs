//! The gateway's log lines of a test.

use std::cell::RefCell;
use std::io;
use std::sync::LazyLock;

thread_local! {
    /// The log of this thread, hence of this test.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Collects the log by thread. It is installed for the process before anything is logged: tracing
/// caches the interest in a log statement for all threads, so that a thread's own subscriber misses
/// statements that another thread reached first.
static LOG: LazyLock<()> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(|| Log)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
});

/// Part of the log line of every request.
const REQUEST: &str = " outcrop::record: request ";

struct Log;

/// Starts collecting. The test has to run on one thread.
pub fn begin() {
    LazyLock::force(&LOG);
    LOGGED.with_borrow_mut(Vec::clear);
}

/// The lines that contain `text`.
pub fn lines_with(text: &str) -> Vec<String> {
    let logged = LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap());
    let lines = logged.lines().filter(|line| line.contains(text));
    lines.map(str::to_owned).collect()
}

/// The warnings, except the lines of rejected requests.
pub fn warnings() -> Vec<String> {
    let mut lines = lines_with("WARN");
    lines.retain(|line| !line.contains(REQUEST));
    lines
}

/// Waits for the log line of the latest completed request.
pub async fn request_line() -> String {
    loop {
        if let Some(line) = lines_with(REQUEST).pop() {
            return line;
        }
        tokio::task::yield_now().await;
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
