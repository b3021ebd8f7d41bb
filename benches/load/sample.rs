use std::collections::BTreeMap;
use std::time::Duration;

use crate::Outcome;
use crate::exchange::Exchange;
use crate::generator::Load;
use crate::processes::Server;
use crate::statistics::{median, microseconds, percentile};

/// A measurement is preceded by a warm-up of this fraction of its duration.
const WARM_UP: u32 = 5;

/// Results of one measurement of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// CPU time of the server process per request, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// The part of `cpu` on the threads that serve connections; zero for servers without them.
    pub(crate) serving_cpu: Duration,
    /// Requests per second.
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// The samples of each combination of conditions, in round order.
pub(crate) struct Samples<Conditions>(BTreeMap<Conditions, Vec<Sample>>);

impl Sample {
    /// Sends `exchange` repeatedly on this many connections for this long.
    pub(crate) async fn measure(
        server: &Server,
        exchange: &Exchange,
        connections: usize,
        time: Duration,
    ) -> Outcome<Self> {
        let mut load = Load::open(server.address, connections).await?;
        load.run(exchange, time / WARM_UP).await?;
        let (cpu_before, serving_before) = (server.cpu_time()?, server.serving_time()?);
        let run = load.run(exchange, time).await?;
        let cpu = server.cpu_time()?.saturating_sub(cpu_before);
        let serving_cpu = server.serving_time()?.saturating_sub(serving_before);
        let requests = u32::try_from(run.latencies.len())?;
        let at = |percent| {
            let latency = percentile(&run.latencies, percent);
            latency.ok_or_else(|| format!("no request completed within {time:?}"))
        };
        Ok(Self {
            cpu: cpu / requests.max(1),
            serving_cpu: serving_cpu / requests.max(1),
            rate: f64::from(requests) / run.elapsed.as_secs_f64(),
            p50: at(50)?,
            p99: at(99)?,
        })
    }
}

impl<Conditions: Ord> Samples<Conditions> {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn add(&mut self, conditions: Conditions, sample: Sample) {
        self.0.entry(conditions).or_default().push(sample);
    }

    /// The samples under these conditions; empty if they were not measured.
    pub(crate) fn of(&self, conditions: &Conditions) -> &[Sample] {
        self.0.get(conditions).map_or(&[], Vec::as_slice)
    }

    /// The median of a figure under these conditions, in microseconds.
    pub(crate) fn median_us(
        &self,
        conditions: &Conditions,
        figure: fn(&Sample) -> Duration,
    ) -> f64 {
        median(
            self.of(conditions)
                .iter()
                .map(|sample| microseconds(figure(sample))),
        )
    }
}
