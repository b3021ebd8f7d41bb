//! Runs the simulator until SIGTERM or ctrl-c.

use std::io::{self, Write as _};
use std::iter;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use bedrock_simulator::{FixedResponseSize, Guardrail, Options, Simulator};
use clap::Parser;

/// Amazon Bedrock over its real wire protocol, without an AWS account.
#[derive(Debug, Parser)]
#[command(name = "bedrock-simulator")]
struct Arguments {
    /// Listen address; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:8089")]
    listen: SocketAddr,
    /// Accept every request, signed or not
    #[arg(long)]
    any_credentials: bool,
    /// Pause before every event of a stream, in milliseconds
    #[arg(long, default_value_t = 0)]
    word_delay_ms: u64,
    /// Send the same text of N bytes to every conversation, without validation
    #[arg(long, value_name = "N")]
    response_bytes: Option<usize>,
    /// Send the same text in N deltas to every conversation, without validation
    #[arg(long, value_name = "N")]
    deltas: Option<usize>,
    /// Send the deltas of each stream at this interval in milliseconds, each with the time of its
    /// sending as text, without validation
    #[arg(long, value_name = "N")]
    delta_interval_ms: Option<NonZeroU64>,
    /// Reject prompts of more than N tokens (of four bytes), whatever the model's context window
    #[arg(long, value_name = "N")]
    context_window: Option<u64>,
    /// Cache prompts of N tokens (of four bytes) or more, whatever the model's minimum
    #[arg(long, value_name = "N")]
    cache_minimum: Option<u64>,
    /// Accept reasoning with any signature, for recorded requests
    #[arg(long)]
    foreign_signatures: bool,
    /// Accept every model id of a known provider, even if Bedrock has no such model
    #[arg(long)]
    any_model: bool,
    /// Add a guardrail with this id that blocks the same words as the demo; repeatable
    #[arg(long, value_name = "ID")]
    guardrail: Vec<String>,
    /// Add a bucket with this name, besides `outcrop-example`; repeatable
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,
    /// Minimum number of records in a batch job
    #[arg(long, value_name = "N", default_value_t = 100)]
    minimum_records: u64,
    /// Number of received requests kept for `/_simulator/requests`; 0 disables the journal
    #[arg(long, value_name = "N", default_value_t = 1000)]
    journal: usize,
}

impl Arguments {
    fn options(&self) -> Options {
        let default = FixedResponseSize::default();
        let delta_interval = self
            .delta_interval_ms
            .map(|milliseconds| Duration::from_millis(milliseconds.get()));
        let is_fixed =
            self.response_bytes.is_some() || self.deltas.is_some() || delta_interval.is_some();
        let fixed_response = is_fixed.then(|| FixedResponseSize {
            bytes: self.response_bytes.unwrap_or(default.bytes),
            deltas: self.deltas.unwrap_or(default.deltas),
            delta_interval,
        });
        let named = self.guardrail.iter().map(|id| Guardrail {
            id: id.clone(),
            ..Guardrail::demo()
        });
        Options {
            listen: self.listen,
            any_credentials: self.any_credentials,
            word_delay: Duration::from_millis(self.word_delay_ms),
            fixed_response,
            journal: self.journal,
            minimum_records: self.minimum_records,
            context_window: self.context_window,
            cache_minimum: self.cache_minimum,
            foreign_signatures: self.foreign_signatures,
            any_model: self.any_model,
            buckets: [Options::default().buckets, self.bucket.clone()].concat(),
            guardrails: iter::once(Guardrail::demo()).chain(named).collect(),
            ..Options::default()
        }
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let options = Arguments::parse().options();
    let simulator = Simulator::start(options).await?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", simulator.url())?;
    stdout.flush()?;
    shutdown_signal().await
}

/// Waits for ctrl-c or SIGTERM.
async fn shutdown_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
