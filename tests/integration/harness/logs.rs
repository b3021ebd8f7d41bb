//! What a test has made the gateway log.

use std::cell::RefCell;
use std::io;
use std::sync::LazyLock;

thread_local! {
    /// What this thread, and so this test, has logged.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Collects the log by thread. It is installed for the whole process and before anything is
/// logged: a subscriber of one thread goes without the lines that another thread reached first
/// (tracing keeps one interest for all).
static LOG: LazyLock<()> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(|| Log)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
});

/// In the line of every request.
const REQUEST: &str = " outcrop::record: request ";

struct Log;

/// Begins to collect. The test has to run on one thread.
pub fn begin() {
    LazyLock::force(&LOG);
    LOGGED.with_borrow_mut(Vec::clear);
}

/// The lines that have `text` in them.
pub fn lines_with(text: &str) -> Vec<String> {
    let logged = LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap());
    let lines = logged.lines().filter(|line| line.contains(text));
    lines.map(str::to_owned).collect()
}

/// The warnings, save the lines of requests that were refused.
pub fn warnings() -> Vec<String> {
    let mut lines = lines_with("WARN");
    lines.retain(|line| !line.contains(REQUEST));
    lines
}

/// The line of the first request, once that is over.
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
