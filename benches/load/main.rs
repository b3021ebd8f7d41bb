//! Load benchmark: the cost of a request in the gateway, compared with a lower bound.
//!
//! Four processes on the loopback interface: this one, which generates the load; the simulated
//! Bedrock; the release build of the gateway with its log enabled; and the floor, which forwards
//! the same responses without parsing them. Every round measures gateway and floor in turn, so that
//! other load on the machine affects both. `benches/README.md` explains the report.

mod cases;
mod contestants;
mod exchange;
mod floor;
mod generator;
mod options;
mod processes;
mod sample;
mod statistics;
mod target;

use std::env;
use std::error::Error;
use std::fs;
use std::process::ExitCode;

use serde_json::json;

use cases::Bench;
use options::{Command, Options, cores};
use processes::{Binaries, raise_file_limit};
use target::Target;

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
    raise_file_limit()?;
    let binaries = Binaries::build(options.gateway.as_deref())?;
    let Options { rounds, time, .. } = options;
    println!("rounds: {rounds}, a measurement {time:?}; figures are medians of the rounds\n");
    let bench = Bench {
        binaries: &binaries,
        options,
    };
    let mut figures = serde_json::Map::new();
    let mut targets = Vec::new();
    for case in &options.cases {
        let report = case.run(&bench).await?;
        figures.insert(case.name().to_owned(), report.figures);
        targets.extend(report.targets);
    }
    Target::print_table(&targets);
    if let Some(file) = &options.json {
        let results = json!({
            "cores": cores(),
            "rounds": rounds,
            "cases": figures,
            "targets": targets,
        });
        fs::write(file, format!("{results:#}\n"))?;
    }
    Ok(())
}
