//! Four times as many requests as Bedrock may serve: what is admitted must not become slow, and what
//! is refused must be refused early.

use std::time::Duration;

use serde::Serialize;

use super::{Bench, Figures};
use crate::Outcome;
use crate::exchange::{RequestRoute, ResponseMode};
use crate::generator::OfferedLoad;
use crate::processes::Server;
use crate::statistics::{Spread, median, percentile};
use crate::target::Target;

/// A stream of Bedrock takes a tenth of a second.
const STREAM: [&str; 4] = ["--deltas", "6", "--delta-interval-ms", "20"];

/// With this many streams at once, Bedrock serves about 320 in a second. A queue of half the slots
/// makes a request wait for half a response.
const CONFIGURATION: &str = "
[limits.target]
max_concurrent_requests = 32
max_queued_requests = 16
";

/// Requests in a second: half of what can be served, and four times as many.
const UNLOADED: u32 = 160;
const OVERLOAD: u32 = 1280;

/// The 99th percentile of the latency of served requests under overload, as a multiple of the
/// unloaded one.
const MAX_P99_RATIO: f64 = 2.0;

/// The 99th percentile of the time to a refusal, as a fraction of the median of a response.
const MAX_REFUSAL_RATIO: f64 = 0.1;

#[derive(Serialize)]
pub(super) struct Overload {
    /// Medians of the rounds, in milliseconds.
    unloaded_p50_ms: f64,
    unloaded_p99_ms: f64,
    overload_p99_ms: f64,
    refusal_p99_ms: f64,
    unloaded_per_second: f64,
    served_per_second: f64,
    refused_per_second: f64,
    p99_ratio: Spread,
    refusal_ratio: Spread,
}

struct Round {
    unloaded: OfferedLoad,
    overload: OfferedLoad,
}

pub(super) async fn run(bench: &Bench<'_>) -> Outcome<Overload> {
    let bedrock = Server::simulator(bench.binaries, &STREAM)?;
    let executable = &bench.binaries.gateway;
    let gateway = Server::gateway(executable, CONFIGURATION, bench.binaries, &bedrock)?;
    let exchange = RequestRoute::Gateway.exchange(ResponseMode::Stream);
    let time = bench.options.time;
    let mut rounds = Vec::new();
    for _ in 0..bench.options.rounds {
        let offer = |rate| OfferedLoad::measure(gateway.address, &exchange, rate, time);
        let unloaded = offer(UNLOADED).await?;
        if !unloaded.refused.is_empty() {
            return Err("the machine is too slow: requests were refused without overload".into());
        }
        let overload = offer(OVERLOAD).await?;
        rounds.push(Round { unloaded, overload });
    }
    let at = |latencies: fn(&Round) -> &[Duration], percent| {
        rounds
            .iter()
            .map(move |round| milliseconds(latencies(round), percent))
    };
    let unloaded = |percent| at(|round| &round.unloaded.served, percent);
    let served = at(|round| &round.overload.served, 99);
    let refusals = at(|round| &round.overload.refused, 99);
    let per_second = |requests: fn(&Round) -> &[Duration]| {
        let counts = rounds.iter().map(|round| requests(round).len() as f64);
        median(counts) / time.as_secs_f64()
    };
    Ok(Overload {
        unloaded_p50_ms: median(unloaded(50)),
        unloaded_p99_ms: median(unloaded(99)),
        overload_p99_ms: median(served.clone()),
        refusal_p99_ms: median(refusals.clone()),
        unloaded_per_second: per_second(|round| &round.unloaded.served),
        served_per_second: per_second(|round| &round.overload.served),
        refused_per_second: per_second(|round| &round.overload.refused),
        p99_ratio: Spread::of_ratios(served, unloaded(99)),
        refusal_ratio: Spread::of_ratios(refusals, unloaded(50)),
    })
}

/// A percentile of sorted latencies; not a number without latencies.
fn milliseconds(latencies: &[Duration], percent: usize) -> f64 {
    percentile(latencies, percent).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}

impl Figures for Overload {
    fn print(&self) {
        println!(
            "{OVERLOAD} streams of {:.0} ms offered in a second, four times as many as can be served",
            self.unloaded_p50_ms
        );
        println!(
            "  without overload {:>6.0} served in a second, p99 {:>6.1} ms",
            self.unloaded_per_second, self.unloaded_p99_ms
        );
        println!(
            "  with overload    {:>6.0} served in a second, p99 {:>6.1} ms, ratio {}",
            self.served_per_second, self.overload_p99_ms, self.p99_ratio
        );
        println!(
            "                   {:>6.0} refused in a second, p99 {:>5.1} ms",
            self.refused_per_second, self.refusal_p99_ms
        );
    }

    fn targets(&self) -> Vec<Target> {
        let served = "p99 of served requests, 4 × overload".to_owned();
        let refused = "p99 of refusals, 4 × overload".to_owned();
        vec![
            Target::of_ratio(served, MAX_P99_RATIO, "× unloaded", self.p99_ratio),
            Target::of_ratio(
                refused,
                MAX_REFUSAL_RATIO,
                "× a response",
                self.refusal_ratio,
            ),
        ]
    }
}
