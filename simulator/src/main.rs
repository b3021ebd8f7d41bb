//! Runs the simulator until it is told to stop.

use std::io::{self, Write as _};
use std::iter;
use std::net::SocketAddr;
use std::time::Duration;

use bedrock_simulator::{FixedResponseSize, Guardrail, Options, Simulator};
use clap::Parser;

/// Amazon Bedrock over its real wire protocol, without an AWS account.
#[derive(Debug, Parser)]
#[command(name = "bedrock-simulator")]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8089")]
    listen: SocketAddr,
    /// Accept every request, signed or not
    #[arg(long)]
    any_credentials: bool,
    /// Pause before every event of a stream, in milliseconds
    #[arg(long, default_value_t = 0)]
    word_delay_ms: u64,
    /// Answer every conversation with the same text of this many bytes, unchecked
    #[arg(long, value_name = "N")]
    response_bytes: Option<usize>,
    /// Answer every conversation with the same text in this many deltas, unchecked
    #[arg(long, value_name = "N")]
    deltas: Option<usize>,
    /// Refuse prompts of more than this many tokens (of four bytes), whatever the model takes
    #[arg(long, value_name = "N")]
    context_window: Option<u64>,
    /// Cache prompts of this many tokens (of four bytes) or more, whatever the model asks for
    #[arg(long, value_name = "N")]
    cache_minimum: Option<u64>,
    /// Take reasoning back whatever its signature, as recorded requests have it
    #[arg(long)]
    foreign_signatures: bool,
    /// Take every id of a known provider's, also of models that there are not
    #[arg(long)]
    any_model: bool,
    /// Know a guardrail of this id too, which blocks what the demo blocks; may be given again
    #[arg(long, value_name = "ID")]
    guardrail: Vec<String>,
    /// Have a bucket of this name too, beside `outcrop-example`; may be given again
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,
    /// Refuse batch jobs of fewer records than this
    #[arg(long, value_name = "N", default_value_t = 100)]
    minimum_records: u64,
    /// How many received requests to keep for `/_simulator/requests`; 0 keeps none
    #[arg(long, value_name = "N", default_value_t = 1000)]
    journal: usize,
}

impl Arguments {
    fn options(&self) -> Options {
        let default = FixedResponseSize::default();
        let fixed_response =
            (self.response_bytes.is_some() || self.deltas.is_some()).then(|| FixedResponseSize {
                bytes: self.response_bytes.unwrap_or(default.bytes),
                deltas: self.deltas.unwrap_or(default.deltas),
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
