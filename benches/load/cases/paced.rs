//! Streams at a model's pace, whose events do not arrive together.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::{Bench, Figures};
use crate::Outcome;
use crate::contestants::Contestants;
use crate::exchange::{RequestRoute, ResponseMode};
use crate::generator::PacedStreams;
use crate::processes::{MANY_REQUESTS, Server, own_cpu_time};
use crate::statistics::{Spread, median, microseconds, percentile};
use crate::target::Target;

/// Maximum CPU time of the gateway per event, as a multiple of the floor's.
const MAX_RATIO: f64 = 1.2;

/// Maximum of what the gateway adds to the 99th percentile of an event's delay.
const MAX_ADDED_P99_US: f64 = 2000.0;

/// Streams have events for longer than any measurement.
const STREAM_TIME_S: usize = 60;

#[derive(Serialize)]
pub(super) struct Paced {
    streams: usize,
    events_per_second_and_stream: usize,
    routes: Vec<RouteFigures>,
    /// The gateway's CPU time per event as a multiple of the floor's.
    ratio: Spread,
    /// The gateway's CPU time per event as a multiple of the other's.
    ratio_to_other: Option<Spread>,
}

/// Medians of the rounds, per event, in microseconds.
#[derive(Serialize)]
struct RouteFigures {
    route: &'static str,
    /// Of the server process.
    cpu_us: f64,
    /// Of the generator, and of the simulator, which are not to be the bottleneck.
    generator_cpu_us: f64,
    simulator_cpu_us: f64,
    /// Fraction of the scheduled events that arrived.
    arrived: f64,
    /// From the simulator to the generator.
    p50_us: f64,
    p99_us: f64,
    /// The difference from the direct route.
    added_p50_us: f64,
    added_p99_us: f64,
}

/// One measurement.
struct Sample {
    /// Per event.
    cpu: CpuTimes,
    events: u32,
    p50: Duration,
    p99: Duration,
}

/// CPU time of the processes that take part.
struct CpuTimes {
    server: Duration,
    generator: Duration,
    simulator: Duration,
}

impl CpuTimes {
    fn now(server: &Server, simulator: &Server) -> Outcome<Self> {
        Ok(Self {
            server: server.cpu_time()?,
            generator: own_cpu_time()?,
            simulator: simulator.cpu_time()?,
        })
    }

    fn per_event(&self, before: &Self, events: u32) -> Self {
        let of = |time: fn(&Self) -> Duration| {
            // A measurement without events is an error.
            time(self).saturating_sub(time(before)) / events.max(1)
        };
        Self {
            server: of(|times| times.server),
            generator: of(|times| times.generator),
            simulator: of(|times| times.simulator),
        }
    }
}

type Samples = BTreeMap<RequestRoute, Vec<Sample>>;

pub(super) async fn run(bench: &Bench<'_>) -> Outcome<Paced> {
    let options = bench.options;
    let deltas = (STREAM_TIME_S * options.pace).to_string();
    let interval = (1000 / options.pace).to_string();
    let arguments = ["--deltas", &deltas, "--delta-interval-ms", &interval];
    let contestants = Contestants::start_with(bench, &arguments, MANY_REQUESTS)?;
    let mut samples = Samples::new();
    for _ in 0..options.rounds {
        for (route, server) in contestants.all() {
            let sample = measure(bench, route, server, contestants.bedrock()).await?;
            samples.entry(route).or_default().push(sample);
        }
    }
    let cpu = |route| {
        let samples = samples.get(&route).into_iter().flatten();
        samples.map(|sample| sample.cpu.server.as_secs_f64())
    };
    let ratio_to = |route| Spread::of_ratios(cpu(RequestRoute::Gateway), cpu(route));
    let other = samples.contains_key(&RequestRoute::Other);
    Ok(Paced {
        streams: options.paced_streams,
        events_per_second_and_stream: options.pace,
        routes: routes(bench, &samples),
        ratio: ratio_to(RequestRoute::Floor),
        ratio_to_other: other.then(|| ratio_to(RequestRoute::Other)),
    })
}

