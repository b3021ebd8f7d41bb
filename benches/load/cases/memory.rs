//! Memory of a process with many open streams.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::{Bench, Figures};
use crate::Outcome;
use crate::exchange::{Exchange, RequestRoute, ResponseMode};
use crate::generator::{self, Connection};
use crate::processes::{MANY_REQUESTS, Memory, Server, max_streams};
use crate::statistics::median;
use crate::target::Target;

/// Maximum memory of an idle gateway that is built without `demo`, in MiB.
const MAX_IDLE: f64 = 16.0;

/// Maximum memory of an open stream, in KiB.
const MAX_STREAM: f64 = 36.0;

/// Maximum memory of a gateway with this many open streams, in MiB.
const MAX_OPEN: f64 = 512.0;
const MANY: usize = 10_000;

/// Maximum number of rounds: memory hardly varies between them.
const MAX_ROUNDS: usize = 3;

/// Wait between opening the streams and reading memory.
const SETTLE: Duration = Duration::from_secs(1);

#[derive(Serialize)]
pub(super) struct MemoryFigures {
    streams: usize,
    processes: Vec<ProcessMemory>,
    /// Why nothing was measured.
    skipped: Option<String>,
}

/// Medians of the rounds, in MiB.
#[derive(Serialize)]
struct ProcessMemory {
    name: &'static str,
    /// Before the first request.
    idle_mib: f64,
    /// With all streams open.
    open_mib: f64,
    peak_mib: f64,
    anonymous_mib: f64,
    /// The difference between open and idle, for each stream.
    stream_kib: f64,
}

/// Memory of one process in one round.
struct Footprint {
    idle: Memory,
    open: Memory,
}

/// Measures floor and gateways in turn, in new processes each time: an allocator keeps memory from
/// earlier load.
pub(super) async fn run(bench: &Bench<'_>) -> Outcome<MemoryFigures> {
    let streams = bench.options.streams;
    let max_streams = max_streams();
    let mut figures = MemoryFigures {
        streams,
        processes: Vec::new(),
        skipped: None,
    };
    if max_streams < streams {
        figures.skipped = Some(format!(
            "the limit of open files is too low: it allows {max_streams} streams"
        ));
        return Ok(figures);
    }
    let bedrock = Server::simulator(bench.binaries, &[])?;
    script_stall(&bedrock).await?;
    let mut footprints = Vec::new();
    for _ in 0..bench.options.rounds.min(MAX_ROUNDS) {
        for route in RequestRoute::ALL {
            if let Some(server) = start(bench, route, &bedrock)? {
                footprints.push((route, footprint(&server, route, streams).await?));
            }
        }
    }
    for route in RequestRoute::ALL {
        let of_route = || footprints.iter().filter(move |(of, _)| *of == route);
        if of_route().next().is_some() {
            let footprints = of_route().map(|(_, footprint)| footprint);
            figures.processes.push(medians(route, footprints, streams));
        }
    }
    Ok(figures)
}

/// A new process; `None` for a route without a process of its own.
fn start(bench: &Bench<'_>, route: RequestRoute, bedrock: &Server) -> Outcome<Option<Server>> {
    let Bench { binaries, options } = bench;
    let gateway = |executable| Server::gateway(executable, MANY_REQUESTS, binaries, bedrock);
    match route {
        RequestRoute::Direct => Ok(None),
        RequestRoute::Floor => Server::floor(bedrock).map(Some),
        RequestRoute::Gateway => gateway(&binaries.gateway).map(Some),
        RequestRoute::Other => options.against.as_deref().map(gateway).transpose(),
    }
}

async fn footprint(server: &Server, route: RequestRoute, streams: usize) -> Outcome<Footprint> {
    let idle = server.memory()?;
    let exchange = route.exchange(ResponseMode::Stream);
    let open_streams = generator::open_streams(server.address, &exchange, streams).await?;
    tokio::time::sleep(SETTLE).await;
    let open = server.memory()?;
    drop(open_streams);
    Ok(Footprint { idle, open })
}

fn medians<'a>(
    route: RequestRoute,
    footprints: impl Iterator<Item = &'a Footprint> + Clone,
    streams: usize,
) -> ProcessMemory {
    let mebibytes = |kibibytes: fn(&Footprint) -> u64| {
        median(
            footprints
                .clone()
                .map(|footprint| kibibytes(footprint) as f64),
        ) / 1024.0
    };
    let idle_mib = mebibytes(|footprint| footprint.idle.resident);
    let open_mib = mebibytes(|footprint| footprint.open.resident);
    ProcessMemory {
        name: route.name(),
        idle_mib,
        open_mib,
        peak_mib: mebibytes(|footprint| footprint.open.peak),
        anonymous_mib: mebibytes(|footprint| footprint.open.anonymous),
        stream_kib: (open_mib - idle_mib) * 1024.0 / streams as f64,
    }
}

/// Makes the simulator stall every stream after its start.
async fn script_stall(bedrock: &Server) -> Outcome<()> {
    let script = json!({
        "times": 0,
        "response": { "kind": "echo" },
        "faults": [{ "kind": "stall", "after_events": 2 }],
    });
    let script_request = Exchange {
        path: "/_simulator/scripts".to_owned(),
        body: Bytes::from(script.to_string()),
        key: String::new(),
    };
    Connection::after_request(bedrock.address, &script_request).await?;
    Ok(())
}

impl Figures for MemoryFigures {
    fn print(&self) {
        let streams = self.streams;
        println!("resident memory of the server process, {streams} open streams");
        if let Some(reason) = &self.skipped {
            println!("  not measured: {reason}");
        }
        for process in &self.processes {
            println!(
                "  {:<8} idle {:>6.1} MiB   open {:>6.1} MiB   peak {:>6.1} MiB   a stream \
                 {:>5.1} KiB   anonymous {:>6.1} MiB",
                process.name,
                process.idle_mib,
                process.open_mib,
                process.peak_mib,
                process.stream_kib,
                process.anonymous_mib,
            );
        }
    }

    fn targets(&self) -> Vec<Target> {
        let gateway = RequestRoute::Gateway.name();
        let Some(gateway) = self.processes.iter().find(|of| of.name == gateway) else {
            return Vec::new();
        };
        let target = |figure: String, limit, unit, measured| {
            Target::new(format!("memory, {figure}"), limit, unit, measured)
        };
        let idle = "idle (the target is for a build without `demo`)";
        let many = gateway.idle_mib + gateway.stream_kib * MANY as f64 / 1024.0;
        vec![
            target(idle.to_owned(), MAX_IDLE, "MiB", gateway.idle_mib),
            target(
                "an open stream".to_owned(),
                MAX_STREAM,
                "KiB",
                gateway.stream_kib,
            ),
            target(
                format!("{MANY} open streams, from {}", self.streams),
                MAX_OPEN,
                "MiB",
                many,
            ),
        ]
    }
}
