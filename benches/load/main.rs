//! Load benchmark: the cost of a request in the gateway, compared with a lower bound.
//!
//! Four processes on the loopback interface: this one, which generates the load; the simulated
//! Bedrock; the release build of the gateway with its log enabled; and the floor, which forwards
//! the same responses without parsing them. Every round measures gateway and floor in turn, so that
//! other load on the machine affects both. `benches/README.md` explains the report.

mod exchange;
mod floor;
mod generator;
mod measure;
mod memory;
mod options;
mod processes;
mod report;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use options::{Command, Options};
use processes::{Binaries, Server};

/// An error ends the benchmark and is printed.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

// The gateway's allocator, because the floor runs in this executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = match Command::parse(env::args().skip(1)) {
        Ok(Command::Floor { upstream }) => in_runtime(floor::serve(&upstream)),
        Ok(Command::Measure(options)) => in_runtime(measure_all(&options)),
        Ok(Command::NoOperation) => {
            println!("load benchmark: not run; `cargo bench --bench load` runs it");
            Ok(())
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load benchmark: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `work` in a runtime configured like the gateway's.
fn in_runtime(work: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    tokio::runtime::Runtime::new()?.block_on(work)
}

async fn measure_all(options: &Options) -> Outcome<()> {
    let binaries = Binaries::build()?;
    report::introduction(options);

    let bedrock = Server::simulator(&binaries, &["--response-bytes", "600", "--deltas", "50"])?;
    let floor = Server::floor(&bedrock)?;
    let gateway = Server::gateway(&binaries, &bedrock)?;
    let other = options.against.as_deref();
    let other = other.map(|path| Server::other_gateway(path, &binaries, &bedrock));
    let other = other.transpose()?;
    let cells = measure::rounds(options, &bedrock, &floor, &gateway, other.as_ref()).await?;
    drop((other, gateway, floor, bedrock));
    report::load(&cells);

    match memory::max_streams(options.streams)? {
        None => report::too_few_files(options.streams),
        Some(streams) => report::memory(streams, &memory::rounds(options, &binaries).await?),
    }
    Ok(())
}
