//! The processes under test: build, start, CPU time, memory, and shutdown.

use std::env;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::Outcome;
use crate::exchange::API_KEY;

/// Timeout of a start.
const START: Duration = Duration::from_secs(20);

/// The executables, in the same release directory.
pub(crate) struct Binaries {
    gateway: PathBuf,
    simulator: PathBuf,
    /// An empty directory, so that no configuration file or AWS profile is found.
    empty: PathBuf,
}

/// A running server process; killed on drop.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

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

impl Binaries {
    /// Builds gateway and simulator with the release profile `dist`. The gateway that `cargo bench`
    /// builds has test features of its dependencies enabled, such as tokio's test clock.
    pub(crate) fn build() -> Outcome<Self> {
        let directory = Path::new(env!("CARGO_BIN_EXE_outcrop"))
            .parent()
            .ok_or("the executable is not in a directory")?;
        let target = directory.parent().ok_or("there is no target directory")?;
        let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--profile", "dist", "--target-dir"])
            .arg(target)
            .args(["--package", "outcrop", "--package", "bedrock-simulator"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()?;
        if !built.success() {
            return Err(
                "`cargo build --profile dist` failed for the gateway or the simulator".into(),
            );
        }
        let empty = env::temp_dir().join(format!("outcrop-load-{}", std::process::id()));
        fs::create_dir_all(&empty)?;
        let directory = target.join("dist");
        Ok(Self {
            gateway: directory.join("outcrop"),
            simulator: directory.join("bedrock-simulator"),
            empty,
        })
    }
}

impl Drop for Binaries {
    fn drop(&mut self) {
        // Best effort: the directory is empty and temporary.
        let _ = fs::remove_dir_all(&self.empty);
    }
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

    /// The gateway with its default configuration; its log is written to a pipe.
    pub(crate) fn gateway(binaries: &Binaries, bedrock: &Self) -> Outcome<Self> {
        Self::serve(&binaries.gateway, "", binaries, bedrock)
    }

    /// The gateway with a limit on concurrent streams per key that is high enough for the
    /// measurement.
    pub(crate) fn gateway_for_streams(binaries: &Binaries, bedrock: &Self) -> Outcome<Self> {
        let configuration = "[limits.key]\nmax_concurrent_requests = 100000\n";
        Self::serve(&binaries.gateway, configuration, binaries, bedrock)
    }

    /// Another executable with its own default configuration: its configuration keys may differ.
    pub(crate) fn other_gateway(path: &Path, binaries: &Binaries, bedrock: &Self) -> Outcome<Self> {
        Self::serve(path, "", binaries, bedrock)
    }

    fn serve(
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
        let file = binaries.empty.join("bench.toml");
        fs::write(&file, configuration)?;
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(file)
            .current_dir(&binaries.empty)
            .env("HOME", &binaries.empty)
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

    /// CPU time of all threads in nanosecond resolution; `/proc/PID/stat` has steps of 10 ms.
    /// Threads that have ended are missing; the threads of the runtime do not end.
    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        let mut total = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let nanoseconds = text.split_whitespace().next().unwrap_or_default();
            total += nanoseconds.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(total))
    }

    pub(crate) fn memory(&self) -> Outcome<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.ok_or_else(|| format!("/proc/PID/status has no `{name}`"))
        };
        Ok(Memory {
            resident: field("VmRSS:")?,
            peak: field("VmHWM:")?,
            anonymous: field("RssAnon:")?,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If the process ended early, its failed requests have been reported.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
