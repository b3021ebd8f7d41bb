//! How evenly the gateway's threads share the load.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::{Bench, Figures};
use crate::Outcome;
use crate::exchange::{Exchange, RequestRoute, ResponseMode};
use crate::generator::{Connection, Load};
use crate::options::cores;
use crate::processes::{MANY_REQUESTS, Server, Thread};
use crate::statistics::{Spread, median};
use crate::target::Target;

/// Trials in a round, each with new connections: which core a connection gets may be chance.
const TRIALS: usize = 4;

/// A trial takes this fraction of the usual time.
const PART: u32 = 5;

/// A trial is preceded by a warm-up of this fraction of its duration.
const WARM_UP: u32 = 5;

/// Time for the gateway to read its files again.
const RELOAD: Duration = Duration::from_millis(200);

/// Maximum share of the busiest core, as a multiple of an even share.
const MAX_SHARE: f64 = 1.2;

/// The conditions, in this order.
const CONDITIONS: [Condition; 5] = [
    Condition::busy("2 connections", 2),
    Condition::busy("16 connections", 16),
    Condition::busy("1,000 connections", 1000),
    Condition {
        idle: 16,
        ..Condition::busy("1 connection next to 16 idle ones", 1)
    },
    Condition {
        after_reload: true,
        ..Condition::busy("16 connections after a reload", 16)
    },
];

struct Condition {
    name: &'static str,
    /// Connections with requests.
    connections: usize,
    /// Connections that have had a request.
    idle: usize,
    after_reload: bool,
}

impl Condition {
    const fn busy(name: &'static str, connections: usize) -> Self {
        Self {
            name,
            connections,
            idle: 0,
            after_reload: false,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Balance {
    cores: usize,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    route: &'static str,
    condition: &'static str,
    /// Share of the busiest core's threads in the process's CPU time.
    busiest: Spread,
    /// The share that each core would have: some get nothing if there are fewer connections.
    even: f64,
    /// Shares of threads by name, medians of the trials.
    threads: BTreeMap<String, f64>,
    requests_per_second: f64,
}

/// CPU time of a trial.
struct Trial {
    /// Of each core's threads. A thread of no core counts as a core.
    cores: Vec<Duration>,
    /// By the name of the threads.
    names: BTreeMap<String, Duration>,
    rate: f64,
}

pub(super) async fn run(bench: &Bench<'_>) -> Outcome<Balance> {
    let bedrock = Server::simulator(bench.binaries, &["--response-bytes", "600"])?;
    let mut rows = Vec::new();
    for (route, executable) in bench.gateways() {
        // The file that a reload reads.
        std::fs::write(bench.binaries.directory.join("prices.toml"), "")?;
        let configuration = format!("{MANY_REQUESTS}[catalog]\nprices = \"prices.toml\"\n");
        let gateway = Server::gateway(executable, &configuration, bench.binaries, &bedrock)?;
        for condition in &CONDITIONS {
            rows.push(row(bench, route, &gateway, condition).await?);
        }
    }
    Ok(Balance {
        cores: cores(),
        rows,
    })
}

async fn row(
    bench: &Bench<'_>,
    route: RequestRoute,
    gateway: &Server,
    condition: &Condition,
) -> Outcome<Row> {
    let exchange = route.exchange(ResponseMode::NonStreaming);
    if condition.after_reload {
        gateway.reload()?;
        tokio::time::sleep(RELOAD).await;
    }
    let mut trials = Vec::new();
    for _ in 0..TRIALS * bench.options.rounds {
        let time = bench.options.time / PART;
        trials.push(trial(gateway, &exchange, condition, time).await?);
    }
    let names = trials.iter().flat_map(|trial| trial.names.keys());
    let threads = names.map(|name| {
        let shares = trials
            .iter()
            .map(|trial| trial.share(trial.names.get(name)));
        (name.clone(), median(shares))
    });
    let busiest = |trial: &Trial| trial.share(trial.cores.iter().max());
    Ok(Row {
        route: route.name(),
        condition: condition.name,
        busiest: Spread::of(trials.iter().map(busiest)),
        even: 1.0 / condition.connections.min(cores()) as f64,
        threads: threads.collect(),
        requests_per_second: median(trials.iter().map(|trial| trial.rate)),
    })
}

async fn trial(
    gateway: &Server,
    exchange: &Exchange,
    condition: &Condition,
    time: Duration,
) -> Outcome<Trial> {
    let mut idle = Vec::new();
    for _ in 0..condition.idle {
        idle.push(Connection::after_request(gateway.address, exchange).await?);
    }
    let mut load = Load::open(gateway.address, condition.connections).await?;
    load.run(exchange, time / WARM_UP).await?;
    let before = gateway.threads()?;
    let run = load.run(exchange, time).await?;
    let after = gateway.threads()?;
    let mut cores: BTreeMap<String, Duration> = BTreeMap::new();
    let mut names: BTreeMap<String, Duration> = BTreeMap::new();
    for Thread { id, name, cpu_time } in after {
        let before = before.iter().find(|thread| thread.id == id);
        let before = before.map_or(Duration::ZERO, |thread| thread.cpu_time);
        let time = cpu_time.saturating_sub(before);
        // Threads of a core have its name; others have one for all.
        let core = match name.starts_with("core-") {
            true => name.clone(),
            false => format!("{name} {id}"),
        };
        *cores.entry(core).or_default() += time;
        *names.entry(name).or_default() += time;
    }
    Ok(Trial {
        cores: cores.into_values().collect(),
        names,
        rate: run.latencies.len() as f64 / run.elapsed.as_secs_f64(),
    })
}

impl Trial {
    /// The share of `time` in the CPU time of the process.
    fn share(&self, time: Option<&Duration>) -> f64 {
        let total: Duration = self.cores.iter().sum();
        // Requests were served, so the total is not 0.
        time.map_or(0.0, Duration::as_secs_f64) / total.as_secs_f64()
    }
}

impl Figures for Balance {
    fn print(&self) {
        println!(
            "share of the busiest core's threads in the gateway's CPU time, {} cores",
            self.cores
        );
        for row in &self.rows {
            print!(
                "  {:<8} {:<34} {:<17} even {:.2}  {:>7.0} requests/s  ",
                row.route,
                row.condition,
                row.busiest.to_string(),
                row.even,
                row.requests_per_second,
            );
            let shown = row.threads.iter().filter(|(_, share)| **share >= 0.005);
            for (name, share) in shown {
                print!(" {name} {:.0} %", 100.0 * share);
            }
            println!();
        }
    }

    fn targets(&self) -> Vec<Target> {
        let gateway = RequestRoute::Gateway.name();
        let shared = |row: &&Row| row.route == gateway && row.even < 1.0;
        let target = |row: &Row| {
            let Spread { median, min, max } = row.busiest;
            let ratio = Spread {
                median: median / row.even,
                min: min / row.even,
                max: max / row.even,
            };
            let figure = format!("busiest core, {}", row.condition);
            Target::of_ratio(figure, MAX_SHARE, "× even share", ratio)
        };
        self.rows.iter().filter(shared).map(target).collect()
    }
}
