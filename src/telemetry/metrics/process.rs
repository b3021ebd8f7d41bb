//! The process, under the names that all Prometheus clients use. Read from /proc, which only Linux
//! has; elsewhere there are none.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// The fields of /proc/self/stat after the name of the process, which ends with the last `)`.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const THREADS: usize = 17;
const START_TIME: usize = 19;
const VIRTUAL_MEMORY: usize = 20;
const RESIDENT_PAGES: usize = 21;

#[derive(Debug)]
pub(super) struct ProcessMetrics;

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let Some(status) = ProcessStatus::read() else {
            return Ok(());
        };
        let seconds = |ticks: f64| ticks / clock_ticks_per_second() as f64;
        let cpu = ConstCounter::new(seconds(status.cpu_ticks));
        let help = "User and system CPU time in seconds";
        let described =
            encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?;
        cpu.encode(described)?;
        let started = boot_time().map(|boot| boot + seconds(status.start_ticks));
        for (name, help, value) in [
            (
                "process_resident_memory_bytes",
                "Resident memory in bytes",
                Some(status.resident_pages * page_size() as f64),
            ),
            (
                "process_virtual_memory_bytes",
                "Virtual memory in bytes",
                Some(status.virtual_memory),
            ),
            ("process_threads", "Threads", Some(status.threads)),
            (
                "process_open_fds",
                "Open file descriptors",
                open_descriptors(),
            ),
            (
                "process_max_fds",
                "Maximum number of open file descriptors",
                getrlimit(Resource::Nofile).current.map(|max| max as f64),
            ),
            (
                "process_start_time_seconds",
                "Start of the process, in seconds since 1970",
                started,
            ),
        ] {
            if let Some(value) = value {
                let gauge = ConstGauge::new(value);
                let described = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
                gauge.encode(described)?;
            }
        }
        Ok(())
    }
}

/// What /proc/self/stat has.
#[derive(Debug, PartialEq)]
struct ProcessStatus {
    cpu_ticks: f64,
    threads: f64,
    start_ticks: f64,
    virtual_memory: f64,
    resident_pages: f64,
}

impl ProcessStatus {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<f64>().ok();
        Some(Self {
            cpu_ticks: number(USER_TIME)? + number(SYSTEM_TIME)?,
            threads: number(THREADS)?,
            start_ticks: number(START_TIME)?,
            virtual_memory: number(VIRTUAL_MEMORY)?,
            resident_pages: number(RESIDENT_PAGES)?,
        })
    }
}

fn open_descriptors() -> Option<f64> {
    // The one that reads the folder is among them.
    let entries = fs::read_dir("/proc/self/fd").ok()?;
    Some(entries.count().saturating_sub(1) as f64)
}

/// When the machine has started, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_spaces_and_parentheses_is_skipped() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 12345 1000000 321 \
                    18446744073709551615 1 1";
        let expected = ProcessStatus {
            cpu_ticks: 300.0,
            threads: 9.0,
            start_ticks: 12345.0,
            virtual_memory: 1e6,
            resident_pages: 321.0,
        };
        assert_eq!(ProcessStatus::parse(stat), Some(expected));
        assert_eq!(ProcessStatus::parse("7 (a) S 1"), None);
    }
}
