use std::collections::BTreeMap;
use std::time::Duration;

use crate::Outcome;
use crate::exchange::{RequestRoute, ResponseMode};
use crate::generator;
use crate::options::Options;
use crate::processes::Server;

/// Number of connections for the comparison of CPU time.
pub(crate) const CPU_CONNECTIONS: usize = 16;

/// Numbers of connections for the comparison of latency: one, and many.
pub(crate) const LATENCY_CONNECTIONS: [usize; 2] = [1, 64];

/// A measurement is preceded by a warm-up of this fraction of its duration.
const WARM_UP: u32 = 5;

/// One combination of connections, response mode and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) mode: ResponseMode,
    pub(crate) connections: usize,
    pub(crate) route: RequestRoute,
}

/// Results of one measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// CPU time of the server process per request, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// Requests per second.
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// The samples of each cell, in round order.
pub(crate) type Cells = BTreeMap<Cell, Vec<Sample>>;

/// Measures every cell once per round.
pub(crate) async fn rounds(
    options: &Options,
    bedrock: &Server,
    floor: &Server,
    gateway: &Server,
    other: Option<&Server>,
) -> Outcome<Cells> {
    let servers = [
        (RequestRoute::Direct, Some(bedrock)),
        (RequestRoute::Floor, Some(floor)),
        (RequestRoute::Gateway, Some(gateway)),
        (RequestRoute::Other, other),
    ];
    let mut cells = Cells::new();
    for _ in 0..options.rounds {
        for (mode, connections) in conditions() {
            // Servers alternate in the innermost loop, so that compared values are measured close
            // together.
            for (route, server) in servers {
                let Some(server) = server else { continue };
                let cell = Cell {
                    mode,
                    connections,
                    route,
                };
                let sample = measure(server, cell, options.time).await?;
                cells.entry(cell).or_default().push(sample);
            }
        }
    }
    Ok(cells)
}

/// All combinations of response mode and number of connections.
fn conditions() -> impl Iterator<Item = (ResponseMode, usize)> {
    let [one, many] = LATENCY_CONNECTIONS;
    let numbers = [CPU_CONNECTIONS, one, many];
    ResponseMode::ALL
        .into_iter()
        .flat_map(move |mode| numbers.into_iter().map(move |number| (mode, number)))
}

async fn measure(server: &Server, cell: Cell, time: Duration) -> Outcome<Sample> {
    let Cell {
        mode,
        connections,
        route,
    } = cell;
    let exchange = route.exchange(mode);
    generator::run(server.address, &exchange, connections, time / WARM_UP).await?;
    let cpu_before = server.cpu_time()?;
    let run = generator::run(server.address, &exchange, connections, time).await?;
    let cpu = server.cpu_time()?.saturating_sub(cpu_before);
    let requests = u32::try_from(run.latencies.len())?;
    let percentile = |percent: usize| {
        let position = run.latencies.len().saturating_sub(1) * percent / 100;
        let latency = run.latencies.get(position).copied();
        latency.ok_or_else(|| format!("no request completed within {time:?}"))
    };
    Ok(Sample {
        cpu: cpu / requests.max(1),
        rate: f64::from(requests) / run.elapsed.as_secs_f64(),
        p50: percentile(50)?,
        p99: percentile(99)?,
    })
}

/// The median, the lower one for an even number of values; 0 without values.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or_default()
}
