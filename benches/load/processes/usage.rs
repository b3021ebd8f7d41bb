//! What a process uses, from `/proc`.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Outcome;

/// Open files of a process, besides those of its streams.
const OTHER_FILES: u64 = 200;

/// Memory of a process, in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Current resident memory.
    pub(crate) resident: u64,
    /// Peak resident memory.
    pub(crate) peak: u64,
    /// Private memory: without the pages of the executable, which are shared and can be reloaded.
    pub(crate) anonymous: u64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Outcome<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.ok_or_else(|| format!("/proc/PID/status has no `{name}`"))
        };
        Ok(Self {
            resident: field("VmRSS:")?,
            peak: field("VmHWM:")?,
            anonymous: field("RssAnon:")?,
        })
    }
}

/// CPU time of all threads in nanosecond resolution; `/proc/PID/stat` has steps of 10 ms. Threads
/// that have ended are missing; those that serve requests do not end.
pub(crate) fn cpu_time(process: u32) -> Outcome<Duration> {
    let threads = threads(process)?;
    Ok(threads.iter().map(|thread| thread.cpu_time).sum())
}

/// A thread of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) id: u32,
    /// At most 15 characters.
    pub(crate) name: String,
    pub(crate) cpu_time: Duration,
}

/// CPU time of the threads that serve connections: requests wait for no other.
pub(crate) fn serving_time(process: u32) -> Outcome<Duration> {
    let threads = threads(process)?.into_iter();
    let serving = threads.filter(|thread| thread.name.starts_with("core-"));
    Ok(serving.map(|thread| thread.cpu_time).sum())
}

pub(crate) fn threads(process: u32) -> Outcome<Vec<Thread>> {
    let mut threads = Vec::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let task = task?.path();
        let id = task
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok());
        let read = |file| fs::read_to_string(task.join(file));
        let (Some(id), Ok(name), Ok(times)) = (id, read("comm"), read("schedstat")) else {
            // It has ended since the list was read.
            continue;
        };
        let nanoseconds = times.split_whitespace().next().unwrap_or_default();
        threads.push(Thread {
            id,
            name: name.trim_end().to_owned(),
            cpu_time: Duration::from_nanos(nanoseconds.parse()?),
        });
    }
    Ok(threads)
}

/// Raises the limit of open files of this process and of those that it starts.
pub(crate) fn raise_file_limit() -> Outcome<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}

/// The number of streams that a server may have open, with two files for each.
pub(crate) fn max_streams() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let streams = files.saturating_sub(OTHER_FILES) / 2;
    usize::try_from(streams).unwrap_or(usize::MAX)
}
