//! The processes under test: build, start, CPU time, memory, and shutdown.

mod binaries;
mod usage;

use std::env;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::Outcome;
use crate::exchange::API_KEY;

pub(crate) use binaries::Binaries;
pub(crate) use usage::{Memory, Thread, max_streams, raise_file_limit};

/// Timeout of a start.
const START: Duration = Duration::from_secs(20);

/// The gateway's configuration for more requests at once than its default limits allow.
pub(crate) const MANY_REQUESTS: &str = "
[server]
max_connections = 100000
[limits.target]
max_concurrent_requests = 100000
[limits.key]
max_concurrent_requests = 100000
";

/// A running server process; killed on drop.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    pub(crate) fn simulator(binaries: &Binaries, arguments: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(&binaries.simulator);
        command
            .args(["--listen", "127.0.0.1:0", "--journal", "0"])
            .arg("--any-credentials")
            .args(arguments);
        Self::start(command)
    }

    /// The floor, which is this executable.
    pub(crate) fn floor(bedrock: &Self) -> Outcome<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["floor", &bedrock.url()]);
        Self::start(command)
    }

    /// `executable`, a gateway, with this configuration; its log is written to a pipe.
    pub(crate) fn gateway(
        executable: &Path,
        configuration: &str,
        binaries: &Binaries,
        bedrock: &Self,
    ) -> Outcome<Self> {
        let mut command = Command::new(executable);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("AWS_") || text.starts_with("OUTCROP_") || text == "RUST_LOG" {
                command.env_remove(&name);
            }
        }
        // A file of its own: the gateway reads it again when it changes.
        let file = binaries.next_file("toml");
        fs::write(&file, configuration)?;
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(file)
            .current_dir(&binaries.directory)
            .env("HOME", &binaries.directory)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env(
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            )
            .env("AWS_ENDPOINT_URL", bedrock.url())
            .env("OUTCROP_API_KEYS", API_KEY);
        Self::start(command)
    }

    fn start(mut command: Command) -> Outcome<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command:?} could not be started: {error}"))?;
        let listening = child.stdout.take().map(first_address);
        let address = match listening.map(|listening| listening.recv_timeout(START)) {
            Some(Ok(address)) => address,
            _ => {
                child.kill()?;
                child.wait()?;
                return Err(format!("{command:?} did not print its address").into());
            }
        };
        Ok(Self { address, child })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        usage::cpu_time(self.child.id())
    }

    /// CPU time of the gateway's threads that serve connections.
    pub(crate) fn serving_time(&self) -> Outcome<Duration> {
        usage::serving_time(self.child.id())
    }

    pub(crate) fn threads(&self) -> Outcome<Vec<Thread>> {
        usage::threads(self.child.id())
    }

    /// Makes the gateway read its files again.
    pub(crate) fn reload(&self) -> Outcome<()> {
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(
            process.ok_or("there is no process")?,
            Signal::HUP,
        )?)
    }

    pub(crate) fn memory(&self) -> Outcome<Memory> {
        Memory::of(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If the process ended early, its failed requests have been reported.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of this process: the load generator.
pub(crate) fn own_cpu_time() -> Outcome<Duration> {
    usage::cpu_time(std::process::id())
}

/// Sends the address that the process prints, then drains its output until it ends.
fn first_address(stdout: ChildStdout) -> mpsc::Receiver<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        while stdout.read_line(&mut line).is_ok_and(|length| length > 0) {
            if let Some(address) = address_in(line.trim_end()) {
                // The receiver may have timed out; the pipe must be drained anyway.
                let _ = sender.send(address);
                break;
            }
            line.clear();
        }
        io::copy(&mut stdout, &mut io::sink())
    });
    receiver
}

/// Parses the address in `listening on http://…` or in the gateway's `listening` log line.
fn address_in(line: &str) -> Option<SocketAddr> {
    if let Some(address) = line.strip_prefix("listening on http://") {
        return address.parse().ok();
    }
    let entry: Value = serde_json::from_str(line).ok()?;
    if entry.get("message")?.as_str()? != "listening" {
        return None;
    }
    entry.get("address")?.as_str()?.parse().ok()
}