async fn measure(
    bench: &Bench<'_>,
    route: RequestRoute,
    server: &Server,
    bedrock: &Server,
) -> Outcome<Sample> {
    let exchange = route.exchange(ResponseMode::Stream);
    let (count, time) = (bench.options.paced_streams, bench.options.time);
    let streams = PacedStreams::open(server.address, &exchange, count, time)?;
    tokio::time::sleep_until(streams.start).await;
    let before = CpuTimes::now(server, bedrock)?;
    tokio::time::sleep_until(streams.end).await;
    let after = CpuTimes::now(server, bedrock)?;
    let delays = streams.delays().await?;
    let events = u32::try_from(delays.len())?;
    let at = |percent| percentile(&delays, percent).ok_or("no event arrived");
    Ok(Sample {
        cpu: after.per_event(&before, events),
        events,
        p50: at(50)?,
        p99: at(99)?,
    })
}

fn routes(bench: &Bench<'_>, samples: &Samples) -> Vec<RouteFigures> {
    let options = bench.options;
    let scheduled = (options.paced_streams * options.pace) as f64 * options.time.as_secs_f64();
    let at = |route, figure: fn(&Sample) -> Duration| {
        let samples = samples.get(&route).into_iter().flatten();
        median(samples.map(|sample| microseconds(figure(sample))))
    };
    let p50 = |route| at(route, |sample| sample.p50);
    let p99 = |route| at(route, |sample| sample.p99);
    let figures = samples.iter().map(|(&route, samples)| RouteFigures {
        route: route.name(),
        cpu_us: at(route, |sample| sample.cpu.server),
        generator_cpu_us: at(route, |sample| sample.cpu.generator),
        simulator_cpu_us: at(route, |sample| sample.cpu.simulator),
        arrived: median(samples.iter().map(|sample| f64::from(sample.events))) / scheduled,
        p50_us: p50(route),
        p99_us: p99(route),
        added_p50_us: p50(route) - p50(RequestRoute::Direct),
        added_p99_us: p99(route) - p99(RequestRoute::Direct),
    });
    figures.collect()
}

impl Figures for Paced {
    fn print(&self) {
        println!(
            "{} streams of {} events a second each: CPU time per event, and time from Bedrock to \
             the client",
            self.streams, self.events_per_second_and_stream
        );
        println!(
            "  {:<10}CPU time        p50       p99  added p50  added p99   arrived   \
             simulator  generator",
            ""
        );
        for route in &self.routes {
            println!(
                "  {:<8}{:>7.1} µs{:>8.0} µs{:>7.0} µs{:>8.0} µs{:>8.0} µs{:>8.1} %{:>9.1} µs{:>8.1} µs",
                route.route,
                route.cpu_us,
                route.p50_us,
                route.p99_us,
                route.added_p50_us,
                route.added_p99_us,
                100.0 * route.arrived,
                route.simulator_cpu_us,
                route.generator_cpu_us,
            );
        }
        let ratio = self.ratio;
        println!("  ratio {ratio}");
        if let Some(ratio) = self.ratio_to_other {
            println!("  gateway by other {ratio}");
        }
        if self.routes.iter().any(|route| route.arrived < 0.98) {
            println!(
                "  the machine is too slow for this load: use fewer streams (`--paced-streams`)"
            );
        }
    }

    fn targets(&self) -> Vec<Target> {
        let name = format!("{} paced streams", self.streams);
        let figure = format!("CPU time per event, {name}");
        let cpu = Target::of_ratio(figure, MAX_RATIO, "× floor", self.ratio);
        let gateway = RequestRoute::Gateway.name();
        let gateway = self.routes.iter().find(|route| route.route == gateway);
        let added = gateway.map(|gateway| {
            let figure = format!("added delay of an event, p99, {name}");
            Target::new(figure, MAX_ADDED_P99_US, "µs", gateway.added_p99_us)
        });
        [cpu].into_iter().chain(added).collect()
    }
}
